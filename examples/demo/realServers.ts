import { randomBytes } from 'node:crypto'
import { Client } from '@elastic/elasticsearch'
import { InfluxDB } from '@influxdata/influxdb-client'
import { Redis } from 'ioredis'
import { kafkajs } from 'rxjs-kafka-toolkit'
import { connectionSettings } from '../../services/defaults.ts'
import type { DemoData } from './data.ts'
import { createIndex } from './elasticIndex.ts'
import { createBucket } from './influxBucket.ts'
import { KafkaOfRun } from './kafkaOfRun.ts'
import { startMailServer } from './mailServer.ts'
import { expectReachable } from './reachable.ts'
import { readScores } from './readScores.ts'
import type { DemoServers } from './servers.ts'
import type { Undo } from './undo.ts'

/**
 * Uses the servers of the environment. All that is made there has a name of this run, and goes at its end.
 *
 * @throws Unreachable when one of them does not listen
 */
export async function realServers(data: DemoData, undo: Undo): Promise<DemoServers> {
  const settings = connectionSettings()
  const { influxUrl, influxOrg, influxToken, esUrl } = settings
  await expectReachable(settings)
  const prefix = `rkt-demo-${randomBytes(3).toString('hex')}-`
  const kafkaOfRun = await KafkaOfRun.create(settings.kafkaBrokers, prefix, undo)
  const redis = redisOfRun(settings.redisUrl, prefix, data, undo)
  const bucket = await createBucket(settings, `${prefix}marketdata`, data.prices, undo)
  const es = new Client({ node: esUrl })
  undo.add('close the Elasticsearch client', () => es.close())
  await createIndex(es, `${prefix}search_index`, data.documents, undo)
  const mailServer = await startMailServer(undo)
  return {
    title: `Kafka, Redis, InfluxDB and Elasticsearch (names begin with ${prefix})`,
    kafka: kafkajs(kafkaOfRun.kafka),
    redis,
    emailerUrl: mailServer.url,
    influx: new InfluxDB({ url: influxUrl, token: influxToken }),
    org: influxOrg,
    bucket,
    es,
    prefix,
    endOffsets: (topic) => kafkaOfRun.endOffsets(topic),
    committed: (groupId, topic) => kafkaOfRun.committed(groupId, topic),
    read: (topic) => kafkaOfRun.read(topic),
    sortedSet: (key) => readScores(redis, key),
    mails: () => mailServer.mails,
  }
}

function redisOfRun(url: string, prefix: string, { activities }: DemoData, undo: Undo): Redis {
  const redis = new Redis(url)
  undo.add('delete the feeds in Redis', async () => {
    await redis.unlink([...new Set(activities.map(({ user }) => prefix + user))])
    redis.disconnect()
  })
  return redis
}
