import type { ObservableInput, OperatorFunction } from 'rxjs'
import { type Answer, type CacheOptions, expectCache } from './answerCache.ts'
import { toJson } from './codec.ts'
import { expectBoolean, expectFunction, optional } from './expect.ts'
import { type Into, lookUp } from './lookUp.ts'
import type { Reply } from './lookups.ts'
import type { Message } from './message.ts'
import { expectInto, expectOnMiss, type Missed, type OnMiss } from './onMiss.ts'
import { operatorOptions } from './operatorOptions.ts'
import type { PerBatchOptions } from './perBatch.ts'

/** Options of {@link perLookup}. */
export interface PerLookupOptions<R> extends Omit<PerBatchOptions<R>, 'repeats'> {
  /**
   * Keeps answers, so that equal requests are not sent again; while one is under way, equal ones wait for its answer.
   * What is known passes on at once, unless an older message of its lane is still there. Failures are not kept. `{}`
   * takes the defaults. @default no cache
   */
  readonly cache?: CacheOptions
  /** By what equal requests are known. @default the request itself when it is text, else its JSON */
  readonly keyOf?: (request: R) => string
  /** Says what was asked, in a `MissError`. @default its JSON */
  readonly asked?: (request: R) => string
}

/** What a request is sent with. */
export interface LookupBatch {
  /** Aborts when the time is up, or nobody waits for the answer any more. */
  readonly signal: AbortSignal
}

/**
 * Looks something up for each message, many in one request, and passes the message on with what was found.
 *
 *     source               a-b-a'------|    a and a' ask the same
 *     ask                  ----(AB)         so it is asked once
 *     perLookup            --------(aba'|)
 *
 * Batches, lanes, retries and errors are those of `perBatch`; equal requests of a batch are sent once. A look-up changes
 * nothing, so it may be repeated.
 *
 * ```ts
 * const withUser = (redis: Redis) =>
 *   perLookup(
 *     (order: Order) => order.user_id,
 *     async (ids) => (await redis.mget(ids)).map((found) => ({ found })),
 *     { name: 'withUser', into: 'user', onMiss: 'nack', cache: { ttl: 60_000 }, classify: () => 'transient' },
 *   )
 * ```
 *
 * @param prepare what a message asks for; if it throws, the message is nacked
 * @param ask performs one request; gives `{ found }`, null for a miss, or `{ error }` for each of `requests`, in order
 * @param options `into`: the key that what was found gets in the message's value, or a function that puts it anywhere;
 * `onMiss`: what becomes of a message for which nothing was found, `'null'` by default
 * @throws TypeError for a wrong option, at once
 */
export function perLookup<A, R, F, const K extends string, const M extends OnMiss = 'null'>(
  prepare: (value: A, message: Message<A>) => R,
  ask: (requests: readonly R[], batch: LookupBatch) => ObservableInput<readonly Reply<Answer<F>>[]>,
  options: PerLookupOptions<R> & { readonly into: K; readonly onMiss?: M },
): OperatorFunction<Message<A>, Message<A & { [P in K]: F | Missed<M> }>>
export function perLookup<A, R, F, B, const M extends 'null' | 'drop' | 'nack' = 'null'>(
  prepare: (value: A, message: Message<A>) => R,
  ask: (requests: readonly R[], batch: LookupBatch) => ObservableInput<readonly Reply<Answer<F>>[]>,
  options: PerLookupOptions<R> & { readonly into: (value: A, found: F | Missed<M>) => B; readonly onMiss?: M },
): OperatorFunction<Message<A>, Message<B>>
export function perLookup<A, R, F, B>(
  prepare: (value: A, message: Message<A>) => R,
  ask: (requests: readonly R[], batch: LookupBatch) => ObservableInput<readonly Reply<Answer<F>>[]>,
  options: PerLookupOptions<R> & Into<A, F, B>,
): OperatorFunction<Message<A>, Message<B>> {
  const { request, into, ...own } = operatorOptions(
    options,
    { name: 'perLookup', batch: {}, holdAll: false, onMiss: 'null', keyOf: textOf, asked: toJson },
    {
      ...{ into: expectInto, onMiss: expectOnMiss, cache: optional(expectCache) },
      ...{ keyOf: expectFunction, asked: expectFunction },
      ...{ holdAll: expectBoolean, serverOf: optional(expectFunction) },
    },
  )
  return lookUp(prepare, ask, { ...request, ...own, into, show: (found) => found })
}

function textOf(request: unknown): string {
  return typeof request === 'string' ? request : toJson(request)
}
