import { Client } from '@elastic/elasticsearch'
import { tapValue } from '../../lib/index.ts'
import { type EsHit, searchEs } from '../../operators/index.ts'
import { eachBatchByHand, eachMessageByHand, parsed, parts, pool } from './byHand.ts'
import { through } from './ours.ts'
import type { Input, Variant } from './variant.ts'

export interface Search {
  readonly query_string: string
}

export interface Article {
  readonly text: string
}

const bodyOf = ({ query_string }: Search) => ({
  size: 1,
  track_total_hits: false,
  query: { match: { text: query_string } },
})

/** The two lines of a search within a `_msearch`. */
type Lines = (index: string, search: Search) => readonly object[]
const linesOf: Lines = (index, search) => [{ index }, bodyOf(search)]

/** With what makes an answer the same each time: ties are broken, and no shard is left out. */
const safeLinesOf: Lines = (index, search) => [
  { index, allow_partial_search_results: false, allow_no_indices: false },
  { ...bodyOf(search), sort: [{ _score: 'desc' }, { _seq_no: { order: 'asc', unmapped_type: 'long' } }] },
]

/** By hand: an `_msearch` for each 64, two of them under way. */
export const searchByHand: Variant = searchInParts(linesOf)

/** The same, asking for as much as `searchEs` does. */
export const searchSafelyByHand: Variant = searchInParts(safeLinesOf)

/** What most people write: a search for each. */
export const searchEachMessage: Variant = (input, meter) =>
  withEs(input, (es) =>
    eachMessageByHand(input, meter, async (message) => {
      const { hits } = await es.search<Article>({ index: input.place.index, ...bodyOf(parsed(message)) })
      expectHit(hits.hits[0])
      meter.count()
    }),
  )

/** `searchEs`. */
export const searched: Variant = (input, meter) =>
  withEs(input, (es) =>
    through<Search>(({ place: { index } }) => {
      const find = ({ query_string }: Search) => ({ index, query: { match: { text: query_string } } })
      return (source) =>
        source.pipe(
          searchEs(es, find, { into: (query: Search, hit: EsHit | null) => ({ ...query, hit }) }),
          tapValue(({ hit }) => expectHit(hit)),
        )
    })(input, meter),
  )

function searchInParts(lines: Lines): Variant {
  return (input, meter) =>
    withEs(input, (es) =>
      eachBatchByHand(input, meter, (messages) =>
        pool(parts(messages, 64), 2, async (part) => {
          const searches = part.map((message) => parsed<Search>(message))
          for (const hit of await topHits(es, input.place.index, searches, lines)) {
            expectHit(hit)
            meter.count()
          }
        }),
      ),
    )
}

export async function topHits(
  es: Client,
  index: string,
  searches: readonly Search[],
  lines = linesOf,
): Promise<(EsHit<Article> | undefined)[]> {
  const { responses } = await es.msearch<Article>({ searches: searches.flatMap((search) => lines(index, search)) })
  return responses.map((response) => {
    if (!('hits' in response)) throw new Error(`Elasticsearch refused a search: ${JSON.stringify(response.error)}`)
    return response.hits.hits[0] as EsHit<Article> | undefined
  })
}

function expectHit(hit: unknown): void {
  if (hit === undefined || hit === null) throw new Error('Expected each search to have a hit')
}

export async function withEs(input: Input, work: (es: Client) => Promise<void>): Promise<void> {
  const es = new Client({ node: input.place.esUrl })
  try {
    await work(es)
  } finally {
    await es.close()
  }
}
