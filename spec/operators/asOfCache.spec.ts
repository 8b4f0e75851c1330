import fc from 'fast-check'
import { delay, tap } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { ack } from '../../lib/ack.ts'
import type { CacheOptions } from '../../lib/answerCache.ts'
import { kafkaTest } from '../../lib/testing/kafkaTest.ts'
import type { Kit } from '../../lib/testing/kit.ts'
import { mapValue } from '../../lib/values.ts'
import { enrichFromInflux } from '../../operators/enrichFromInflux/enrichFromInflux.ts'
import { holds } from '../support/property.ts'

interface Ask {
  readonly symbol: string
  readonly at: number
}

/** A price of a symbol, in ns since 1970, and when it is written, in ms. */
interface Price {
  readonly symbol: string
  readonly time: number
  readonly price: number
  readonly written?: number
}

const at = (ns: number, symbol = 'A'): Ask => ({ symbol, at: ns })
const prices: readonly Price[] = [
  { symbol: 'A', time: 10, price: 1 },
  { symbol: 'A', time: 25, price: 2 },
  { symbol: 'B', time: 12, price: 5 },
]
const lookupOf = ({ symbol, at }: Ask) => ({ measurement: 'm', field: 'price', tags: { symbol }, at: BigInt(at) })
const letterOf = (i: number) => String.fromCharCode(97 + i)
const from = { org: 'o', bucket: 'b' }

/** Writes prices into the InfluxDB of a test, each when it is due: before all else of that instant. */
function write({ influx, time }: Kit, points: readonly Price[]): void {
  influx.write('b', [])
  for (const { symbol, time: ns, price, written = 0 } of points) {
    const point = { measurement: 'm', tags: { symbol }, fields: { price }, at: BigInt(ns) }
    if (written === 0) influx.write('b', [point])
    else time.clock.schedule(() => influx.write('b', [point]), written)
  }
}

interface LookUps {
  /** Prices, by their digits; `n` for none. */
  readonly finds: string
  /** The series that InfluxDB is asked for, each at the instant of the look-up that does it. */
  readonly asks: string
  /** When each is looked up, by the letters from `a`. @default one after the other, one a ms */
  readonly drawing?: string
  readonly points?: readonly Price[]
  readonly cache?: CacheOptions
  readonly lookback?: number
  readonly maxAge?: number
  /** @default each has a query of its own */
  readonly batch?: { readonly max: number }
}

/** Looks prices up, and expects what is found and what is asked. */
function lookUps(all: readonly Ask[], { finds, asks, drawing, points = prices, ...options }: LookUps): () => void {
  return kafkaTest((kit) => {
    write(kit, points)
    const letters = Object.fromEntries(all.map((ask, i) => [letterOf(i), ask]))
    const messages = kit.topic(`0: ${drawing ?? Object.keys(letters).join('')}`, letters)
    const into = (_: Ask, found: { value: number } | null) => found?.value ?? null
    const enrich = enrichFromInflux(kit.influx, lookupOf, { ...from, into, batch: { max: 1 }, cache: {}, ...options })
    const digits = Object.fromEntries([...'0123456789'].map((digit) => [digit, Number(digit)]))
    kit.expectOutput(messages.pipe(enrich, ack())).toBe(finds, { ...digits, n: null })
    kit.expectCalls(kit.influx).toBe(asks)
  })
}

describe('the cache of enrichFromInflux', () => {
  it(
    'answers every instant from that of a value up to the one it was asked for',
    lookUps([at(20), at(10), at(15), at(20)], {
      finds: '1111',
      asks: ' A',
    }),
  )

  it(
    'asks for an instant after that, which may have another value',
    lookUps([at(20), at(21), at(30), at(29)], {
      finds: '1122',
      asks: ' AAA',
    }),
  )

  it(
    'asks for an instant before the value',
    lookUps([at(30), at(24), at(9), at(30)], {
      finds: '21n2',
      asks: ' AAA',
    }),
  )

  it(
    'knows each value that a query gives only up to the next one of it, in whatever order they are asked for',
    lookUps([at(30), at(10), at(25), at(24)], {
      drawing: '(ab)cd',
      finds: '  (21)21',
      asks: '   A',
      batch: { max: 2 },
    }),
  )

  it(
    'keeps series apart',
    lookUps([at(20), at(20, 'B'), at(20), at(15, 'B')], {
      finds: '1515',
      asks: ' AB',
    }),
  )

  it(
    'keeps that nothing was found',
    lookUps([at(5), at(5), at(20), at(5)], {
      finds: 'nn1n',
      asks: ' A-A',
    }),
  )

  it.each(['lookback', 'maxAge'])('counts no value beyond `%s`', (option) => {
    const tenNs = 1e-5
    lookUps([at(20), at(20), at(21), at(21)], {
      finds: '11nn',
      asks: ' A-A',
      [option]: tenNs,
    })()
  })

  it(
    'keeps what was used last of `max` values',
    lookUps([at(20), at(20, 'B'), at(20), at(30), at(20), at(20, 'B')], {
      finds: '151215',
      asks: ' AB-A-B',
      cache: { max: 2 },
    }),
  )

  it(
    'asks again when `ttl` has passed, a miss when `negativeTtl` has',
    lookUps([at(20), at(5), at(20), at(5), at(20), at(5)], {
      finds: '1n1n1n',
      asks: ' AA-AAA',
      cache: { ttl: 4, negativeTtl: 2 },
    }),
  )

  describe('forgets what a later answer contradicts', () => {
    const late = { symbol: 'A', written: 1 }
    const points = [...prices, { ...late, time: 2, price: 7 }, { ...late, time: 20, price: 8 }]

    it(
      'where nothing was known',
      lookUps([at(5), at(9), at(5)], {
        finds: 'n77',
        asks: ' AA',
        points,
      }),
    )

    it(
      'and does not come back to it',
      lookUps([at(23), at(24), at(15), at(20, 'B'), at(22)], {
        finds: '18158',
        asks: ' AA-BA',
        points,
        cache: { max: 2 },
      }),
    )
  })

  it(
    'asks once for several fields and knows them together',
    kafkaTest(({ topic, influx, expectOutput, expectCalls }) => {
      const messages = topic('0: abcd', { a: at(20), b: at(15), c: at(12), d: at(12) })
      const point = (fields: { bid: number } | { ask: number }, at: bigint) => ({
        ...{ measurement: 'm', tags: { symbol: 'A' } },
        ...{ fields, at },
      })
      influx.write('b', [point({ bid: 1 }, 10n), point({ ask: 2 }, 14n)])
      const result = messages.pipe(
        enrichFromInflux(influx, (ask: Ask) => ({ ...lookupOf(ask), field: ['bid', 'ask'] }), {
          ...{ ...from, into: 'quote' },
          ...{ batch: { max: 1 }, cache: {} },
        }),
        mapValue(({ quote }) => quote),
        ack(),
      )
      expectOutput(result).toBe('xxyy', { x: { bid: 1, ask: 2 }, y: { bid: 1, ask: null } })
      // `ask` had no value at 12 yet.
      expectCalls(influx).toBe('  A-A')
    }),
  )

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
        const passed: { ask: Ask; price: number | null; now: number }[] = []
        kafkaTest((kit) => {
          const { topic, influx, time, expectOutput, flush } = kit
          write(kit, points)
          influx.replies(...waits.map((ms) => `${'-'.repeat(ms)}(r|)`))
          const marble = steps.map(({ gap }, i) => letterOf(i) + '-'.repeat(gap)).join('')
          const messages = topic(`0: ${marble}`, Object.fromEntries(steps.map((ask, i) => [letterOf(i), ask])))
          const enrich = enrichFromInflux(influx, lookupOf, {
            ...from,
            into: (ask, found) => ({ ask, price: found?.value ?? null }),
            ...{ batch: { max: batch, wait: 2 }, lookback: lookback / 1e6, cache: { ttl, negativeTtl: ttl, max } },
          })
          const noted = tap((found: { ask: Ask; price: number | null }) => {
            passed.push({ ...found, now: time.clock.now() })
          })
          // After its source went quiet, a message waits in a batch for the next.
          expectOutput(messages.pipe(delay(1), enrich, ack(), noted))
          flush()
        })()
        expect(passed).toHaveLength(steps.length)
        for (const { ask, price, now } of passed) {
          const moments = Array.from({ length: Math.max(ttl, 4) + 1 }, (_, ago) => now - ago)
          expect(moments.map((moment) => truth(points, ask, lookback, moment))).toContain(price)
        }
      },
      { runs: 200 },
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
