import { availableParallelism, cpus, release, totalmem, type } from 'node:os'
import type { Run } from '../services/run.ts'
import { servers } from '../services/servers.ts'
import type { Case, Row } from './cases/case.ts'
import { versions as peers } from './peers.ts'
import type { StageName } from './stages/stages.ts'
import { versionOf } from './versionOf.ts'

/** What the figures depend on. Nothing that tells whose machine it is. */
export interface Machine {
  readonly cpu: string
  readonly cpus: number
  /** GB */
  readonly memory: number
  readonly system: string
  readonly versions: Readonly<Record<string, string>>
}

/** What each stage brings beside Kafka: its server and its client. */
type Versions = Readonly<Record<string, string>>
const influx = async (run: Run): Promise<Versions> => ({
  InfluxDB: await servers.influxdb.version(run),
  '@influxdata/influxdb-client': versionOf('@influxdata/influxdb-client'),
})
const elastic = async (run: Run): Promise<Versions> => ({
  Elasticsearch: await servers.elasticsearch.version(run),
  '@elastic/elasticsearch': versionOf('@elastic/elasticsearch'),
})
const behind: Readonly<Partial<Record<StageName, (run: Run) => Promise<Versions>>>> = {
  redis: async (run) => ({ Redis: await servers.redis.version(run), ioredis: versionOf('ioredis') }),
  post: async () => ({ 'cross-fetch': versionOf('cross-fetch') }),
  influx,
  es: elastic,
  quality: influx,
  answers: elastic,
}

/** @param rows those that were measured */
export async function describeMachine(run: Run, { overKafka, stage }: Case, rows: readonly Row[]): Promise<Machine> {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cpus: availableParallelism(),
    memory: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release().split('-')[0]}`,
    versions: {
      Node: process.versions.node,
      rxjs: versionOf('rxjs'),
      ...(overKafka ? { kafkajs: versionOf('kafkajs'), Kafka: await servers.kafka.version(run) } : {}),
      ...(stage === undefined ? {} : await behind[stage]?.(run)),
      ...peersOf(rows),
    },
  }
}

function peersOf(rows: readonly Row[]): Versions {
  const has = (start: string) => rows.some(({ variant }) => variant.startsWith(start))
  return {
    ...(has('platformatic') ? { '@platformatic/kafka': peers.platformatic } : {}),
    ...(has('faust') ? { 'faust-streaming': peers.faust } : {}),
  }
}
