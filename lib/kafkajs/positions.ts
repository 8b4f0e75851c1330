import type { AssignedPartition, Position, TopicPartition } from '../broker.ts'
import { FatalError } from '../errors.ts'
import type { Admin } from './admin.ts'
import type { AdminClient } from './client.ts'
import { OutOfRange } from './ended.ts'
import { chainOf } from './errors.ts'

/** Where a partition stands: what the group has committed, and what the log holds. */
interface Standing {
  readonly committed: number | null
  readonly low: number
  readonly high: number
}

/**
 * Asks where reading begins.
 *
 * @throws FatalError when what the group has committed is no longer in the log: messages were lost, and going on as if
 *   nothing had happened is not ours to decide
 */
export async function startOf(
  admin: AdminClient,
  options: { groupId: string; fromBeginning: boolean },
  places: readonly TopicPartition[],
): Promise<AssignedPartition[]> {
  const standings = await standingsOf(admin, options.groupId, places)
  return places.map(({ topic, partition }) => {
    const standing = standingOf(standings, { topic, partition })
    const { committed, low, high } = standing
    const position = committed ?? (options.fromBeginning ? low : high)
    if (position < low || position > high) throw gone(options.groupId, { topic, partition, offset: position }, standing)
    return { topic, partition, committed, position, highWatermark: high }
  })
}

/** What a crash means: messages that are gone, if it was for a place of reading that is not in the log; else itself. */
export async function reasonOf(
  error: unknown,
  admin: Admin,
  groupId: string,
  positions: readonly Position[],
): Promise<unknown> {
  if (!chainOf(error).some((cause) => cause instanceof OutOfRange)) return error
  const standings = await admin.ask((client) => standingsOf(client, groupId, positions))
  const found = positions.find((position) => isGone(position.offset, standingOf(standings, position)))
  return found === undefined ? error : gone(groupId, found, standingOf(standings, found))
}

function isGone(offset: number, { low, high }: Standing): boolean {
  return offset < low || offset > high
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
  const committed = new Map<string, number>()
  for (const { topic, partitions } of offsets) {
    for (const { partition, offset } of partitions) committed.set(keyOf({ topic, partition }), Number(offset))
  }
  for (const { topic, ends: partitions } of ends) {
    for (const { partition, low, high } of partitions) {
      const key = keyOf({ topic, partition })
      // Below 0 is Kafka's word for none, and KafkaJS's for a reset of its own.
      const offset = committed.get(key) ?? -1
      standings.set(key, { committed: offset < 0 ? null : offset, low: Number(low), high: Number(high) })
    }
  }
  return standings
}

function standingOf(standings: ReadonlyMap<string, Standing>, place: TopicPartition): Standing {
  const standing = standings.get(keyOf(place))
  if (standing === undefined)
    throw new Error(`Cannot find ${place.topic}[${place.partition}]: the broker does not list it`)
  return standing
}

function gone(groupId: string, { topic, partition, offset }: Position, { low, high }: Standing): FatalError {
  const log = `the log begins at ${low} and ends at ${high}`
  const what =
    offset < low
      ? `${low - offset} messages were deleted before they were read`
      : 'the topic was recreated or truncated, and what it holds now may be unread'
  return new FatalError(
    `Cannot read ${topic}[${partition}] as group ${groupId}: the next offset to read is ${offset}, but ${log}: ${what}; set the group's offset (kafka-consumer-groups --reset-offsets) to where it shall go on, or use a new groupId`,
  )
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}
