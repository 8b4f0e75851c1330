import { type Observable, of } from 'rxjs'
import type { FluxQuery, FluxRow } from '../../operators/enrichFromInflux/enrichFromInflux.ts'

/** A price of a symbol, in ns since 1970, and when it was written. */
export interface Price {
  readonly symbol: string
  readonly time: number
  readonly price: number
  readonly written?: number
}

/** Answers the queries of `enrichFromInflux` from points, by their ranges: rows of other series are left to the reader. */
export function pointsInflux(
  points: readonly Price[],
  now: () => number = () => Number.POSITIVE_INFINITY,
  deliver: (rows: readonly FluxRow[], call: number) => Observable<readonly FluxRow[]> = (rows) => of(rows),
) {
  const asked: string[] = []
  const influx: FluxQuery = (flux) => {
    const ranges = [...flux.matchAll(/start: time\(v: (-?\d+)\), stop: time\(v: (-?\d+)\).*"(last|then)/g)]
    const rows = ranges.flatMap(([, start, stop, kind]) => {
      const inside = points
        .filter(({ time, written = 0 }) => written <= now() && time >= Number(start) && time < Number(stop))
        .sort((a, b) => a.time - b.time || (a.written ?? 0) - (b.written ?? 0))
      // Of two values of one instant, the later written one takes the place of the other.
      const id = ({ symbol, time }: Price) => (kind === 'then' ? `${symbol}@${time}` : symbol)
      return [...new Map(inside.map((point) => [id(point), point])).values()]
    })
    return deliver(rows.map(rowOf), asked.push(flux))
  }
  return { influx, asked }
}

function rowOf({ symbol, time, price }: Price): FluxRow {
  const [_measurement, _field] = ['m', 'price']
  return { _measurement, _field, symbol, _time: `1970-01-01T00:00:00.${String(time).padStart(9, '0')}Z`, _value: price }
}
