import type { TopicPartition } from './broker.ts'
import type { Message } from './message.ts'

/**
 * Which messages may not overtake each other. `key`: those of one key and partition; messages without a key are free.
 * `partition`: all of a partition. `none`: no message waits for another.
 */
export type Order = 'key' | 'partition' | 'none'

/** The words of {@link Order}. */
export const ORDERS: readonly Order[] = ['key', 'partition', 'none']

/** Two messages with the same lane keep their order; one without a lane waits for nobody. */
export type Lane = number

/**
 * The lanes of an operator's messages. A lane is a hash, because a text for each message would cost more than all else
 * that is done for it. Two keys that share one by chance, one pair in 2³⁰, only wait for each other.
 */
export class Lanes {
  private readonly order: Order
  /** The partition that the latest message came from, and its hash: many come of one in a row. */
  private latest: TopicPartition | undefined
  private seed: Lane = 0

  constructor(order: Order) {
    this.order = order
  }

  of({ origin, key }: Message<unknown>): Lane | undefined {
    if (this.order === 'none') return undefined
    if (origin !== this.latest) {
      this.latest = origin
      this.seed = laneOfPartition(origin.topic, origin.partition)
    }
    if (this.order === 'partition') return this.seed
    return key === null ? undefined : laneOfKey(key, this.seed)
  }
}

function laneOfPartition(topic: string, partition: number): Lane {
  let hash = partition
  for (let i = 0; i < topic.length; i++) hash = mix(hash, topic.charCodeAt(i))
  return hash
}

/** The lane of a key, among those of its partition, or of the place that `seed` stands for. */
export function laneOfKey(key: Uint8Array, seed = 0): Lane {
  let hash = mix(seed, key.length)
  for (let i = 0; i < key.length; i++) hash = mix(hash, key[i] as number)
  return hash
}

/** A step of FNV-1a, kept to 30 bits: V8 has such integers in place, larger ones on its heap. */
function mix(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, 0x01000193) & 0x3fffffff
}
