import { catchError, defer, from, map, type OperatorFunction } from 'rxjs'
import { expectOneOf, refuse } from '../../lib/expect.ts'
import { intoValue, ON_MISS, type OnMiss } from '../../lib/into.ts'
import type { Message } from '../../lib/message.ts'
import { type BatchOptions, perBatch, type RequestOptions } from '../../lib/perBatch.ts'
import { esError } from './esError.ts'
import { type EsHit, outcomesOf } from './hits.ts'
import { type EsLike, type EsSearch, searchLines } from './search.ts'

export type { EsHit } from './hits.ts'
export type { EsLike, EsReplies, EsReply, EsSearch } from './search.ts'

/** Options of {@link searchEs}. */
export interface SearchEsOptions extends RequestOptions {
  /** Requests under way at the same time. Four in flight found no more in a second than two. @default 2 */
  readonly concurrency?: number
  /** Searches in a request. 256 found a third more in a second than 64, and took four times as long. @default { max: 64, wait: 5 } */
  readonly batch?: BatchOptions
}

/**
 * Finds the top hit of a search in Elasticsearch, and passes the message on with it.
 *
 *     source     a-b-c-------|
 *     _msearch   ----(ABC)       one request for all three
 *     searchEs   --------(abc|)
 *
 * The query is an object: what a user typed reaches Elasticsearch as data. Of equal scores the first written document
 * counts, unless the search has a `sort`. No hit is a miss: `null`. Messages of one key keep their order. A search
 * changes nothing, so it may be repeated.
 *
 * *Transient*, tried again: no connection, no answer in time, 429, 5xx, a search that reached only some of the shards.
 * *Permanent*, nacked: no index or query selected, a search that Elasticsearch can't read (only its own message).
 * *Fatal*: wrong credentials, an index that does not exist.
 *
 * @param es the client; each request carries its own time-out, and is not retried by the client
 * @param options `into`: the key that the hit gets in the message's value, or a function that puts it anywhere;
 * `onMiss`: `'null'` (default) passes messages without a hit on with null, `'drop'` acks them
 * @throws TypeError for a wrong option, at once
 */
export function searchEs<A, const K extends string, S = unknown, const M extends OnMiss = 'null'>(
  es: EsLike,
  select: (value: A, message: Message<A>) => EsSearch<S>,
  options: SearchEsOptions & { readonly into: K; readonly onMiss?: M },
): OperatorFunction<Message<A>, Message<A & { [P in K]: M extends 'drop' ? EsHit<S> : EsHit<S> | null }>>
export function searchEs<A, B, S = unknown>(
  es: EsLike,
  select: (value: A, message: Message<A>) => EsSearch<S>,
  options: SearchEsOptions & { readonly into: (value: A, hit: EsHit<S> | null) => B; readonly onMiss?: OnMiss },
): OperatorFunction<Message<A>, Message<B>>
export function searchEs<A, B, S>(
  es: EsLike,
  select: (value: A, message: Message<A>) => EsSearch<S>,
  options: SearchEsOptions & {
    readonly into: string | ((value: A, hit: EsHit<S> | null) => B)
    readonly onMiss?: OnMiss
  },
): OperatorFunction<Message<A>, Message<B>> {
  const { into, onMiss = 'null', timeout = 10_000 } = options
  if (typeof into !== 'function' && (typeof into !== 'string' || into === ''))
    refuse('into', 'a key or a function', into)
  expectOneOf('onMiss', onMiss, ON_MISS)
  const put = intoValue(into, onMiss, (hit: EsHit<S>) => hit)

  return perBatch<A, [object, object], B>(
    (value, message) => searchLines(select(value, message)),
    (searches, { messages, signal }) =>
      defer(() =>
        from(es.msearch({ searches: searches.flat() }, { signal, requestTimeout: timeout, maxRetries: 0 })),
      ).pipe(
        map((replies) => outcomesOf<S, B>(replies, (i, hit) => put((messages[i] as Message<A>).value, hit))),
        catchError((error) => {
          throw esError(error)
        }),
      ),
    { name: 'searchEs', concurrency: 2, ...options, batch: { max: 64, ...options.batch }, holdAll: true },
  )
}
