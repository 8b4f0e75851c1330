import type { ObservableInput } from 'rxjs'

/** What `searchEs` uses of an Elasticsearch client; a `Client` of @elastic/elasticsearch 8 or 9 is one. */
export interface EsLike {
  msearch(params: { searches: object[] }, options: EsRequestOptions): ObservableInput<EsReplies>
  /** Needed only where a selector gives an `id`. */
  mget?(params: { docs: { _index: string; _id: string }[] }, options: EsRequestOptions): ObservableInput<EsDocs>
}

/** What each request tells the client. */
export interface EsRequestOptions {
  readonly signal: AbortSignal
  readonly requestTimeout: number
  readonly maxRetries: number
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

/** The answer to a `_mget`: a document for each id, in order. */
export interface EsDocs {
  readonly docs: readonly EsDoc[]
}

/** The reply to one id: a document, none, or an error. */
export interface EsDoc {
  readonly found?: boolean
  readonly error?: unknown
}
