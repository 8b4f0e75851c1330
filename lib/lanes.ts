import type { Message } from './message.ts'

/**
 * Which messages may not overtake each other. `key`: those of one key and partition; messages without a key are free.
 * `partition`: all of a partition. `none`: no message waits for another.
 */
export type Order = 'key' | 'partition' | 'none'

/** The words of {@link Order}. */
export const ORDERS: readonly Order[] = ['key', 'partition', 'none']

/** The lane of a message: two with the same lane keep their order. Undefined: a lane of its own. */
export function laneOf(message: Message<unknown>, order: Order): string | undefined {
  if (order === 'none') return undefined
  const { topic, partition } = message.origin
  if (order === 'partition') return `${topic}/${partition}`
  const { key } = message
  return key === null ? undefined : `${topic}/${partition}/${latin1(key)}`
}

/** A string for bytes, one to one: keys are compared by their bytes. */
function latin1(bytes: Uint8Array): string {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return buffer.toString('latin1')
}
