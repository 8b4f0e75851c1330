import { randomBytes } from 'node:crypto'
import { Redis as Redis5 } from 'ioredis'
import { Redis as Redis6 } from 'ioredis-6'
import { afterAll } from 'vitest'
import { connectionSettings } from '../../../services/defaults.ts'
import { redisSuite } from '../../operators/redis.suite.ts'

const { redisUrl } = connectionSettings()
const run = `spec:${randomBytes(4).toString('hex')}`

const eye = new Redis5(redisUrl)
const open: { disconnect(): void }[] = [eye]

afterAll(async () => {
  const keys = await eye.keys(`${run}:*`)
  if (keys.length > 0) await eye.del(...keys)
  await eye.acl('DELUSER', run)
  for (const client of open) client.disconnect()
})

const clients = [
  ['5', (url: string, options = {}) => new Redis5(url, options)],
  ['6', (url: string, options = {}) => new Redis6(url, options)],
] as const

for (const [version, client] of clients) {
  const redis = client(redisUrl)
  open.push(redis)
  redisSuite(`Redis through ioredis ${version}`, () => ({
    redis,
    run: (name = '', ...words) => eye.call(name, ...words),
    key: (name) => `${run}:${version}:${name}`,
    failing: (how) => {
      const failing = client(...failingArguments(how))
      failing.on('error', () => {})
      open.push(failing)
      return failing
    },
  }))
}

/** A user that may do nothing, or a port on which nobody listens. */
function failingArguments(how: 'fatal' | 'lost'): [string, object] {
  const url = new URL(redisUrl)
  if (how === 'lost') {
    url.port = '1'
    return [url.href, { maxRetriesPerRequest: 0, enableOfflineQueue: true, retryStrategy: () => null }]
  }
  void eye.acl('SETUSER', run, 'reset', 'on', '>secret', '+ping', '+info')
  return [url.href, { username: run, password: 'secret' }]
}
