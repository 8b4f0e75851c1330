import type { Message } from '../../lib/message.ts'

/** Which operator counts under which key, in one delivery of a message. */
interface Delivery {
  readonly origin: unknown
  readonly attempt: number
  readonly owners: Map<string, object>
}

const deliveries = new WeakMap<object, Delivery>()

/**
 * Whether nobody but `owner` counts a message under a key: the second of two operators that share one would find the
 * message counted, and count nothing. The children of a message are that message.
 */
export function claim(key: string, owner: object, { raw, origin, attempt }: Message<unknown>): boolean {
  let delivery = deliveries.get(raw)
  if (delivery === undefined || delivery.origin !== origin || delivery.attempt !== attempt) {
    delivery = { origin, attempt, owners: new Map() }
    deliveries.set(raw, delivery)
  }
  const claimed = delivery.owners.get(key)
  if (claimed === undefined) delivery.owners.set(key, owner)
  return claimed === undefined || claimed === owner
}
