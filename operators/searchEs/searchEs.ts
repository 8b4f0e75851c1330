import type { OperatorFunction } from 'rxjs'
import { type CacheOptions, expectCache } from '../../lib/answerCache.ts'
import { expectBoolean, optional, refuse } from '../../lib/expect.ts'
import { lookUp } from '../../lib/lookUp.ts'
import type { Message } from '../../lib/message.ts'
import { expectInto, expectOnMiss, type Missed, type OnMiss } from '../../lib/onMiss.ts'
import { type BatchOptions, operatorOptions, type RequestOptions } from '../../lib/operatorOptions.ts'
import { ask } from './ask.ts'
import type { EsLike } from './client.ts'
import type { EsHit, Found } from './hits.ts'
import { askedFor, type EsGet, type EsPart, type EsSearch, partOf } from './search.ts'
import { WholeAnswers } from './wholeAnswers.ts'

export type { EsDoc, EsDocs, EsLike, EsReplies, EsReply, EsRequestOptions } from './client.ts'
export type { EsHit } from './hits.ts'
export type { EsGet, EsSearch } from './search.ts'

/** Options of {@link searchEs}. */
export interface SearchEsOptions extends RequestOptions {
  /** Requests under way at the same time. Four in flight found no more in a second than two. @default 2 */
  readonly concurrency?: number
  /** Searches in a request. 256 found a third more in a second than 64, and took four times as long. @default { max: 64, wait: 5 } */
  readonly batch?: BatchOptions
  /** The fields of the document that are fetched, `*` allowed; a search's own `_source` goes before. @default all */
  readonly source?: readonly string[]
  /** The least score of a hit: below it is a miss. A search's own `min_score` goes before; an id has no score. @default none */
  readonly minScore?: number
  /**
   * Whether the best hit of those shards that answered counts where others failed or ran out of time: it may not be the
   * best of all, and a miss may be none. @default false: such a search is tried again
   */
  readonly allowPartial?: boolean
  /**
   * Keeps answers, by the whole text of what was asked, so that what changes in the index is not seen for a while.
   * `{}` takes the defaults. @default no cache
   */
  readonly cache?: CacheOptions
}

const DEFAULTS = { name: 'searchEs', concurrency: 2, batch: { max: 64 }, onMiss: 'null', allowPartial: false } as const

const CHECKS = {
  into: expectInto,
  onMiss: expectOnMiss,
  cache: optional(expectCache),
  source: optional((name, value) => {
    const isText = (field: unknown) => typeof field === 'string' && field !== ''
    if (!Array.isArray(value) || !value.every(isText)) refuse(name, 'an array of names of fields', value)
  }),
  minScore: optional((name, value) => {
    if (!Number.isFinite(value)) refuse(name, 'a finite number', value)
  }),
  allowPartial: expectBoolean,
}

/**
 * Finds the top hit of a search in Elasticsearch, and passes the message on with it.
 *
 *     source     a-b-c-------|
 *     _msearch   ----(ABC)       one request for all three
 *     searchEs   --------(abc|)
 *
 * The query is an object: what a user typed reaches Elasticsearch as data ({@link matchText}). Of equal scores the first
 * written document counts, unless the search has a `sort`. With an `id` in the place of a query the document itself is
 * asked for, by `_mget`. No hit is a miss. Equal searches of a batch are asked once. Messages of one key keep their
 * order. A search changes nothing, so it may be repeated.
 *
 * *Transient*, tried again: no connection, no answer in time, 429, 5xx, a search that reached only some of the shards.
 * *Permanent*, nacked: no index or query selected, a search that Elasticsearch can't read (only its own message).
 * *Fatal*: wrong credentials, an index that does not exist or is closed.
 *
 * @param es the client; each request carries its own time-out, and is not retried by the client
 * @param options `into`: the key that the hit gets in the message's value, or a function that puts it anywhere;
 * `onMiss`: what becomes of a message without a hit: it passes on with `'null'` (default), is acked (`'drop'`), is left to
 * the source's `onNack` (`'nack'`), or passes on with `{ default }`
 * @throws TypeError for a wrong option, at once
 */
export function searchEs<A, const K extends string, S = unknown, const M extends OnMiss = 'null'>(
  es: EsLike,
  select: (value: A, message: Message<A>) => EsSearch<S> | EsGet<S>,
  options: SearchEsOptions & { readonly into: K; readonly onMiss?: M },
): OperatorFunction<Message<A>, Message<A & { [P in K]: EsHit<S> | Missed<M> }>>
export function searchEs<A, B, S = unknown, const M extends 'null' | 'drop' | 'nack' = 'null'>(
  es: EsLike,
  select: (value: A, message: Message<A>) => EsSearch<S> | EsGet<S>,
  options: SearchEsOptions & { readonly into: (value: A, hit: EsHit<S> | Missed<M>) => B; readonly onMiss?: M },
): OperatorFunction<Message<A>, Message<B>>
export function searchEs<A, B, S>(
  es: EsLike,
  select: (value: A, message: Message<A>) => EsSearch<S> | EsGet<S>,
  options: SearchEsOptions & {
    readonly into: string | ((value: A, hit: EsHit<S> | null) => B)
    readonly onMiss?: OnMiss
  },
): OperatorFunction<Message<A>, Message<B>> {
  const { request, into, onMiss, cache, ...defaults } = operatorOptions(options, DEFAULTS, CHECKS)
  const { allowPartial } = defaults
  return lookUp<A, EsPart, EsHit<S>, Found<S>, B>(
    (value, message) => partOf(select(value, message), defaults),
    (parts, { signal }) => ask<S>(es, parts, allowPartial, { signal, requestTimeout: request.timeout, maxRetries: 0 }),
    {
      ...request,
      ...{ into, onMiss, holdAll: true, keyOf, asked: askedFor, show: (hit) => hit },
      ...(cache === undefined ? {} : { cache }),
      cacheOf: (kept) => new WholeAnswers(kept, keyOf),
    },
  )
}

function keyOf({ key }: EsPart): string {
  return key
}
