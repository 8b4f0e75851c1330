import { Redis } from 'ioredis'
import { zaddTo } from '../../operators/index.ts'
import type { Order } from '../messages.ts'
import type { Meter } from '../meter.ts'
import { eachBatchByHand, eachMessageByHand, parsed, parts } from './byHand.ts'
import { through } from './ours.ts'
import type { Input, Variant } from './variant.ts'

const scoreOf = (order: Order): number => Date.parse(order.timestamp)

/** By hand: a pipeline for each 500, with one ZADD a key. */
export const zaddByHand: Variant = (input, meter) =>
  withRedis(input, (redis) =>
    eachBatchByHand(input, meter, async (messages) => {
      const orders = messages.map((message) => parsed<Order>(message))
      await Promise.all(parts(orders, 500).map((part) => addAll(redis, part, input.prefix, meter)))
    }),
  )

async function addAll(redis: Redis, orders: readonly Order[], prefix: string, meter: Meter): Promise<void> {
  const members = new Map<string, (string | number)[]>()
  for (const order of orders) {
    const words = members.get(order.user_id) ?? []
    members.set(order.user_id, words)
    words.push(scoreOf(order), order.id)
  }
  const pipeline = redis.pipeline()
  for (const [user, words] of members) pipeline.zadd(prefix + user, ...words)
  const replies = await pipeline.exec()
  for (const [error] of replies ?? []) if (error !== null) throw error
  for (const _ of orders) meter.count()
}

/** What most people write. */
export const zaddEachMessage: Variant = (input, meter) =>
  withRedis(input, (redis) =>
    eachMessageByHand(input, meter, async (message) => {
      const order = parsed<Order>(message)
      await redis.zadd(input.prefix + order.user_id, scoreOf(order), order.id)
      meter.count()
    }),
  )

/** `zaddTo`. */
export const zadd: Variant = (input, meter) =>
  withRedis(input, (redis) =>
    through(({ prefix }) =>
      zaddTo(redis, (order) => ({ key: prefix + order.user_id, score: scoreOf(order), member: order.id })),
    )(input, meter),
  )

async function withRedis(input: Input, work: (redis: Redis) => Promise<void>): Promise<void> {
  const redis = new Redis(input.place.redisUrl)
  try {
    await work(redis)
  } finally {
    redis.disconnect()
  }
}
