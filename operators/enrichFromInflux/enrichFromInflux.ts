import { catchError, from, map, type OperatorFunction } from 'rxjs'
import { expectMs, expectText } from '../../lib/expect.ts'
import { expectInto, expectOnMiss, intoValue, type OnMiss } from '../../lib/into.ts'
import type { Message } from '../../lib/message.ts'
import { type BatchOptions, operatorOptions, type RequestOptions } from '../../lib/operatorOptions.ts'
import { type Outcome, perBatch } from '../../lib/perBatch.ts'
import { type FluxQuery, fluxQuery, type InfluxLike } from './client.ts'
import { fluxOf } from './flux.ts'
import { expectNoError, influxError } from './influxError.ts'
import { type InfluxLookup, type Lookup, lookupOf } from './lookup.ts'
import { runsOf, Span } from './runs.ts'
import { type InfluxPoint, Timelines } from './timelines.ts'

export type { FluxQuery, InfluxLike } from './client.ts'
export type { FluxRow } from './csv.ts'
export type { InfluxLookup } from './lookup.ts'
export type { InfluxPoint } from './timelines.ts'

/** Options of {@link enrichFromInflux}. Times in ms. */
export interface EnrichFromInfluxOptions extends RequestOptions {
  /** The organization, by name or id. */
  readonly org: string
  /** The bucket, by name. */
  readonly bucket: string
  /** How old a value may be at the instant; InfluxDB reads no further back. @default 30 days */
  readonly lookback?: number
  /** Queries under way at the same time. One keeps about a core of InfluxDB busy: more of them only wait there. @default 2 */
  readonly concurrency?: number
  /** Look-ups in a query. The cost is of the query, hardly of the look-up. @default { max: 256, wait: 5 } */
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
 * selector gives reaches InfluxDB as data, whatever characters it has. Nothing within `lookback` is a miss: `null`.
 * Messages of one key keep their order. A look-up changes nothing, so it may be repeated.
 *
 * *Transient*, tried again: no connection, no answer in time, 429, 5xx. *Permanent*, nacked: no instant, a field that is
 * not a number, a refused query. *Fatal*: a wrong token, organization or bucket.
 *
 * @param influx the client's `InfluxDB`, or a function that runs a query
 * @param options `into`: the key that the value gets in the message's value, or a function that puts it anywhere;
 * `onMiss`: `'null'` (default) passes messages without a value on with null, `'drop'` acks them
 * @throws TypeError for a wrong option, at once
 */
export function enrichFromInflux<A, const K extends string, const M extends OnMiss = 'null'>(
  influx: InfluxLike | FluxQuery,
  select: (value: A, message: Message<A>) => InfluxLookup,
  options: EnrichFromInfluxOptions & { readonly into: K; readonly onMiss?: M },
): OperatorFunction<Message<A>, Message<A & { [P in K]: M extends 'drop' ? number : number | null }>>
export function enrichFromInflux<A, B>(
  influx: InfluxLike | FluxQuery,
  select: (value: A, message: Message<A>) => InfluxLookup,
  options: EnrichFromInfluxOptions & {
    readonly into: (value: A, found: InfluxPoint | null) => B
    readonly onMiss?: OnMiss
  },
): OperatorFunction<Message<A>, Message<B>>
export function enrichFromInflux<A, B>(
  influx: InfluxLike | FluxQuery,
  select: (value: A, message: Message<A>) => InfluxLookup,
  options: EnrichFromInfluxOptions & {
    readonly into: string | ((value: A, found: InfluxPoint | null) => B)
    readonly onMiss?: OnMiss
  },
): OperatorFunction<Message<A>, Message<B>> {
  const { request, org, bucket, lookback, into, onMiss } = operatorOptions(
    options,
    { name: 'enrichFromInflux', concurrency: 2, batch: { max: 256 }, lookback: 30 * DAY, onMiss: 'null' },
    { org: expectText, bucket: expectText, lookback: expectMs, into: expectInto, onMiss: expectOnMiss },
  )
  const ask = fluxQuery(influx)
  const back = BigInt(Math.round(lookback * 1e6))
  const span = new Span()
  const put = intoValue(into, onMiss, ({ value }: InfluxPoint) => value)

  return perBatch<A, Lookup, B>(
    (value, message) => lookupOf(select(value, message)),
    (lookups, { messages, signal }) =>
      from(ask(fluxOf(bucket, runsOf(lookups, span.ns), back), { org, signal })).pipe(
        map((rows) => {
          expectNoError(rows)
          span.learn(lookups.length, rows.length)
          const timelines = new Timelines(lookups, rows)
          const answer = (lookup: Lookup) => timelines.find(lookup, back)
          return lookups.map((lookup, i) =>
            outcome(answer, lookup, (found) => put((messages[i] as Message<A>).value, found)),
          )
        }),
        catchError((error) => {
          throw influxError(error)
        }),
      ),
    { ...request, repeats: true, holdAll: true },
  )
}

function outcome<B>(
  answer: (lookup: Lookup) => InfluxPoint | null,
  lookup: Lookup,
  put: (found: InfluxPoint | null) => Outcome<B>,
): Outcome<B> {
  try {
    return put(answer(lookup))
  } catch (error) {
    return { error }
  }
}
