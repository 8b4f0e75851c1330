import { catchError, from, map, type OperatorFunction } from 'rxjs'
import { type CacheOptions, expectCache } from '../../lib/answerCache.ts'
import { expectMs, expectText, optional, refuse } from '../../lib/expect.ts'
import { lookUp } from '../../lib/lookUp.ts'
import type { Message } from '../../lib/message.ts'
import { expectInto, expectOnMiss, type Missed, type OnMiss } from '../../lib/onMiss.ts'
import { type BatchOptions, operatorOptions, type RequestOptions } from '../../lib/operatorOptions.ts'
import { type Ages, answerOf, answersOf, type InfluxFound, type InfluxValue, missText, shown } from './answers.ts'
import { AsOfCache } from './asOfCache.ts'
import { type FluxQuery, fluxQuery, type InfluxLike } from './client.ts'
import { fluxOf } from './flux.ts'
import { expectNoError, influxError } from './influxError.ts'
import { type InfluxFields, type InfluxLookup, lookupId, lookupOf } from './lookup.ts'
import { runsOf, Span } from './runs.ts'

export type { InfluxFound, InfluxValue } from './answers.ts'
export type { FluxQuery, InfluxLike } from './client.ts'
export type { FluxRow } from './csv.ts'
export type { InfluxFields, InfluxLookup } from './lookup.ts'
export type { InfluxPoint } from './timelines.ts'

/** Options of {@link enrichFromInflux}. Times in ms. */
export interface EnrichFromInfluxOptions extends RequestOptions {
  /** The organization, by name or id. */
  readonly org: string
  /** The bucket, by name. */
  readonly bucket: string
  /** How far back from the instant InfluxDB looks for a value, at most. @default 30 days */
  readonly lookback?: number
  /** How old a value may be at the instant to count; an older one is a miss, whose age the `MissError` tells. @default `lookback` */
  readonly maxAge?: number
  /**
   * Keeps what is known of each series: a value answers every instant from its own up to the one it was asked for.
   * Counts up to `max` such values. What is written into that time later is not seen before `ttl` has passed. `{}`
   * takes the defaults. @default no cache
   */
  readonly cache?: CacheOptions
  /** Queries under way at the same time. One keeps about a core of InfluxDB busy: more of them only wait there. @default 2 */
  readonly concurrency?: number
  /** Look-ups in a query; those with instants close together cost little more than one. @default { max: 256, wait: 5 } */
  readonly batch?: BatchOptions
}

const DAY = 86_400_000

/**
 * Looks up the latest value at or before an instant in InfluxDB 2, and passes the message on with it.
 *
 *     source               a-b-c-------|
 *     Flux                 ----(ABC)       one query for all three
 *     enrichFromInflux     --------(abc|)
 *
 * Inclusive of the instant, to the nanosecond. Of several series that have the tags, the latest value counts. What the
 * selector gives reaches InfluxDB as data, whatever characters it has. Nothing within `lookback` is a miss; of several
 * fields, it is one when none has a value. Messages of one key keep their order. A look-up changes nothing, so it may
 * be repeated.
 *
 * *Transient*, tried again: no connection, no answer in time, 429, 5xx. *Permanent*, nacked: no instant, a field that is
 * not a number, a refused query. *Fatal*: a wrong token, organization or bucket.
 *
 * @param influx the client's `InfluxDB`, or a function that runs a query
 * @param options `into`: the key that the value gets in the message's value, or a function that puts it anywhere;
 * `onMiss`: messages without a value pass on with null (`'null'`, the default) or a `{ default }`, are acked (`'drop'`),
 * or nacked with a `MissError` (`'nack'`)
 * @throws TypeError for a wrong option, at once
 */
export function enrichFromInflux<
  A,
  const K extends string,
  const F extends InfluxFields = string,
  const M extends OnMiss = 'null',
>(
  influx: InfluxLike | FluxQuery,
  select: (value: A, message: Message<A>) => InfluxLookup<F>,
  options: EnrichFromInfluxOptions & { readonly into: K; readonly onMiss?: M },
): OperatorFunction<Message<A>, Message<A & { [P in K]: InfluxValue<F> | Missed<M> }>>
export function enrichFromInflux<
  A,
  B,
  const F extends InfluxFields = string,
  const M extends 'null' | 'drop' | 'nack' = 'null',
>(
  influx: InfluxLike | FluxQuery,
  select: (value: A, message: Message<A>) => InfluxLookup<F>,
  options: EnrichFromInfluxOptions & {
    readonly into: (value: A, found: InfluxFound<F> | Missed<M>) => B
    readonly onMiss?: M
  },
): OperatorFunction<Message<A>, Message<B>>
export function enrichFromInflux<A, B>(
  influx: InfluxLike | FluxQuery,
  select: (value: A, message: Message<A>) => InfluxLookup<InfluxFields>,
  options: EnrichFromInfluxOptions & {
    readonly into: string | ((value: A, found: InfluxFound<InfluxFields> | null) => B)
    readonly onMiss?: OnMiss
  },
): OperatorFunction<Message<A>, Message<B>> {
  const { request, org, bucket, lookback, maxAge, into, onMiss, cache } = operatorOptions(
    options,
    { name: 'enrichFromInflux', concurrency: 2, batch: { max: 256 }, lookback: 30 * DAY, onMiss: 'null' },
    {
      ...{ org: expectText, bucket: expectText, lookback: expectMs, maxAge: optional(expectMs) },
      ...{ into: expectInto, onMiss: expectOnMiss, cache: optional(expectCache) },
    },
  )
  const ages = agesOf(lookback, maxAge ?? lookback)
  const ask = fluxQuery(influx)
  const span = new Span()

  return lookUp(
    (value: A, message: Message<A>) => lookupOf(select(value, message)),
    (lookups, { signal }) => {
      const runs = runsOf(lookups, span.ns)
      return from(ask(fluxOf(bucket, runs, ages.lookback), { org, signal })).pipe(
        map((rows) => {
          expectNoError(rows)
          span.learn(lookups.length, rows.length)
          return answersOf(lookups, runs, rows, ages)
        }),
        catchError((error) => {
          throw influxError(error)
        }),
      )
    },
    {
      ...request,
      ...{ into, onMiss, holdAll: true, byPartition: true, keyOf: lookupId, show: shown },
      ...(cache === undefined ? {} : { cache }),
      asked: (lookup, answer) => missText(lookup, answer, bucket, ages),
      cacheOf: (kept) => new AsOfCache(kept, (lookup, asOf) => answerOf(lookup, asOf, ages)),
    },
  )
}

function agesOf(lookback: number, maxAge: number): Ages {
  if (lookback === Number.POSITIVE_INFINITY) refuse('lookback', 'a finite number of ms', lookback)
  if (maxAge > lookback) refuse('maxAge', 'at most lookback: InfluxDB looks no further back', maxAge)
  return { lookback: nanosecondsOf(lookback), maxAge: nanosecondsOf(maxAge) }
}

function nanosecondsOf(ms: number): bigint {
  return BigInt(Math.round(ms * 1e6))
}
