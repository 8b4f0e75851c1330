import type { AssignedPartition, LogRange, TopicPartition } from '../broker.ts'
import type { AdminClient } from './client.ts'

/** Where a partition stands: what the group has committed, and what the log holds. */
interface Standing {
  readonly committed: number | null
  readonly metadata: string
  readonly low: number
  readonly high: number
}

/** Asks where reading begins. What the group has committed may no longer be in the log: the first fetch will tell. */
export async function startOf(
  admin: AdminClient,
  options: { groupId: string; fromBeginning: boolean | Date },
  places: readonly TopicPartition[],
): Promise<AssignedPartition[]> {
  const standings = await standingsOf(admin, options.groupId, places)
  const fresh = places.filter((place) => standingOf(standings, place).committed === null)
  const instants = await instantsOf(admin, options.fromBeginning, fresh)
  return places.map(({ topic, partition }) => {
    const { committed, metadata, low, high } = standingOf(standings, { topic, partition })
    const beginning = options.fromBeginning === false ? high : low
    const position = committed ?? instants.get(keyOf({ topic, partition })) ?? beginning
    const kept = metadata === '' ? {} : { metadata }
    return { topic, partition, committed, ...kept, position, logStart: low, highWatermark: high }
  })
}

/** Asks what the log of a partition holds. */
export async function rangeOf(admin: AdminClient, { topic, partition }: TopicPartition): Promise<LogRange> {
  const ends = await admin.fetchTopicOffsets(topic)
  const found = ends.find((one) => one.partition === partition)
  if (found === undefined) throw missing({ topic, partition })
  return { logStart: Number(found.low), highWatermark: Number(found.high) }
}

/** Where the messages of an instant begin, at the end when there are none; empty when no instant is asked for. */
async function instantsOf(
  admin: AdminClient,
  from: boolean | Date,
  places: readonly TopicPartition[],
): Promise<Map<string, number>> {
  const offsets = new Map<string, number>()
  if (!(from instanceof Date)) return offsets
  for (const topic of new Set(places.map(({ topic }) => topic))) {
    for (const { partition, offset } of await admin.fetchTopicOffsetsByTimestamp(topic, from.getTime())) {
      offsets.set(keyOf({ topic, partition }), Number(offset))
    }
  }
  return offsets
}

async function standingsOf(
  admin: AdminClient,
  groupId: string,
  places: readonly TopicPartition[],
): Promise<Map<string, Standing>> {
  const standings = new Map<string, Standing>()
  const topics = [...new Set(places.map(({ topic }) => topic))]
  if (topics.length === 0) return standings
  const ends = await Promise.all(topics.map(async (topic) => ({ topic, ends: await admin.fetchTopicOffsets(topic) })))
  // Afterwards: a new admin client knows no broker before it asked for a topic, and would wait to ask again.
  const offsets = await admin.fetchOffsets({ groupId, topics })
  const committed = new Map<string, { offset: number; metadata: string }>()
  for (const { topic, partitions } of offsets) {
    for (const { partition, offset, metadata } of partitions)
      committed.set(keyOf({ topic, partition }), { offset: Number(offset), metadata: metadata ?? '' })
  }
  for (const { topic, ends: partitions } of ends) {
    for (const { partition, low, high } of partitions) {
      const key = keyOf({ topic, partition })
      // Below 0 is Kafka's word for none, and KafkaJS's for a reset of its own.
      const { offset, metadata } = committed.get(key) ?? { offset: -1, metadata: '' }
      standings.set(key, { committed: offset < 0 ? null : offset, metadata, low: Number(low), high: Number(high) })
    }
  }
  return standings
}

function standingOf(standings: ReadonlyMap<string, Standing>, place: TopicPartition): Standing {
  const standing = standings.get(keyOf(place))
  if (standing === undefined) throw missing(place)
  return standing
}

function missing({ topic, partition }: TopicPartition): Error {
  return new Error(`Cannot find ${topic}[${partition}]: the broker does not list it`)
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}
