import { Client } from '@elastic/elasticsearch'
import { servers } from '../../services/servers.ts'
import { pair, words } from '../messages.ts'
import type { Stage, StageSet } from './stages.ts'

const DOCUMENTS = 10_000

/** An Elasticsearch index of articles of five words. */
export async function esStage({ run, topic: { prefix } }: StageSet): Promise<Stage> {
  await servers.elasticsearch.start(run)
  const esUrl = servers.elasticsearch.url(run)
  const es = new Client({ node: esUrl })
  // As `answerSearches` calls it.
  const index = `${prefix}search_index`
  await es.indices.create({
    index,
    settings: { number_of_shards: 1, number_of_replicas: 0 },
    mappings: { properties: { text: { type: 'text' } } },
  })
  const documents = Array.from({ length: DOCUMENTS }, (_, n) => `${pair(n)} ${pair(n * 7)} ${words[n % 13]}`)
  const operations = documents.flatMap((text, n) => [{ index: { _id: `article-${n}` } }, { text }])
  const { errors } = await es.bulk({ index, refresh: true, operations })
  if (errors) throw new Error(`Cannot fill index ${index}`)
  return {
    place: { esUrl, index },
    expectDone: async () => {},
    close: async () => {
      await es.indices.delete({ index })
      await es.close()
    },
  }
}
