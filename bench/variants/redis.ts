import { Redis } from 'ioredis'
import { type ZaddEntry, zaddTo } from '../../operators/index.ts'
import type { Order } from '../messages.ts'
import type { Meter } from '../meter.ts'
import { eachBatchByHand, eachMessageByHand, parsed, parts } from './byHand.ts'
import { through } from './ours.ts'
import type { Input, Variant } from './variant.ts'

const entryOf = ({ id, user_id, timestamp }: Order, { prefix }: Input): ZaddEntry => ({
  key: prefix + user_id,
  score: Date.parse(timestamp),
  member: id,
})

/** By hand: a pipeline for each 500, with one ZADD a key. */
export const zaddByHand: Variant = (input, meter) =>
  withRedis(input, (redis) =>
    eachBatchByHand(input, meter, async (messages) => {
      const entries = messages.map((message) => entryOf(parsed(message), input))
      await Promise.all(parts(entries, 500).map((part) => addAll(redis, part, meter)))
    }),
  )

export async function addAll(redis: Redis, entries: readonly ZaddEntry[], meter: Meter): Promise<void> {
  const members = new Map<string, (string | number)[]>()
  for (const { key, score, member } of entries) {
    const words = members.get(key) ?? []
    members.set(key, words)
    words.push(score, member)
  }
  const pipeline = redis.pipeline()
  for (const [key, words] of members) pipeline.zadd(key, ...words)
  const replies = await pipeline.exec()
  for (const [error] of replies ?? []) if (error !== null) throw error
  for (const _ of entries) meter.count()
}

/** What most people write. */
export const zaddEachMessage: Variant = (input, meter) =>
  withRedis(input, (redis) =>
    eachMessageByHand(input, meter, async (message) => {
      const { key, score, member } = entryOf(parsed(message), input)
      await redis.zadd(key, score, member)
      meter.count()
    }),
  )

/** `zaddTo`. */
export const zadd: Variant = (input, meter) =>
  withRedis(input, (redis) =>
    through<Order>(() => zaddTo(redis, (order: Order) => entryOf(order, input)))(input, meter),
  )

export async function withRedis(input: Input, work: (redis: Redis) => Promise<void>): Promise<void> {
  const redis = new Redis(input.place.redisUrl)
  try {
    await work(redis)
  } finally {
    redis.disconnect()
  }
}
