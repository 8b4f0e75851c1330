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
    const shapes = new Map<string, Shape>()
    for (const { targets } of lookups) {
      for (const { id, tags } of targets) {
        if (this.timelines.has(id)) continue
        this.timelines.set(id, [])
        const names = tags.map(([name]) => name)
        const key = JSON.stringify(names)
        if (!shapes.has(key)) shapes.set(key, new Shape(names, this.timelines))
      }
    }
    for (const shape of shapes.values()) {
      for (const row of rows) {
        const { _value, _time } = row
        shape.pointsOf(row)?.push({ value: _value as number, time: this.instantOf(_time) })
      }
    }
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

  private instantOf(text: unknown): bigint {
    let instant = this.instants.get(text)
    if (instant === undefined) {
      instant = nanoseconds(text)
      this.instants.set(text, instant)
    }
    return instant
  }
}

/** Finds the series that a row belongs to, among those with the same names of tags. */
class Shape {
  private readonly names: readonly string[]
  private readonly timelines: ReadonlyMap<string, InfluxPoint[]>
  /** What the row before was found by, and its series: the rows of a series come one after the other. */
  private latest: readonly unknown[] = []
  private points: InfluxPoint[] | undefined

  constructor(tags: readonly string[], timelines: ReadonlyMap<string, InfluxPoint[]>) {
    this.names = ['_measurement', '_field', ...tags]
    this.timelines = timelines
  }

  pointsOf(row: FluxRow): InfluxPoint[] | undefined {
    if (!this.isOfLatest(row)) {
      this.latest = this.names.map((name) => row[name])
      this.points = this.find(this.latest.map((value) => String(value ?? '')))
    }
    return this.points
  }

  private isOfLatest(row: FluxRow): boolean {
    const { names, latest } = this
    for (let i = 0; i < names.length; i++) if (row[names[i] as string] !== latest[i]) return false
    return true
  }

  private find([measurement, field, ...tags]: readonly string[]): InfluxPoint[] | undefined {
    // A series without the tag is there for another look-up.
    if (tags.includes('')) return undefined
    const named = tags.map((value, i) => [this.names[i + 2] as string, value] as const)
    return this.timelines.get(seriesId(measurement as string, field as string, named))
  }
}

/** Of several series with a value at one instant the greatest counts, so that a replay finds the same. */
function inOrder(a: InfluxPoint, b: InfluxPoint): number {
  return a.time < b.time ? -1 : a.time > b.time ? 1 : a.value - b.value
}

function noNumberText({ measurement, field }: Target, value: unknown): string {
  return `Expected field ${excerpt(field)} of measurement ${excerpt(measurement)} to be a number, got ${excerpt(value)}`
}
