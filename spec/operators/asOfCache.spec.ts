import fc from 'fast-check'
import { mergeMap, of, timer } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { ack } from '../../lib/ack.ts'
import type { CacheOptions } from '../../lib/answerCache.ts'
import { marbleMessages } from '../../lib/testing/marbleMessages.ts'
import { mapValue } from '../../lib/values.ts'
import { enrichFromInflux, type FluxQuery } from '../../operators/enrichFromInflux/enrichFromInflux.ts'
import { marbles } from '../support/marbles.ts'
import { type Price, pointsInflux } from '../support/pointsInflux.ts'
import { holds } from '../support/property.ts'

interface Ask {
  readonly symbol: string
  readonly at: number
}

const at = (ns: number, symbol = 'A'): Ask => ({ symbol, at: ns })
const prices: readonly Price[] = [
  { symbol: 'A', time: 10, price: 1 },
  { symbol: 'A', time: 25, price: 2 },
  { symbol: 'B', time: 12, price: 5 },
]

interface LookUpOptions {
  readonly points?: readonly Price[]
  readonly cache?: CacheOptions
  readonly lookback?: number
  readonly maxAge?: number
}

/** Passes on the bare prices. */
const pricesOf = (influx: FluxQuery, options: LookUpOptions) =>
  enrichFromInflux(
    influx,
    ({ symbol, at }: Ask) => ({ measurement: 'm', field: 'price', tags: { symbol }, at: BigInt(at) }),
    { org: 'o', bucket: 'b', into: (_, found) => found?.value ?? null, batch: { max: 1 }, cache: {}, ...options },
  )

/** Looks up one after the other, one a frame: what is found, and how many queries it takes. */
function lookUpAll(asks: readonly Ask[], { points = prices, ...options }: LookUpOptions = {}) {
  const found: (number | null)[] = []
  let queries = 0
  const letters = asks.map((_, i) => String.fromCharCode(97 + i))
  marbles(({ scheduler, flush }) => {
    const { influx, asked } = pointsInflux(points, () => scheduler.now())
    const values = Object.fromEntries(letters.map((letter, i) => [letter, asks[i] as Ask]))
    const { messages } = marbleMessages(scheduler, `${letters.join('')}|`, values)
    messages.pipe(pricesOf(influx, options), ack()).subscribe((price) => found.push(price))
    flush()
    queries = asked.length
  })()
  return { found, queries }
}

describe('the cache of enrichFromInflux', () => {
  it('answers every instant from that of a value up to the one it was asked for', () => {
    expect(lookUpAll([at(20), at(10), at(15), at(20)])).toEqual({ found: [1, 1, 1, 1], queries: 1 })
  })

  it('asks for an instant after that, which may have another value', () => {
    expect(lookUpAll([at(20), at(21), at(30), at(29)])).toEqual({ found: [1, 1, 2, 2], queries: 3 })
  })

  it('asks for an instant before the value', () => {
    expect(lookUpAll([at(30), at(24), at(9), at(30)])).toEqual({ found: [2, 1, null, 2], queries: 3 })
  })

  it('keeps series apart', () => {
    expect(lookUpAll([at(20), at(20, 'B'), at(20), at(15, 'B')])).toEqual({ found: [1, 5, 1, 5], queries: 2 })
  })

  it('keeps that nothing was found', () => {
    expect(lookUpAll([at(5), at(5), at(20), at(5)])).toEqual({ found: [null, null, 1, null], queries: 2 })
  })

  it('counts no value beyond `lookback`, and none beyond `maxAge`', () => {
    const tenNs = 1e-5
    const asks = [at(20), at(20), at(21), at(21)]
    expect(lookUpAll(asks, { lookback: tenNs })).toEqual({ found: [1, 1, null, null], queries: 2 })
    expect(lookUpAll(asks, { maxAge: tenNs })).toEqual({ found: [1, 1, null, null], queries: 2 })
  })

  it('keeps what was used last of `max` values', () => {
    const asks = [at(20), at(20, 'B'), at(20), at(30), at(20), at(20, 'B')]
    expect(lookUpAll(asks, { cache: { max: 2 } })).toEqual({ found: [1, 5, 1, 2, 1, 5], queries: 4 })
  })

  it('asks again when `ttl` has passed, a miss when `negativeTtl` has', () => {
    const asks = [at(20), at(5), at(20), at(5), at(20), at(5)]
    expect(lookUpAll(asks, { cache: { ttl: 4, negativeTtl: 2 } })).toEqual({
      found: [1, null, 1, null, 1, null],
      queries: 5,
    })
  })

  it('forgets what a later answer contradicts, and does not come back to it', () => {
    const late = { symbol: 'A', written: 1 }
    const points = [...prices, { ...late, time: 2, price: 7 }, { ...late, time: 20, price: 8 }]
    expect(lookUpAll([at(5), at(9), at(5)], { points })).toEqual({ found: [null, 7, 7], queries: 2 })
    const evicted = [at(23), at(24), at(15), at(20, 'B'), at(22)]
    expect(lookUpAll(evicted, { points, cache: { max: 2 } })).toEqual({ found: [1, 8, 1, 5, 8], queries: 4 })
  })

  it('asks once for several fields and knows them together', () => {
    const row = (field: string, ns: number, value: number) => ({
      ...{ _measurement: 'm', _field: field, symbol: 'A' },
      ...{ _time: `1970-01-01T00:00:00.0000000${ns}Z`, _value: value },
    })
    let queries = 0
    const influx: FluxQuery = () => of(queries++ < 0 ? [] : [row('bid', 10, 1), row('ask', 14, 2)])
    const quote = enrichFromInflux(
      influx,
      ({ at }: Ask) => ({ measurement: 'm', field: ['bid', 'ask'], tags: { symbol: 'A' }, at: BigInt(at) }),
      { org: 'o', bucket: 'b', into: 'quote', batch: { max: 1 }, cache: {} },
    )
    marbles(({ scheduler, expectObservable }) => {
      const asks = { a: at(20), b: at(15), c: at(12), d: at(12) }
      const { messages } = marbleMessages(scheduler, 'abcd|', asks)
      const x = { bid: 1, ask: 2 }
      const y = { bid: 1, ask: null }
      expectObservable(
        messages.pipe(
          quote,
          mapValue(({ quote }) => quote),
          ack(),
        ),
      ).toBe('xxyy|', { x, y })
    })()
    // `ask` had no value at 12 yet.
    expect(queries).toBe(2)
  })

  it('gives what InfluxDB had within the last `ttl`, whatever is asked and written when', () => {
    const symbol = fc.constantFrom('A', 'B')
    const price = fc.record({
      symbol,
      time: fc.nat(30),
      price: fc.nat(99),
      written: fc.oneof(fc.constant(0), fc.nat(40)),
    })
    const step = fc.record({ symbol, at: fc.nat(40), gap: fc.nat(4) })
    const sizes = { ttl: fc.nat(20), max: fc.integer({ min: 1, max: 6 }), batch: fc.integer({ min: 1, max: 3 }) }
    const life = fc.record({
      ...{ points: fc.array(price, { maxLength: 12 }), steps: fc.array(step, { minLength: 1, maxLength: 20 }) },
      ...{ waits: fc.array(fc.nat(4)), lookback: fc.integer({ min: 1, max: 40 }), ...sizes },
    })
    holds(
      life,
      ({ points, steps, waits, lookback, ttl, max, batch }) => {
        const letters = steps.map((_, i) => String.fromCharCode(97 + i))
        const marble = `${steps.map(({ gap }, i) => letters[i] + '-'.repeat(gap)).join('')}|`
        const passed: { ask: Ask; price: number | null; now: number }[] = []
        marbles(({ scheduler, flush }) => {
          const { influx } = pointsInflux(
            points,
            () => scheduler.now(),
            (rows, call) => timer(waits[call - 1] ?? 0, scheduler).pipe(mergeMap(() => of(rows))),
          )
          const values = Object.fromEntries(letters.map((letter, i) => [letter, steps[i] as Ask]))
          const enrich = enrichFromInflux(
            influx,
            ({ symbol, at }: Ask) => ({ measurement: 'm', field: 'price', tags: { symbol }, at: BigInt(at) }),
            {
              ...{ org: 'o', bucket: 'b' },
              into: (ask, found) => ({ ask, price: found?.value ?? null }),
              ...{ batch: { max: batch, wait: 2 }, lookback: lookback / 1e6, cache: { ttl, negativeTtl: ttl, max } },
            },
          )
          const { messages } = marbleMessages(scheduler, marble, values)
          messages.pipe(enrich, ack()).subscribe((found) => passed.push({ ...found, now: scheduler.now() }))
          flush()
        })()
        expect(passed).toHaveLength(steps.length)
        for (const { ask, price, now } of passed) {
          const moments = Array.from({ length: Math.max(ttl, 4) + 1 }, (_, ago) => now - ago)
          expect(moments.map((moment) => truth(points, ask, lookback, moment))).toContain(price)
        }
      },
      { runs: 400 },
    )
  })
})

/** What InfluxDB has at a moment. */
function truth(points: readonly Price[], { symbol, at }: Ask, lookback: number, moment: number): number | null {
  const counts = points
    .filter((point) => point.symbol === symbol && point.time <= at && point.time >= at - lookback)
    .filter(({ written = 0 }) => written <= moment)
    .sort((a, b) => a.time - b.time || (a.written ?? 0) - (b.written ?? 0))
  return counts.at(-1)?.price ?? null
}
