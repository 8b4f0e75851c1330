import { Redis as Redis5 } from 'ioredis'
import { Redis as Redis6 } from 'ioredis-6'
import { createClient } from 'redis'
import { nodeRedis, type RedisLike } from '../../../operators/zaddTo/zaddTo.ts'

/** A client as an application has it, and its end. */
export interface OpenRedis {
  readonly redis: RedisLike
  close(): void
}

/** Opens a client of a Redis, by the name of the library. */
export const redisClients: Readonly<Record<string, (url: string) => OpenRedis>> = {
  'ioredis 5': (url) => opened(new Redis5(url)),
  'ioredis 6': (url) => opened(new Redis6(url)),
  'node-redis 6': (url) => {
    const client = createClient({ url })
    client.on('error', () => {})
    void client.connect().catch(() => {})
    return { redis: nodeRedis(client), close: () => client.destroy() }
  },
}

function opened(redis: (Redis5 | Redis6) & RedisLike): OpenRedis {
  redis.on('error', () => {})
  return { redis, close: () => redis.disconnect() }
}
