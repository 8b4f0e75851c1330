import { memoryBroker } from 'rxjs-kafka-toolkit'
import { fakeEs, fakeInflux, fakeRedis } from 'rxjs-kafka-toolkit/testing'
import type { DemoData } from './data.ts'
import { startMailServer } from './mailServer.ts'
import { topics } from './pipelines.ts'
import { type DemoServers, PARTITIONS } from './servers.ts'
import { storedMessage } from './storedMessage.ts'
import type { Undo } from './undo.ts'

/** Starts servers inside this process: nothing is installed, nothing is left behind. */
export async function embeddedServers(data: DemoData, undo: Undo): Promise<DemoServers> {
  const kafka = memoryBroker({ topics: Object.fromEntries(topics.map((topic) => [topic, PARTITIONS])) })
  const redis = fakeRedis()
  const mailServer = await startMailServer(undo)
  return {
    title: 'an in-process broker and fakes',
    kafka,
    redis,
    emailerUrl: mailServer.url,
    influx: influxWith(data),
    org: 'demo',
    bucket: 'marketdata',
    es: esWith(data),
    prefix: '',
    endOffsets: async (topic) => kafka.endOffsets(topic),
    committed: async (groupId, topic) => kafka.committed(groupId, topic),
    read: async (topic) => kafka.messages(topic).map(storedMessage),
    sortedSet: async (key) => [...redis.scores(key)],
    mails: () => mailServer.mails,
  }
}

function influxWith({ prices }: DemoData) {
  const influx = fakeInflux()
  const points = prices.map(({ symbol, at, price }) => ({
    measurement: 'marketdata',
    tags: { symbol },
    fields: { price },
    at: new Date(at),
  }))
  influx.write('marketdata', points)
  return influx
}

function esWith({ documents }: DemoData) {
  const es = fakeEs()
  es.put('search_index', Object.fromEntries(documents.map(({ id, text }) => [id, { text }])))
  return es
}
