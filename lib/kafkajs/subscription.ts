import type { TopicPartition } from '../broker.ts'
import { array, BytesReader, int16, int32, text } from './bytes.ts'

/** What a member has been assigned, and in which generation of its group. */
export interface Owned {
  readonly places: readonly TopicPartition[]
  readonly generation: number
}

export const NOTHING_OWNED: Owned = { places: [], generation: -1 }

const VERSION = 0
const NO_USER_DATA = int32(0)

/** Tells, in a join, what a member reads; with `owned` also what it had, in the bytes of Kafka's StickyAssignor. */
export function subscription(topics: readonly string[], owned?: Owned): Buffer {
  return Buffer.concat([int16(VERSION), array(topics.map(text)), owned === undefined ? NO_USER_DATA : userData(owned)])
}

/** Tells a member its share. */
export function assignment(places: readonly TopicPartition[]): Buffer {
  return Buffer.concat([int16(VERSION), topicArray(places), NO_USER_DATA])
}

/** Reads what a member told; undefined when the bytes are no subscription. User data of another kind claims nothing. */
export function subscriptionOf(bytes: Buffer): { topics: readonly string[]; owned: Owned } | undefined {
  return read(() => {
    const reader = new BytesReader(bytes)
    reader.int16()
    const topics = reader.array(() => reader.text())
    return { topics, owned: read(() => ownedIn(new BytesReader(reader.sized()))) ?? NOTHING_OWNED }
  })
}

function ownedIn(reader: BytesReader): Owned {
  if (reader.isAtEnd) return NOTHING_OWNED
  const places = reader.array(() => {
    const topic = reader.text()
    return reader.array(() => ({ topic, partition: reader.int32() }))
  })
  // The first version of Kafka's StickyAssignor wrote no generation.
  return { places: places.flat(), generation: reader.isAtEnd ? NOTHING_OWNED.generation : reader.int32() }
}

function userData({ places, generation }: Owned): Buffer {
  const bytes = Buffer.concat([topicArray(places), int32(generation)])
  return Buffer.concat([int32(bytes.length), bytes])
}

function topicArray(places: readonly TopicPartition[]): Buffer {
  const byTopic = new Map<string, Buffer[]>()
  for (const { topic, partition } of places) {
    const partitions = byTopic.get(topic)
    if (partitions === undefined) byTopic.set(topic, [int32(partition)])
    else partitions.push(int32(partition))
  }
  return array([...byTopic].map(([topic, partitions]) => Buffer.concat([text(topic), array(partitions)])))
}

function read<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}
