import type { Message } from '../../lib/message.ts'

type Delivery = { readonly origin: unknown; readonly attempt: number; readonly keys: string[] }

/** The keys given to each message as it was fetched, in one delivery. */
const given = new WeakMap<object, Delivery>()

/**
 * The key by which a receiver knows a request again: the same at every delivery, another for each group, operator name,
 * message and child. Its parts may hold what no header can, or the stroke between them.
 */
export function defaultKey(name: string, message: Message<unknown>): string {
  return `${encodeURIComponent(message.origin.groupId)}/${encodeURIComponent(name)}/${message.id}`
}

/**
 * Takes note that a message goes out under a key. False when it did before, in this delivery: two operators of one name
 * are in its pipe, and the receiver would take the request of the second for a repetition of the first's.
 */
export function claimKey(key: string, { raw, origin, attempt }: Message<unknown>): boolean {
  let delivery = given.get(raw)
  if (delivery === undefined || delivery.origin !== origin || delivery.attempt !== attempt) {
    delivery = { origin, attempt, keys: [] }
    given.set(raw, delivery)
  }
  const isNew = !delivery.keys.includes(key)
  if (isNew) delivery.keys.push(key)
  return isNew
}
