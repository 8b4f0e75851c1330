import { Client } from '@elastic/elasticsearch'
import ElasticsearchMock from '@elastic/elasticsearch-mock'
import type { Document } from './data.ts'

// The mock's types and Node differ twice: the class is the module itself, and its connection is of the client's
// CommonJS build.
const Mock = ElasticsearchMock as unknown as typeof ElasticsearchMock.default
type Connection = NonNullable<ConstructorParameters<typeof Client>[0]['Connection']>

/** A line of the `_msearch` body that holds a search. */
interface Search {
  readonly query: { readonly match: { readonly text: string } }
}

/**
 * The real Elasticsearch client over Elastic's own mock of the connection, which answers `_msearch` from a list of
 * documents: the more words of a query it has, the higher a document ranks.
 */
export function elasticStandIn(documents: readonly Document[]): Client {
  const mock = new Mock()
  const index = indexOf(documents)
  mock.add({ method: 'POST', path: ['/_msearch', '/:index/_msearch'] }, ({ body }) => ({
    took: 1,
    responses: (body as unknown[]).filter(isSearch).map((search) => answer(topHit(index, search))),
  }))
  return new Client({ node: 'http://in-process:9200', Connection: mock.getConnection() as unknown as Connection })
}

function isSearch(line: unknown): line is Search {
  return typeof line === 'object' && line !== null && 'query' in line
}

function indexOf(documents: readonly Document[]): ReadonlyMap<string, readonly Document[]> {
  const index = new Map<string, Document[]>()
  for (const document of documents) {
    for (const word of document.text.split(' ')) index.set(word, [...(index.get(word) ?? []), document])
  }
  return index
}

function topHit(index: ReadonlyMap<string, readonly Document[]>, { query }: Search) {
  const scores = new Map<Document, number>()
  for (const word of query.match.text.split(' ')) {
    for (const document of index.get(word) ?? []) scores.set(document, (scores.get(document) ?? 0) + 1)
  }
  const [first] = [...scores].sort(([, a], [, b]) => b - a)
  return first
}

function answer(hit: readonly [Document, number] | undefined) {
  const hits =
    hit === undefined
      ? []
      : [{ _index: 'search_index', _id: hit[0].id, _score: hit[1], _source: { text: hit[0].text } }]
  const shards = { total: 1, successful: 1, skipped: 0, failed: 0 }
  return { took: 1, timed_out: false, status: 200, _shards: shards, hits: { max_score: hit?.[1] ?? null, hits } }
}
