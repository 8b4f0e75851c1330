import { Cluster as Cluster5, Redis as Redis5 } from 'ioredis'
import { Cluster as Cluster6, Redis as Redis6 } from 'ioredis-6'
import { createCluster } from 'redis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  nodeRedis,
  type RedisLike,
  type ZaddEntry,
  type ZaddToOptions,
  zaddTo,
} from '../../../operators/zaddTo/zaddTo.ts'
import { OwnRedis } from '../support/ownRedis.ts'
import type { OpenRedis } from '../support/redisClients.ts'
import { throughOperator } from '../support/throughOperator.ts'
import { until } from '../support/until.ts'

const HOST = '127.0.0.1'
const DURABLE = { appendonly: 'yes', appendfsync: 'always' }
const PATIENT = { batch: { max: 50 }, concurrency: 4, timeout: 2000, retry: { delay: 50, max: 300 } }

let acks = 0
const settle = (redis: RedisLike, entries: readonly ZaddEntry[], options: ZaddToOptions<ZaddEntry> = {}) => {
  acks = 0
  return throughOperator(
    entries,
    zaddTo<ZaddEntry>(redis, (entry) => entry, { ...PATIENT, ...options }),
    () => acks++,
  )
}
const load = (prefix: string) =>
  Array.from({ length: 4000 }, (_, i) => ({ key: `${prefix}${i % 50}`, member: `m${i}`, score: 1 }))
const quiet = <T extends { on(event: 'error', listener: () => void): unknown }>(client: T): T => {
  client.on('error', () => {})
  return client
}

describe('zaddTo on a Redis Cluster of three masters', () => {
  let nodes: OwnRedis[]
  let eye: Cluster5
  const open: OpenRedis[] = []

  beforeAll(async () => {
    const settings = {
      ...DURABLE,
      'cluster-enabled': 'yes',
      'cluster-node-timeout': '1000',
      'cluster-require-full-coverage': 'no',
    }
    nodes = await Promise.all([0, 1, 2].map(() => OwnRedis.start(settings)))
    const ends = [0, 5461, 10923, 16384]
    for (const [i, node] of nodes.entries())
      await node.ask(`CLUSTER ADDSLOTSRANGE ${ends[i]} ${(ends[i + 1] as number) - 1}`)
    for (const node of nodes.slice(1)) await nodes[0]?.ask(`CLUSTER MEET ${HOST} ${node.port}`)
    for (const node of nodes) await until('the cluster is whole', async () => isWhole(await node.ask('CLUSTER INFO')))
    eye = quiet(new Cluster5(hosts()))
  })

  afterAll(async () => {
    for (const { close } of open) close()
    eye?.disconnect()
    await Promise.all((nodes ?? []).map((node) => node.close()))
  })

  const hosts = () => nodes.map(({ port }) => ({ host: HOST, port }))
  const isWhole = (info: string) => info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:3')
  const clients: Readonly<Record<string, () => OpenRedis>> = {
    'ioredis 5': () => opened(quiet(new Cluster5(hosts()))),
    'ioredis 6': () => opened(quiet(new Cluster6(hosts()))),
    'node-redis 6': () => {
      const client = quiet(
        createCluster({ rootNodes: hosts().map(({ host, port }) => ({ url: `redis://${host}:${port}` })) }),
      )
      void client.connect()
      return { redis: nodeRedis(client), close: () => client.destroy() }
    },
  }

  describe.each(Object.entries(clients))('through %s', (library, connect) => {
    let redis: RedisLike
    beforeAll(() => {
      const one = connect()
      open.push(one)
      redis = one.redis
    })

    it.each<[string, ZaddToOptions<ZaddEntry>]>([
      ['plainly', {}],
      ['by script', { maxLen: 1000 }],
      ['counting', { incr: true, dedupe: { ttl: 60_000 } }],
    ])('writes keys of all slots and of one {hash tag}, %s', async (kind, options) => {
      const keys = Array.from({ length: 90 }, (_, i) =>
        i % 3 === 0 ? `{${library}${kind}}:${i}` : `${library}${kind}${i}`,
      )
      const entries = keys.flatMap((key) => ['a', 'b'].map((member) => ({ key, member, score: 7 })))
      const { acked, nacked, error } = await settle(redis, entries, options)
      expect([acked.length, nacked.size, error]).toEqual([180, 0, undefined])
      for (const key of keys) expect(await eye.zrange(key, 0, -1, 'WITHSCORES')).toEqual(['a', '7', 'b', '7'])
    })

    it('loses nothing when a master is killed and started again under load', async () => {
      const entries = load(`${library}:load:`)
      const settled = settle(redis, entries)
      await until('some are acked', () => acks >= 500)
      const [, victim] = nodes as [OwnRedis, OwnRedis]
      await victim.kill()
      await new Promise((resolve) => setTimeout(resolve, 1500))
      await victim.resume()
      const { acked, nacked, error } = await settled
      expect([acked.length, nacked.size, error]).toEqual([entries.length, 0, undefined])
      let members = 0
      for (let k = 0; k < 50; k++) members += await eye.zcard(`${library}:load:${k}`)
      expect(members).toBe(entries.length)
    })
  })
})

describe('zaddTo by Redis Sentinel', () => {
  it('loses nothing in a failover with `waitReplicas`', async () => {
    const master = await OwnRedis.start(DURABLE)
    const replica = await OwnRedis.start({ ...DURABLE, replicaof: `${HOST} ${master.port}` })
    const monitor = [
      `monitor main ${HOST} ${master.port} 1`,
      'down-after-milliseconds main 300',
      'failover-timeout main 3000',
    ]
    const sentinel = await OwnRedis.start({ sentinel: monitor }, ['--sentinel'])
    const redis = quiet(new Redis6({ sentinels: [{ host: HOST, port: sentinel.port }], name: 'main' }))
    try {
      await until('the sentinel knows the replica', async () =>
        (await sentinel.ask('INFO sentinel')).includes('slaves=1'),
      )
      await until('the replica follows', async () =>
        (await replica.ask('INFO replication')).includes('master_link_status:up'),
      )
      const entries = load('feed')
      const settled = settle(redis, entries, { waitReplicas: 1 })
      await until('some are acked', () => acks >= 500)
      await master.kill()
      await until('the replica is master', async () => (await replica.ask('INFO replication')).includes('role:master'))
      await master.resume()
      const { acked, nacked, error } = await settled
      expect([acked.length, nacked.size, error]).toEqual([entries.length, 0, undefined])
      const eye = new Redis5({ port: replica.port, host: HOST })
      let members = 0
      for (let k = 0; k < 50; k++) members += await eye.zcard(`feed${k}`)
      eye.disconnect()
      expect(members).toBe(entries.length)
    } finally {
      redis.disconnect()
      for (const one of [sentinel, master, replica]) await one.close()
    }
  })
})

function opened(redis: RedisLike & { disconnect(): void }): OpenRedis {
  return { redis, close: () => redis.disconnect() }
}
