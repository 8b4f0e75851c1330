import { Redis } from 'ioredis'
import { afterEach, describe, expect, it } from 'vitest'
import { type RedisLike, type ZaddEntry, type ZaddToOptions, zaddTo } from '../../../operators/zaddTo/zaddTo.ts'
import { OwnRedis, type RedisSettings } from '../support/ownRedis.ts'
import { type OpenRedis, redisClients } from '../support/redisClients.ts'
import { throughOperator } from '../support/throughOperator.ts'
import { until } from '../support/until.ts'

const opened: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of opened.splice(0).reverse()) await one.close()
})

async function start(settings?: RedisSettings): Promise<OwnRedis> {
  const server = await OwnRedis.start(settings)
  opened.push(server)
  return server
}

function eyeOn({ port }: OwnRedis): Redis {
  const eye = new Redis({ port, host: '127.0.0.1', retryStrategy: () => 50 })
  eye.on('error', () => {})
  opened.push({ close: () => eye.disconnect() })
  return eye
}

const entry = (member: string, key = 'k'): ZaddEntry => ({ key, member, score: 1 })
const settle = (
  redis: RedisLike,
  entries: readonly ZaddEntry[],
  options: ZaddToOptions<ZaddEntry> = {},
  tell?: (event: string) => void,
) =>
  throughOperator(
    entries,
    zaddTo<ZaddEntry>(redis, (one) => one, { retry: { delay: 20, max: 100 }, ...options }),
    tell,
  )

describe.each(Object.entries(redisClients))('zaddTo through %s', (_, client) => {
  const open = ({ port }: OwnRedis, user = ''): OpenRedis => {
    const one = client(`redis://${user}127.0.0.1:${port}`)
    opened.push(one)
    return one
  }

  it('tries again what a full Redis refuses, and writes it when there is room', async () => {
    const server = await start({ maxmemory: '3mb', 'maxmemory-policy': 'noeviction' })
    const eye = eyeOn(server)
    await eye.set('ballast', 'x'.repeat(4e6)).catch(() => {})
    await eye.config('SET', 'maxmemory', '1mb')
    const { redis } = open(server)
    const failures: string[] = []
    const classify = (error: unknown) => {
      failures.push(String(error))
      return 'transient' as const
    }
    const settled = settle(redis, [entry('a'), entry('b', 'other')], { classify, maxLen: 5 })
    await until('Redis has refused it', () => failures.length > 2)
    await eye.config('SET', 'maxmemory', '0')
    expect((await settled).acked).toEqual([0, 1])
    expect(failures[0]).toContain("OOM command not allowed when used memory > 'maxmemory'")
  })

  it.each<[string, RedisSettings, string]>([
    ['READONLY', { replicaof: '127.0.0.1 1', 'replica-serve-stale-data': 'yes' }, 'READONLY You can'],
    [
      'MASTERDOWN',
      { replicaof: '127.0.0.1 1', 'replica-serve-stale-data': 'no', 'replica-read-only': 'no' },
      'MASTERDOWN Link with MASTER is down',
    ],
    ['NOREPLICAS', { 'min-replicas-to-write': '1' }, 'NOREPLICAS Not enough good replicas'],
    ['CLUSTERDOWN', { 'cluster-enabled': 'yes' }, 'CLUSTERDOWN Hash slot not served'],
  ])('tries %s again, and gives up after `attempts`', async (_code, settings, text) => {
    const { redis } = open(await start(settings))
    const { nacked } = await settle(redis, [entry('a')], { retry: { attempts: 2, delay: 1 } })
    expect(String(nacked.get(0))).toMatch(/^PermanentError: zaddTo gave up after 2 tries: /)
    expect(String(nacked.get(0))).toContain(text)
  })

  it('tries BUSY again: a script of somebody runs for long', async () => {
    const server = await start({ 'busy-reply-threshold': '20' })
    const eye = eyeOn(server)
    const { redis } = open(server)
    await settle(redis, [entry('first')])
    const script = eye.eval("while true do redis.call('GET', 'x') end", 0).catch(() => {})
    await until('Redis is busy', async () => (await server.ask('GET x')).startsWith('-BUSY'))
    const failed = settle(redis, [entry('a')], { retry: { attempts: 2, delay: 1 } })
    expect(String((await failed).nacked.get(0))).toContain('BUSY Redis is busy running a script')
    const written = settle(redis, [entry('a')])
    await server.ask('SCRIPT KILL')
    await script
    expect((await written).acked).toEqual([0])
  })

  it('tries a Redis that does not answer again, after `timeout`; nothing of it is lost', async () => {
    const server = await start()
    const { redis } = open(server)
    await settle(redis, [entry('first')])
    server.freeze()
    const events: string[] = []
    const entries = ['a', 'b', 'c'].map((member) => entry(member))
    const settled = settle(redis, entries, { timeout: 100, totalTimeout: 60_000 }, (event) => events.push(event))
    const late = settle(redis, [entry('late')], { timeout: 100, totalTimeout: 300 })
    expect(String((await late).nacked.get(0))).toMatch(
      /zaddTo gave up after \d tries in 300 ms: zaddTo got no answer within \d+ ms/,
    )
    expect(events).toEqual([])
    server.thaw()
    expect((await settled).acked).toEqual([0, 1, 2])
    expect(await eyeOn(server).zcard('k')).toBeGreaterThanOrEqual(4)
  })

  it('ends the stream when its user may not write, here or in a script', async () => {
    const server = await start()
    const eye = eyeOn(server)
    await eye.acl('SETUSER', 'reader', 'on', '>secret', '~*', '+@read', '+@connection', '+info', '+eval')
    for (const options of [{}, { maxLen: 1 }]) {
      const { redis } = open(server, 'reader:secret@')
      const { error, abandoned } = await settle(redis, [entry('a')], options)
      expect(error).toMatchObject({ name: 'FatalError' })
      expect(error?.message).toMatch(
        /(NOPERM|executing the script can't run).*; give the client a user and password that may ZADD$/,
      )
      expect(abandoned).toEqual([0])
    }
  })

  it('ends the stream without the password, and with a wrong one', async () => {
    const server = await start({ requirepass: 'secret' })
    for (const user of ['', ':wrong@']) {
      const { error } = await settle(open(server, user).redis, [entry('a')], {
        timeout: 500,
        retry: { attempts: 3, delay: 1 },
      })
      expect(error?.message).toMatch(/(NOAUTH|WRONGPASS).*; give the client a user and password that may ZADD$/)
    }
  })

  it('acks the good ones of a batch of which some keys fail', async () => {
    const server = await start()
    await server.ask('SET text mine')
    const entries = ['k', 'text', 'k', 'text', 'l'].map((key, i) => entry(`m${i}`, key))
    const { redis } = open(server)
    for (const options of [{}, { maxLen: 10 }, { into: 'x' }]) {
      const { acked, nacked } = await settle(redis, entries, options as ZaddToOptions<ZaddEntry>)
      expect(acked).toEqual([0, 2, 4])
      expect([...nacked.values()].map(String)).toEqual([1, 3].map(() => expect.stringContaining('WRONGTYPE')))
    }
  })

  it('loses nothing when Redis is killed and started again under load, and counts each message once', async () => {
    const server = await start({ appendonly: 'yes', appendfsync: 'always' })
    const { redis } = open(server)
    const entries = Array.from({ length: 10_000 }, (_, i) => ({ key: `k${i % 20}`, member: `m${i}`, score: 1 }))
    const options = { batch: { max: 50 }, concurrency: 4, timeout: 2000, retry: { delay: 20, max: 200 } }
    let acks = 0
    const counting = { ...options, incr: true, dedupe: { ttl: 600_000 } } as const
    const settled = settle(redis, entries, counting, () => acks++)
    for (const part of [0.2, 0.5, 0.8]) {
      await until(`${part} is acked`, () => acks >= part * entries.length)
      await server.kill()
      await server.resume()
    }
    const { acked, nacked, error } = await settled
    expect([acked.length, nacked.size, error]).toEqual([entries.length, 0, undefined])
    const eye = eyeOn(server)
    const scores = new Map<string, string>()
    for (let k = 0; k < 20; k++) {
      const words = await eye.zrange(`k${k}`, 0, -1, 'WITHSCORES')
      for (let i = 0; i < words.length; i += 2) scores.set(words[i] as string, words[i + 1] as string)
    }
    expect(scores.size).toBe(entries.length)
    expect(new Set(scores.values())).toEqual(new Set(['1']))
  })
})
