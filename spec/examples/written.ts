import type { MemoryBroker } from 'rxjs-kafka-toolkit'

/** What a topic holds: its keys, and its values as JSON has them. */
export function written(kafka: MemoryBroker, topic: string): readonly { key: string | null; value: unknown }[] {
  return kafka.messages(topic).map(({ key, value }) => ({ key: key && String(key), value: JSON.parse(String(value)) }))
}
