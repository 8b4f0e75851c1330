import { Redis } from 'ioredis'
import { servers } from '../../services/servers.ts'
import type { Stage, StageSet } from './stages.ts'

/** A Redis that is empty at the beginning of each run; a run adds a member for each message to a set of its own names. */
export async function redisStage({ run, topic: { prefix } }: StageSet): Promise<Stage> {
  await servers.redis.start(run)
  const redisUrl = servers.redis.url(run)
  const redis = new Redis(redisUrl)
  return {
    place: { redisUrl },
    expectDone: async (messages) => {
      const keys = await redis.keys(`${prefix}*`)
      const sizes = await Promise.all(keys.map((key) => redis.zcard(key)))
      const members = sizes.reduce((sum, size) => sum + size, 0)
      if (keys.length > 0) await redis.unlink(keys)
      if (members !== messages) throw new Error(`Expected ${messages} members in Redis, found ${members}`)
    },
    close: async () => redis.disconnect(),
  }
}
