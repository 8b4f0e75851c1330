/** A point as it is written. */
export interface InfluxWrite {
  readonly measurement: string
  /** @default none */
  readonly tags?: Readonly<Record<string, string>>
  readonly fields: Readonly<Record<string, number | bigint | string | boolean>>
  /** A `Date`, or ns since 1970. */
  readonly at: Date | bigint
}

/** A value of a field at an instant. */
export interface StoredPoint {
  readonly time: bigint
  readonly value: number | bigint | string | boolean
}

/** The values of one field with one set of tags. */
export interface Series {
  /** `_measurement`, `_field` and the tags. */
  readonly key: Readonly<Record<string, string>>
  /** In order of time. */
  readonly points: StoredPoint[]
}

/** What a bucket holds. */
export class Bucket {
  private readonly series = new Map<string, Series>()

  get all(): readonly Series[] {
    return [...this.series.values()]
  }

  /** A point of the same series and instant is overwritten. */
  write({ measurement, tags = {}, fields, at }: InfluxWrite): void {
    const time = typeof at === 'bigint' ? at : BigInt(at.getTime()) * 1_000_000n
    for (const [field, value] of Object.entries(fields)) {
      const key = { _measurement: measurement, _field: field, ...tags }
      const { points } = this.seriesOf(key)
      const place = firstAfter(points, time)
      const isThere = points[place - 1]?.time === time
      points.splice(isThere ? place - 1 : place, isThere ? 1 : 0, { time, value })
    }
  }

  private seriesOf(key: Series['key']): Series {
    const id = JSON.stringify(Object.entries(key).sort())
    const series = this.series.get(id) ?? { key, points: [] }
    this.series.set(id, series)
    return series
  }
}

/** The place of the first point later than an instant. */
export function firstAfter(points: readonly StoredPoint[], time: bigint): number {
  let low = 0
  let high = points.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((points[middle] as StoredPoint).time <= time) low = middle + 1
    else high = middle
  }
  return low
}
