import type { OutgoingMessage } from '../../lib/broker.ts'
import type { MemoryBroker } from '../../lib/memory/memoryBroker.ts'

/** Writes values as JSON to a partition; `key` is the same for all. */
export function produce(
  kafka: MemoryBroker,
  topic: string,
  values: readonly unknown[],
  to: Partial<OutgoingMessage> = {},
) {
  kafka.send(
    values.map((value) => ({ topic, partition: 0, key: null, value: JSON.stringify(value), ...to })),
    () => {},
  )
}
