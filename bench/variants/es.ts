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

/** By hand: an `_msearch` for each 64, two of them under way. */
export const searchByHand: Variant = (input, meter) =>
  withEs(input, (es) =>
    eachBatchByHand(input, meter, (messages) =>
      pool(parts(messages, 64), 2, async (part) => {
        for (const hit of await topHits(
          es,
          input.place.index,
          part.map((message) => parsed<Search>(message)),
        )) {
          expectHit(hit)
          meter.count()
        }
      }),
    ),
  )

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

export async function topHits(
  es: Client,
  index: string,
  searches: readonly Search[],
): Promise<(EsHit<Article> | undefined)[]> {
  const { responses } = await es.msearch<Article>({
    searches: searches.flatMap((search) => [{ index }, bodyOf(search)]),
  })
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
