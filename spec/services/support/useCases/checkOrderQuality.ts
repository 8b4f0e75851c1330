import { type InfluxDB, Point } from '@influxdata/influxdb-client'
import { connectionSettings } from '../../../../services/defaults.ts'
import { influxClient } from '../clients.ts'
import { counted } from '../counted.ts'
import type { RealKafka } from '../kafka.ts'
import { type Draw, pick } from '../seeded.ts'
import { readTopic } from '../topicLog.ts'
import type { UseCase, UseCaseOptions } from '../useCase.ts'
import { createBucket } from './influxBucket.ts'

const SYMBOLS = ['ACME', 'B"C', "D'E", 'F,G=H I', '$', '$"', '$\x7b1+1}', '") |> drop()', '日本', 'NEVER']
const START = Date.UTC(2026, 2, 2, 9)
/** Instants between a symbol's prices, in ms, and how many there are. */
const TICK = 2000
const TICKS = 500

interface Price {
  readonly symbol: string
  readonly at: number
  readonly price: number
}

/** Orders at, 1 ms before and after the instants of prices, before the first price, and of a symbol without any. */
export async function checkOrderQualityCase(real: RealKafka, draw: Draw, options: UseCaseOptions): Promise<UseCase> {
  const prefix = `${real.uniqueName('rkt')}-`
  const input = `${prefix}orders`
  const output = `${prefix}quality_topic`
  await real.createTopic(input, options.partitions)
  await real.createTopic(output, options.partitions)
  const influx = influxClient()
  const bucket = await createBucket(`${prefix}marketdata`)
  const prices = pricesOf(draw)
  await writePrices(influx, bucket.name, [...prices.values()].flat())
  const orders = Array.from({ length: options.count }, (_, i) => order(draw, i))
  const lying = () => readTopic(real, output)
  return {
    prefix,
    input,
    groupId: `${prefix}order-quality`,
    place: { bucket: bucket.name },
    messages: orders.map((one) => ({ key: one.user_id, value: JSON.stringify(one) })),
    expected: new Map(orders.map((one) => [one.id, { ...one, market_price: priceAt(prices, one) }])),
    actual: async () =>
      new Map((await lying()).map(({ key, value }) => [key ?? 'no key', JSON.parse(value ?? 'null')])),
    effects: async () => counted((await lying()).map(({ key }) => key ?? 'no key')),
    close: () => bucket.delete(),
  }
}

/** The prices of each symbol. */
function pricesOf(draw: Draw): ReadonlyMap<string, readonly Price[]> {
  const priced = SYMBOLS.filter((symbol) => symbol !== 'NEVER')
  const tick = (symbol: string, i: number) => ({ symbol, at: START + i * TICK, price: (1 + draw(100_000)) / 100 })
  return new Map(priced.map((symbol) => [symbol, Array.from({ length: TICKS }, (_, i) => tick(symbol, i))]))
}

function order(draw: Draw, i: number) {
  const tick = START + draw(TICKS) * TICK
  const at = pick(draw, [tick, tick - 1, tick + 1, tick + draw(TICK), START - 1, START, START - draw(3_600_000)])
  return {
    id: `order-${i}`,
    user_id: `user-${draw(500)}`,
    symbol: pick(draw, SYMBOLS),
    quantity: 1 + draw(100),
    timestamp: new Date(at).toISOString(),
  }
}

/** Looks at every price of the symbol. */
function priceAt(prices: ReadonlyMap<string, readonly Price[]>, order: { symbol: string; timestamp: string }) {
  const at = Date.parse(order.timestamp)
  let latest: Price | null = null
  for (const price of prices.get(order.symbol) ?? []) {
    if (price.at <= at && (latest === null || price.at > latest.at)) latest = price
  }
  return latest?.price ?? null
}

async function writePrices(influx: InfluxDB, bucket: string, prices: readonly Price[]): Promise<void> {
  // More points than one chunk has, so that nothing is sent that flush() does not wait for.
  const write = influx.getWriteApi(connectionSettings().influxOrg, bucket, 'ms', { batchSize: 10_000, maxRetries: 0 })
  for (let at = 0; at < prices.length; at += 5000) {
    for (const { symbol, price, at: time } of prices.slice(at, at + 5000)) {
      write.writePoint(new Point('marketdata').tag('symbol', symbol).floatField('price', price).timestamp(time))
    }
    await write.flush()
  }
  await write.close()
}
