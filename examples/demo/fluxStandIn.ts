import type { FluxQuery } from 'rxjs-kafka-toolkit/operators'
import type { Price } from './data.ts'

/**
 * Answers the queries of `enrichFromInflux` from a list of prices: a stand-in at the operator's port, for want of an
 * InfluxDB that runs in process. Understands the Flux that the operator writes, and no other.
 */
export function fluxStandIn(prices: readonly Price[]): FluxQuery {
  const series = seriesOf(prices)
  return async (flux) => {
    const filters = new Map([...flux.matchAll(FILTER)].map(([, name, text]) => [name, symbolsIn(text ?? '')]))
    const ranges = [...flux.matchAll(RANGE)]
    // A wrong answer would look like the operator's mistake.
    if (ranges.length !== flux.split('from(').length - 1) throw new Error(`The stand-in can't read this Flux: ${flux}`)
    return ranges.flatMap(([, start, stop, name, last]) => {
      const symbols = filters.get(name) ?? []
      return symbols.flatMap((symbol) => {
        const found = between(series.get(symbol) ?? [], milliseconds(start), milliseconds(stop))
        return (last === undefined ? found : found.slice(-1)).map(rowOf)
      })
    })
  }
}

const FILTER = /^(f\d+) = \(r\) => (.*)$/gm
const RANGE = /range\(start: time\(v: (-?\d+)\), stop: time\(v: (-?\d+)\)\) \|> filter\(fn: (f\d+)\)( \|> last\(\))?/g

function symbolsIn(predicate: string): readonly string[] {
  return [...predicate.matchAll(/r\["symbol"\] == "([^"]*)"/g)].map(([, symbol]) => symbol ?? '')
}

function seriesOf(prices: readonly Price[]): ReadonlyMap<string, readonly Price[]> {
  const series = new Map<string, Price[]>()
  for (const price of prices) {
    const known = series.get(price.symbol)
    if (known === undefined) series.set(price.symbol, [price])
    else known.push(price)
  }
  return series
}

/** Those from `start` on and before `stop`, in ms. */
function between(prices: readonly Price[], start: number, stop: number): readonly Price[] {
  const from = prices.findIndex(({ at }) => at >= start)
  const end = prices.findLastIndex(({ at }) => at < stop)
  return from < 0 ? [] : prices.slice(from, end + 1)
}

function rowOf({ symbol, at, price }: Price) {
  return { _measurement: 'marketdata', _field: 'price', symbol, _time: new Date(at).toISOString(), _value: price }
}

/** The first millisecond at or after an instant in ns: `stop` is a nanosecond after one, which it is to include. */
function milliseconds(ns = '0'): number {
  return Number((BigInt(ns) + 999_999n) / 1_000_000n)
}
