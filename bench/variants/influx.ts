import { flux, fluxDateTime, fluxExpression, InfluxDB, type QueryApi } from '@influxdata/influxdb-client'
import type { Observable } from 'rxjs'
import { type CacheOptions, type Message, mapValue, tapValue } from '../../lib/index.ts'
import { enrichFromInflux } from '../../operators/index.ts'
import { expectPrice } from '../market.ts'
import { FIRST, type Order, STEP } from '../messages.ts'
import { eachBatchByHand, eachMessageByHand, parsed, parts, pool } from './byHand.ts'
import { through } from './ours.ts'
import type { Input, Variant } from './variant.ts'

/** What is asked of a price: enough of any order. */
export interface Asked {
  readonly symbol: string
  readonly at: Date
}

interface Price {
  readonly symbol: string
  readonly _time: string
  readonly _value: number
}

const askedOf = ({ symbol, timestamp }: Order): Asked => ({ symbol, at: new Date(timestamp) })
/** Look-ups of one query, as `enrichFromInflux` has them. */
const PART = 256

/** By hand: for each 256 one query of the last prices before the first instant and of all up to the last one. */
export const enrichByHand: Variant = byHand((order) => order, PART, pricesBetween)

/** By hand, for instants that are far from each other: one query for each 64, with a part for each look-up. */
export const enrichEachByHand: Variant = byHand((order) => order, 64, pricesAt)

/** The same for a thousand look-ups again and again. */
export const enrichAgainByHand: Variant = byHand(again, PART, pricesBetween)

function byHand(orderOf: (order: Order) => Order, size: number, pricesOf: typeof pricesBetween): Variant {
  return (input, meter) => {
    const influx = queryApi(input)
    return eachBatchByHand(input, meter, async (messages) => {
      const orders = messages.map((message) => orderOf(parsed(message)))
      await pool(parts(orders, size), 2, async (part) => {
        const prices = await pricesOf(influx, input.place.influx.bucket, part.map(askedOf))
        for (const [i, order] of part.entries()) {
          expectPrice(order, prices[i])
          meter.count()
        }
      })
    })
  }
}

/** Instants that come again: ten of each symbol. */
const INSTANTS = 1000

function again(order: Order): Order {
  const n = Number(order.id.slice('order-'.length))
  return { ...order, timestamp: new Date(FIRST + (n % INSTANTS) * STEP).toISOString() }
}

/** What most people write: a query for each. */
export const enrichEachMessage: Variant = (input, meter) => {
  const influx = queryApi(input)
  return eachMessageByHand(input, meter, async (message) => {
    const order = parsed<Order>(message)
    expectPrice(order, await priceAt(influx, input.place.influx.bucket, askedOf(order)))
    meter.count()
  })
}

/** `enrichFromInflux`. */
export const enrich: Variant = through<Order>((input) => enriched(input))

/** The same for a thousand look-ups again and again, with a cache. */
export const enrichKept: Variant = through<Order>(
  (input) => (source) => source.pipe(mapValue(again), enriched(input, { cache: {} })),
)

function enriched({ place: { influx } }: Input, options: { readonly cache?: CacheOptions } = {}) {
  const { url, token, org, bucket } = influx
  const operator = enrichFromInflux(new InfluxDB({ url, token }), lookupOf, { org, bucket, into: 'price', ...options })
  return (source: Observable<Message<Order>>) =>
    source.pipe(
      operator,
      tapValue((order) => expectPrice(order, order.price)),
    )
}

const lookupOf = (order: Order) => ({
  measurement: 'marketdata',
  field: 'price',
  tags: { symbol: order.symbol },
  at: order.timestamp,
})

export function queryApi({ place: { influx } }: Input): QueryApi {
  return new InfluxDB({ url: influx.url, token: influx.token }).getQueryApi(influx.org)
}

/** The latest price at or before each instant, for symbols that an application knows to be harmless. */
export async function pricesBetween(
  api: QueryApi,
  bucket: string,
  asked: readonly Asked[],
): Promise<(number | undefined)[]> {
  const instants = asked.map(({ at }) => at.getTime())
  const first = fluxDateTime(after(Math.min(...instants)))
  const last = fluxDateTime(after(Math.max(...instants) + 1))
  const symbols = [...new Set(asked.map(({ symbol }) => symbol))]
    .map((symbol) => `r.symbol == "${symbol}"`)
    .join(' or ')
  const wanted = fluxExpression(`(r) => r._measurement == "marketdata" and r._field == "price" and (${symbols})`)
  const rows = await api.collectRows<Price>(flux`
f = ${wanted}
from(bucket: ${bucket}) |> range(start: 0, stop: ${first}) |> filter(fn: f) |> last() |> keep(columns: ["_time", "_value", "symbol"]) |> yield(name: "last")
from(bucket: ${bucket}) |> range(start: ${first}, stop: ${last}) |> filter(fn: f) |> keep(columns: ["_time", "_value", "symbol"]) |> yield(name: "then")`)
  const bySymbol = new Map<string, [at: number, price: number][]>()
  for (const { symbol, _time, _value } of rows) {
    const known = bySymbol.get(symbol) ?? []
    bySymbol.set(symbol, known)
    known.push([Date.parse(_time), _value])
  }
  for (const known of bySymbol.values()) known.sort(([a], [b]) => a - b)
  return asked.map(({ symbol, at }) => latest(bySymbol.get(symbol) ?? [], at.getTime()))
}

/** The same with a `last()` for each. */
async function pricesAt(api: QueryApi, bucket: string, asked: readonly Asked[]): Promise<(number | undefined)[]> {
  const queries = asked.map((one, i) => `${lastOf(bucket, one)} |> yield(name: "${i}")`)
  const found: (number | undefined)[] = []
  for (const row of await api.collectRows<Price & { result: string }>(queries.join('\n')))
    found[Number(row.result)] = row._value
  return found
}

async function priceAt(api: QueryApi, bucket: string, asked: Asked): Promise<number | undefined> {
  const [row] = await api.collectRows<Price>(lastOf(bucket, asked))
  return row?._value
}

function lastOf(bucket: string, { symbol, at }: Asked) {
  return flux`from(bucket: ${bucket}) |> range(start: 0, stop: ${fluxDateTime(after(at.getTime()))})
  |> filter(fn: (r) => r._measurement == "marketdata" and r._field == "price" and r.symbol == ${symbol}) |> last()`
}

/** One nanosecond after it, because `stop` is exclusive. */
function after(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '000001Z')
}

function latest(known: readonly (readonly [at: number, price: number])[], at: number): number | undefined {
  let low = 0
  let high = known.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((known[middle]?.[0] as number) <= at) low = middle + 1
    else high = middle
  }
  return known[low - 1]?.[1]
}
