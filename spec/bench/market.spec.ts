import { describe, expect, it } from 'vitest'
import { expectPrice, lines, priceOf } from '../../bench/market.ts'
import { FIRST, messageOf } from '../../bench/messages.ts'

/** The latest line of a symbol at or before an instant, as InfluxDB finds it. */
function latest(all: readonly string[], symbol: string, at: number): number {
  const points = all
    .map((line) => line.match(/^marketdata,symbol=(\w+) price=([\d.]+) (\d+)$/) ?? [])
    .filter(([, name, , time]) => name === symbol && Number(time) <= at)
  return Number(points.at(-1)?.[2])
}

describe('the prices of the benchmark', () => {
  it('are at every instant what the latest line says', () => {
    const all = lines(500)
    for (const n of [0, 1, 99, 100, 101, 499]) {
      const order = JSON.parse(messageOf(n, { kind: 'orders' }).value)
      expect(latest(all, order.symbol, FIRST + n * 100)).toBe(priceOf(order))
    }
  })

  it('are refused when they are others', () => {
    const order = JSON.parse(messageOf(250, { kind: 'orders' }).value)
    expect(() => expectPrice(order, priceOf(order))).not.toThrow()
    expect(() => expectPrice(order, priceOf(order) + 1)).toThrow('Expected a price of')
    expect(() => expectPrice(order, null)).toThrow('found null')
  })
})
