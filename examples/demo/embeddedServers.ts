import RedisMock from 'ioredis-mock'
import { memoryBroker } from 'rxjs-kafka-toolkit'
import type { DemoData } from './data.ts'
import { elasticStandIn } from './elasticStandIn.ts'
import { fluxStandIn } from './fluxStandIn.ts'
import { startMailServer } from './mailServer.ts'
import { topics } from './pipelines.ts'
import { readScores } from './readScores.ts'
import { type DemoServers, PARTITIONS } from './servers.ts'
import { storedMessage } from './storedMessage.ts'
import type { Undo } from './undo.ts'

/** Starts servers inside this process: nothing is installed, nothing is left behind. */
export async function embeddedServers(data: DemoData, undo: Undo): Promise<DemoServers> {
  const kafka = memoryBroker({ topics: Object.fromEntries(topics.map((topic) => [topic, PARTITIONS])) })
  const redis = new RedisMock()
  undo.add('close the Redis stand-in', () => redis.disconnect())
  const mailServer = await startMailServer(undo)
  return {
    title: 'an in-process broker and stand-ins',
    kafka,
    redis,
    emailerUrl: mailServer.url,
    influx: fluxStandIn(data.prices),
    org: 'demo',
    bucket: 'marketdata',
    es: elasticStandIn(data.documents),
    prefix: '',
    endOffsets: async (topic) => kafka.endOffsets(topic),
    committed: async (groupId, topic) => kafka.committed(groupId, topic),
    read: async (topic) => kafka.messages(topic).map(storedMessage),
    sortedSet: (key) => readScores(redis, key),
    mails: () => mailServer.mails,
  }
}
