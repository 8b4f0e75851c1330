import type { Client } from '@elastic/elasticsearch'
import type { Document } from './data.ts'
import type { Undo } from './undo.ts'

/** Makes an index that holds the documents and can be searched. */
export async function createIndex(
  es: Client,
  index: string,
  documents: readonly Document[],
  undo: Undo,
): Promise<void> {
  undo.add(`delete index ${index}`, () => es.indices.delete({ index, ignore_unavailable: true }))
  await es.indices.create({
    index,
    settings: { number_of_shards: 1, number_of_replicas: 0 },
    mappings: { properties: { text: { type: 'text' } } },
  })
  const operations = documents.flatMap(({ id, text }) => [{ index: { _id: id } }, { text }])
  const { errors } = await es.bulk({ index, refresh: true, operations })
  if (errors) throw new Error(`Cannot fill index ${index}: Elasticsearch refused some of ${documents.length} documents`)
}
