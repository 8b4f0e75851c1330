import { FIRST, type Order, STEP, SYMBOLS } from './messages.ts'

/** A symbol has a new price so often, in ms. */
const TICK = 10_000

/** Prices of all symbols over so many times of messages, in InfluxDB's line protocol with times in ms. */
export function lines(times: number): string[] {
  const ticks = Math.ceil((times * STEP) / TICK) + 1
  return Array.from({ length: ticks * SYMBOLS }, (_, i) => {
    const symbol = i % SYMBOLS
    const tick = Math.floor(i / SYMBOLS)
    return `marketdata,symbol=SYM${symbol} price=${price(symbol, tick)} ${FIRST + tick * TICK}`
  })
}

/** What shares of an order cost when it was given. */
export function priceOf({ symbol, timestamp }: Pick<Order, 'symbol'> & { timestamp: string | Date }): number {
  const at = typeof timestamp === 'string' ? Date.parse(timestamp) : timestamp.getTime()
  return price(Number(symbol.slice('SYM'.length)), Math.floor((at - FIRST) / TICK))
}

/** @throws Error when a look-up has found another price than it should */
export function expectPrice(order: Parameters<typeof priceOf>[0], found: number | null | undefined): void {
  const expected = priceOf(order)
  if (found !== expected)
    throw new Error(`Expected a price of ${expected} for ${JSON.stringify(order)}, found ${found}`)
}

const price = (symbol: number, tick: number): number => symbol * 100 + (tick % 97) + 0.5
