import type { ObservableInput } from 'rxjs'
import { excerpt } from '../../lib/codec.ts'
import { PermanentError } from '../../lib/errors.ts'

/** What `searchEs` uses of an Elasticsearch client; a `Client` of @elastic/elasticsearch 8 or 9 is one. */
export interface EsLike {
  msearch(
    params: { searches: object[] },
    options: { signal: AbortSignal; requestTimeout: number; maxRetries: number },
  ): ObservableInput<EsReplies>
}

/** The answer to a `_msearch`: a reply for each search, in order. */
export interface EsReplies {
  readonly responses: readonly EsReply[]
}

/** The reply to one search: hits, or an error. */
export interface EsReply {
  readonly status?: number
  readonly error?: unknown
  readonly timed_out?: boolean
  readonly _shards?: { readonly failed: number }
  readonly hits?: { readonly hits: readonly object[] }
}

declare const source: unique symbol

/**
 * What a message searches for: a query of the Query DSL, and any other field of a search's body (`_source`, `sort`,
 * `min_score` …). `Source` is the type of the documents, as the caller says: `(q): EsSearch<Product> => ({ … })`.
 */
export interface EsSearch<Source = unknown> {
  /** The index, alias or pattern, or several. */
  readonly index: string | readonly string[]
  readonly query: object
  readonly routing?: string
  /** Which copies of the shards answer: the same text, the same copies. */
  readonly preference?: string
  readonly [field: string]: unknown
  readonly [source]?: Source
}

/**
 * By score; of equal ones the document that was written first in its shard, which all copies of a shard agree on. `_id`
 * can't be sorted by (its fielddata is off by default), `_shard_doc` needs a point in time, and `_doc`, which is the
 * default of Elasticsearch, is another on each copy and after each merge.
 */
const BEST_FIRST = [{ _score: 'desc' }, { _seq_no: { order: 'asc', unmapped_type: 'long' } }]

/**
 * The two lines of a search within a `_msearch`: whereto, and what.
 *
 * @throws PermanentError when it is none
 */
export function searchLines({ index, routing, preference, query, ...body }: EsSearch): [header: object, body: object] {
  const names = typeof index === 'string' ? [index] : index
  // Without an index, Elasticsearch would search them all.
  if (!Array.isArray(names) || names.length === 0 || names.some((name) => typeof name !== 'string' || name === '')) {
    refuse('index', 'a name that is not empty', index)
  }
  // Without a query, it would find any document.
  if (typeof query !== 'object' || query === null || Array.isArray(query)) refuse('query', 'an object', query)
  return [
    { index, routing, preference, allow_partial_search_results: false },
    { sort: BEST_FIRST, ...body, query, size: 1, track_total_hits: false },
  ]
}

function refuse(name: string, expected: string, value: unknown): never {
  throw new PermanentError(
    `Expected the ${name} of searchEs to be ${expected}, got ${excerpt(value)}; see to it in the selector`,
  )
}
