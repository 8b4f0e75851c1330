import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { type AddressInfo, connect, createServer } from 'node:net'
import { Redis as Redis5 } from 'ioredis'
import { Redis as Redis6 } from 'ioredis-6'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { errorClassOf } from '../../../lib/errors.ts'
import { type RedisLike, type ZaddEntry, type ZaddToOptions, zaddTo } from '../../../operators/zaddTo/zaddTo.ts'
import { connectionSettings } from '../../../services/defaults.ts'
import { throughOperator } from '../support/throughOperator.ts'
import { until } from '../support/until.ts'

const { redisUrl } = connectionSettings()
/** Looks at what was written. */
const eye = new Redis5(redisUrl)
const run = `spec:${randomBytes(4).toString('hex')}`

/** What a user could write to break out of a command. */
const HOSTILE = [
  `quotes ' " \` \\`,
  'line\nbreak\r\nDEL x',
  '*3\r\n$3\r\nDEL\r\n$1\r\nx\r\n',
  '$' + '{process.exit(1)}',
  '") |> drop()',
  'emoji 👩‍👩‍👧 and \u202e',
  'NUL \0 inside',
  '',
  ' ',
  '__proto__',
  '-inf',
  'NX',
  'x'.repeat(10_000),
]

const settle = (redis: RedisLike, entries: readonly ZaddEntry[], options: ZaddToOptions = {}) =>
  throughOperator(
    entries,
    zaddTo(redis, (entry) => entry, options),
  )

const clients = [
  ['5', () => new Redis5(redisUrl)],
  ['6', () => new Redis6(redisUrl)],
] as const

describe.each(clients)('zaddTo on Redis through ioredis %s', (version, open) => {
  const redis = open()
  const key = (name: string) => `${run}:${version}:${name}`
  const setOf = async (name: string) => await eye.zrange(key(name), 0, -1, 'WITHSCORES')

  afterAll(async () => {
    const keys = await eye.keys(`${run}:${version}:*`)
    if (keys.length > 0) await eye.del(...keys)
    redis.disconnect()
  })

  it('writes hostile members and keys as data', async () => {
    const asMembers = HOSTILE.map((member, score) => ({ key: key('members'), score, member }))
    const asKeys = HOSTILE.map((name, score) => ({ key: key(`key ${name}`), score, member: name }))
    const { acked, nacked, error } = await settle(redis, [...asMembers, ...asKeys])
    expect(error).toBeUndefined()
    expect(nacked.size).toBe(0)
    expect(acked).toHaveLength(HOSTILE.length * 2)
    expect(await setOf('members')).toEqual(HOSTILE.flatMap((member, score) => [member, String(score)]))
    for (const [score, name] of HOSTILE.entries()) expect(await setOf(`key ${name}`)).toEqual([name, String(score)])
  })

  it('nacks only the message with a score that is no number: the ZADD is all or nothing', async () => {
    const entries = [1, Number.NaN, 3].map((score, i) => ({ key: key('nan'), score, member: `m${i}` }))
    const { acked, nacked } = await settle(redis, entries)
    expect(acked).toEqual([0, 2])
    expect(errorClassOf(nacked.get(1))).toBe('permanent')
    expect(await setOf('nan')).toEqual(['m0', '1', 'm2', '3'])
    // This is the trap: by hand, one bad score takes the good ones with it.
    await expect(eye.zadd(key('trap'), 1, 'good', Number.NaN, 'bad')).rejects.toThrow('not a valid float')
    expect(await eye.exists(key('trap'))).toBe(0)
  })

  it('keeps scores as doubles, infinite ones too', async () => {
    const scores = [Number.NEGATIVE_INFINITY, -1.5, 0, 5e-324, 1.1, 2 ** 53, 1e300, Number.POSITIVE_INFINITY]
    await settle(
      redis,
      scores.map((score) => ({ key: key('scores'), score, member: String(score) })),
    )
    for (const score of scores) {
      const read = String(await eye.zscore(key('scores'), String(score)))
      expect(Number(read.replace('inf', 'Infinity'))).toBe(score)
    }
  })

  it('nacks the messages of a key that is no sorted set, and writes the others', async () => {
    await eye.set(key('text'), 'mine')
    const entries = ['text', 'set', 'text', 'set'].map((name, score) => ({ key: key(name), score, member: `${score}` }))
    const { acked, nacked } = await settle(redis, entries)
    expect(acked).toEqual([1, 3])
    expect([...nacked.keys()]).toEqual([0, 2])
    expect(String(nacked.get(0))).toContain(`Redis refused ZADD of "${key('text')}": WRONGTYPE`)
    expect(await setOf('set')).toEqual(['1', '1', '3', '3'])
    expect(await eye.get(key('text'))).toBe('mine')
  })

  it('keeps the last score of a member, over batches', async () => {
    const entries = Array.from({ length: 2000 }, (_, score) => ({ key: key('last'), score, member: `m${score % 7}` }))
    const { acked } = await settle(redis, entries, { batch: { max: 300 }, concurrency: 1 })
    expect(acked).toHaveLength(2000)
    expect(await setOf('last')).toEqual(
      [1993, 1994, 1995, 1996, 1997, 1998, 1999].flatMap((n) => [`m${n % 7}`, `${n}`]),
    )
  })

  it('goes on after the connection was cut in the middle', async () => {
    const proxy = await cuttingProxy(redisUrl)
    const cut = version === '5' ? new Redis5(proxy.url, CUT) : new Redis6(proxy.url, CUT)
    cut.on('error', () => {})
    const entries = Array.from({ length: 1000 }, (_, score) => ({ key: key('cut'), score, member: `m${score}` }))
    const options = { batch: { max: 50 }, concurrency: 2, retry: { delay: 20 }, timeout: 2000 }
    const { acked, nacked, error } = await settle(cut, entries, options)
    expect([acked.length, nacked.size, error]).toEqual([1000, 0, undefined])
    expect(await eye.zcard(key('cut'))).toBe(1000)
    expect(proxy.cuts()).toBeGreaterThan(1)
    cut.disconnect()
    proxy.close()
  })
})

afterAll(() => eye.disconnect())

describe('zaddTo without the password', () => {
  let server: ChildProcess
  let port: number

  beforeAll(async () => {
    port = await freePort()
    const args = [
      '--port',
      `${port}`,
      '--bind',
      '127.0.0.1',
      '--requirepass',
      'secret',
      '--save',
      '',
      '--appendonly',
      'no',
    ]
    server = spawn('redis-server', args, { stdio: 'ignore' })
    const redis = new Redis5({ port, host: '127.0.0.1', password: 'secret' })
    redis.on('error', () => {})
    await until('Redis answers', async () => (await redis.ping().catch(() => '')) === 'PONG')
    redis.disconnect()
  })

  afterAll(() => {
    server.kill()
  })

  it.each([
    ['5', () => new Redis5({ port, host: '127.0.0.1' })],
    ['6', () => new Redis6({ port, host: '127.0.0.1' })],
    ['5 with a wrong one', () => new Redis5({ port, host: '127.0.0.1', password: 'wrong' })],
    ['6 with a wrong one', () => new Redis6({ port, host: '127.0.0.1', password: 'wrong' })],
  ])('ends the stream, through ioredis %s', async (_name, open) => {
    const redis = open()
    redis.on('error', () => {})
    const { error, abandoned } = await settle(redis, [{ key: 'k', score: 1, member: 'm' }])
    expect(error).toMatchObject({ name: 'FatalError' })
    expect(error?.message).toMatch(/(NOAUTH|WRONGPASS).*; give the client a user and password that may ZADD$/)
    expect(abandoned).toEqual([0])
    redis.disconnect()
  })
})

const CUT = { retryStrategy: () => 5, maxRetriesPerRequest: 0 }

/** Passes bytes on to Redis, and cuts each of the first connections after a while. */
async function cuttingProxy(target: string) {
  const { hostname, port } = new URL(target)
  let connections = 0
  const server = createServer((socket) => {
    connections++
    let left = connections < 4 ? 12_000 : Number.POSITIVE_INFINITY
    const upstream = connect({ host: hostname, port: Number(port) })
    const end = () => {
      socket.destroy()
      upstream.destroy()
    }
    for (const side of [socket, upstream]) side.on('error', end).on('close', end)
    upstream.on('data', (chunk) => socket.write(chunk))
    socket.on('data', (chunk) => {
      left -= chunk.length
      upstream.write(chunk)
      if (left < 0) end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port: own } = server.address() as AddressInfo
  return { url: `redis://127.0.0.1:${own}`, cuts: () => connections, close: () => server.close() }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise<void>((resolve) => server.close(() => resolve()))
  return port
}
