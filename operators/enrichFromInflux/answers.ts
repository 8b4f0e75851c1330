import type { Answer } from '../../lib/answerCache.ts'
import { excerpt } from '../../lib/codec.ts'
import { PermanentError } from '../../lib/errors.ts'
import type { Reply } from '../../lib/lookups.ts'
import type { FluxRow } from './csv.ts'
import { type InfluxFields, instantText, type Lookup, lookupText } from './lookup.ts'
import type { Run } from './runs.ts'
import { type AsOf, type InfluxPoint, Timelines } from './timelines.ts'

/** What a look-up finds: the point of its field, or by name that of each of several fields that has one. */
export type InfluxFound<F extends InfluxFields> = F extends readonly (infer N extends string)[]
  ? { readonly [P in N]: InfluxPoint | null }
  : InfluxPoint

/** The same without times, as it is put under a key. */
export type InfluxValue<F extends InfluxFields> = F extends readonly (infer N extends string)[]
  ? { readonly [P in N]: number | null }
  : number

type Found = InfluxPoint | Readonly<Record<string, InfluxPoint | null>>

/** The answer to a look-up, and what is known of its series. */
export interface InfluxAnswer extends Answer<Found> {
  readonly asOf: readonly AsOf[]
}

/** How old points may be, in ns: as InfluxDB is asked for, and as they count. */
export interface Ages {
  readonly lookback: bigint
  readonly maxAge: bigint
}

/** Answers look-ups by the rows of their runs; a look-up that no row can answer has a failure of its own. */
export function answersOf(
  lookups: readonly Lookup[],
  runs: readonly Run[],
  rows: readonly FluxRow[],
  ages: Ages,
): Reply<InfluxAnswer>[] {
  const timelines = new Timelines(lookups, rows)
  const lasts = new Map(runs.flatMap(({ lookups, last }) => lookups.map((lookup) => [lookup, last])))
  return lookups.map((lookup) => {
    const { targets, at } = lookup
    const last = lasts.get(lookup) as bigint
    try {
      const asOf = targets.map((target) => timelines.find(target, at, last, ages.lookback))
      return answerOf(lookup, asOf, ages)
    } catch (error) {
      if (error instanceof PermanentError) return { error }
      throw error
    }
  })
}

/** Answers a look-up by what its series have at its instant. */
export function answerOf({ targets, isList, at }: Lookup, asOf: readonly AsOf[], { maxAge }: Ages): InfluxAnswer {
  const points = asOf.map(({ point }) => (point === null || at - point.time > maxAge ? null : point))
  if (points.every((point) => point === null)) return { found: null, asOf }
  const found = isList ? Object.fromEntries(targets.map(({ field }, i) => [field, points[i] ?? null])) : points[0]
  return { found: found as Found, asOf }
}

/** What is put under a key. */
export function shown(found: Found, { isList }: Lookup): unknown {
  if (!isList) return (found as InfluxPoint).value
  const points = Object.entries(found as Readonly<Record<string, InfluxPoint | null>>)
  return Object.fromEntries(points.map(([field, point]) => [field, point?.value ?? null]))
}

/** Says what was not found, where, and how near InfluxDB came. */
export function missText(lookup: Lookup, { asOf }: InfluxAnswer, bucket: string, { lookback, maxAge }: Ages): string {
  const times = asOf.flatMap(({ point }) => (point === null ? [] : [point.time]))
  const asked = `${lookupText(lookup)} in bucket ${excerpt(bucket)}`
  if (times.length === 0) return `${asked}; nothing lies within the ${msText(lookback)} of lookback`
  let latest = times[0] as bigint
  for (const time of times) if (time > latest) latest = time
  return `${asked}; the latest value is of ${instantText(latest)}, older than the ${msText(maxAge)} of maxAge`
}

function msText(ns: bigint): string {
  return `${Number(ns) / 1e6} ms`
}
