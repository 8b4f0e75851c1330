import { LRUCache } from 'lru-cache'
import type { AllCacheOptions, AnswerCache } from '../../lib/answerCache.ts'
import type { InfluxAnswer } from './answers.ts'
import type { Lookup } from './lookup.ts'
import type { AsOf } from './timelines.ts'

/** Instants of which it is known what a series has. */
interface Interval extends AsOf {
  until: bigint
  readonly id: string
  readonly from: bigint
  /** Until when this counts, by the message's clock. */
  readonly expires: number
}

/**
 * Keeps what is known of series, from instant to instant: a point found for one instant answers every instant between
 * its own time and the one it was asked for. A key with a time to live would not do: a later instant of the same
 * series may have another value, and an earlier one has the same only as far as the point reaches back.
 *
 * Points that are written later than that lie in a known interval are not seen until it expires.
 */
export class AsOfCache implements AnswerCache<Lookup, InfluxAnswer> {
  private readonly options: AllCacheOptions
  private readonly answerOf: (lookup: Lookup, found: readonly AsOf[]) => InfluxAnswer
  /** Those of each series, apart from each other and in order of time. */
  private readonly series = new Map<string, Interval[]>()
  private readonly kept: LRUCache<Interval, Interval>

  constructor(options: AllCacheOptions, answerOf: (lookup: Lookup, found: readonly AsOf[]) => InfluxAnswer) {
    this.options = options
    this.answerOf = answerOf
    this.kept = new LRUCache({ max: options.max, dispose: (interval) => this.remove(interval) })
  }

  get(lookup: Lookup, now: number): InfluxAnswer | undefined {
    const found: AsOf[] = []
    for (const { id } of lookup.targets) {
      const interval = this.find(id, lookup.at, now)
      if (interval === undefined) return undefined
      found.push(interval)
    }
    return this.answerOf(lookup, found)
  }

  set({ targets, at }: Lookup, { asOf }: InfluxAnswer, asked: number): void {
    for (const [i, { id }] of targets.entries()) {
      const { point, until } = asOf[i] as AsOf
      const expires = asked + (point === null ? this.options.negativeTtl : this.options.ttl)
      this.add({ id, from: point?.time ?? at, until, point, expires })
    }
  }

  private find(id: string, at: bigint, now: number): Interval | undefined {
    const intervals = this.series.get(id) ?? []
    for (let i = placeAfter(intervals, at) - 1; i >= 0; i--) {
      const interval = intervals[i] as Interval
      if (now < interval.expires) return at <= interval.until ? this.kept.get(interval) : undefined
      this.kept.delete(interval)
    }
    return undefined
  }

  /** What was asked last is nearest to the truth: whatever else was known of its instants is forgotten. */
  private add(interval: Interval): void {
    const { id, from, until, expires } = interval
    const intervals = this.series.get(id) ?? []
    const place = placeAfter(intervals, from - 1n)
    const [before, same] = [intervals[place - 1], intervals[place]]
    if (same?.from === from && same.until >= until && same.expires >= expires) return
    if (before !== undefined && before.until >= from) before.until = from - 1n
    for (const over of intervals.slice(place, placeAfter(intervals, until))) this.kept.delete(over)
    this.insert(interval)
  }

  private insert(interval: Interval): void {
    const intervals = this.series.get(interval.id) ?? []
    this.series.set(interval.id, intervals)
    intervals.splice(placeAfter(intervals, interval.from), 0, interval)
    this.kept.set(interval, interval)
  }

  /** One is kept no more. */
  private remove({ id, from }: Interval): void {
    const intervals = this.series.get(id) as Interval[]
    intervals.splice(placeAfter(intervals, from) - 1, 1)
    if (intervals.length === 0) this.series.delete(id)
  }
}

/** How many of the intervals begin at or before an instant. */
function placeAfter(intervals: readonly Interval[], at: bigint): number {
  let low = 0
  let high = intervals.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((intervals[middle] as Interval).from <= at) low = middle + 1
    else high = middle
  }
  return low
}
