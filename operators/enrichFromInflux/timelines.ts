import { excerpt } from '../../lib/codec.ts'
import { PermanentError } from '../../lib/errors.ts'
import type { FluxRow } from './csv.ts'
import { type Lookup, seriesId, type Target } from './lookup.ts'
import { nanoseconds } from './nanoseconds.ts'

/** A value that was found. */
export interface InfluxPoint {
  readonly value: number
  /** When it was measured, in ns since 1970. */
  readonly time: bigint
}

/** What a series has at an instant: its latest point, if there is one; the same at every later instant until `until`. */
export interface AsOf {
  readonly point: InfluxPoint | null
  readonly until: bigint
}

/** The points of each series that was asked for, in order of time. */
export class Timelines {
  private readonly timelines = new Map<string, InfluxPoint[]>()
  /** Many series have a point at one instant, and to read a time is most of the work of a row. */
  private readonly instants = new Map<unknown, bigint>()

  constructor(lookups: readonly Lookup[], rows: readonly FluxRow[]) {
    // Look-ups with the same names of tags find their rows by the same columns; as a rule all have.
    const shapes = new Map<string, readonly string[]>()
    for (const target of lookups.flatMap(({ targets }) => targets)) {
      this.timelines.set(target.id, [])
      const names = target.tags.map(([name]) => name)
      shapes.set(JSON.stringify(names), names)
    }
    for (const row of rows) for (const names of shapes.values()) this.add(row, names)
    for (const points of this.timelines.values()) points.sort(inOrder)
  }

  /**
   * The latest point at or before the instant; null when there is none, or none within `lookback` ns.
   *
   * @param last up to when the rows are all that there are
   */
  find(target: Target, at: bigint, last: bigint, lookback: bigint): AsOf {
    const points = this.timelines.get(target.id) ?? []
    let low = 0
    let high = points.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((points[middle] as InfluxPoint).time <= at) low = middle + 1
      else high = middle
    }
    const next = points[low]
    const until = next === undefined || next.time > last ? last : next.time - 1n
    const point = points[low - 1]
    if (point === undefined || at - point.time > lookback) return { point: null, until }
    if (typeof point.value !== 'number') throw new PermanentError(noNumberText(target, point.value))
    const old = point.time + lookback
    return { point, until: until < old ? until : old }
  }

  private add(row: FluxRow, names: readonly string[]): void {
    const { _measurement, _field, _time, _value } = row
    const found = names.map((name) => [name, String(row[name] ?? '')] as const)
    // A series without the tag is there for another look-up.
    if (found.some(([, value]) => value === '')) return
    const points = this.timelines.get(seriesId(String(_measurement), String(_field), found))
    points?.push({ value: _value as number, time: this.instantOf(_time) })
  }

  private instantOf(text: unknown): bigint {
    let instant = this.instants.get(text)
    if (instant === undefined) {
      instant = nanoseconds(text)
      this.instants.set(text, instant)
    }
    return instant
  }
}

/** Of several series with a value at one instant the greatest counts, so that a replay finds the same. */
function inOrder(a: InfluxPoint, b: InfluxPoint): number {
  return a.time < b.time ? -1 : a.time > b.time ? 1 : a.value - b.value
}

function noNumberText({ measurement, field }: Target, value: unknown): string {
  return `Expected field ${excerpt(field)} of measurement ${excerpt(measurement)} to be a number, got ${excerpt(value)}`
}
