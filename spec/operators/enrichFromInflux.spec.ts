import { InfluxDB } from '@influxdata/influxdb-client'
import fc from 'fast-check'
import { EMPTY, type Observable, of, takeUntil } from 'rxjs'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { ack } from '../../lib/ack.ts'
import { errorClassOf, MissError } from '../../lib/errors.ts'
import type { Message } from '../../lib/message.ts'
import type { FakeInflux } from '../../lib/testing/fakes/influx/fakeInflux.ts'
import type { InfluxWrite } from '../../lib/testing/fakes/influx/points.ts'
import { kafkaTest } from '../../lib/testing/kafkaTest.ts'
import type { Kit } from '../../lib/testing/kit.ts'
import { mapValue } from '../../lib/values.ts'
import {
  enrichFromInflux,
  type FluxQuery,
  type FluxRow,
  type InfluxLike,
  type InfluxLookup,
  type InfluxPoint,
} from '../../operators/enrichFromInflux/enrichFromInflux.ts'
import { holds } from '../support/property.ts'

interface Order {
  readonly id: string
  readonly symbol: string
  readonly at: bigint
}

const a: Order = { id: 'a', symbol: 'A', at: 10n }
const b: Order = { id: 'b', symbol: 'B', at: 20n }
const c: Order = { id: 'c', symbol: 'A', at: 30n }
const values = { a, b, c }
const bySymbol = { key: ({ symbol }: Order) => symbol }
const skip = { onNack: 'skip' } as const
const priceAt = ({ symbol, at }: Order): InfluxLookup => ({ measurement: 'm', field: 'price', tags: { symbol }, at })
const rfc = (ns: number) => `1970-01-01T00:00:00.${String(ns).padStart(9, '0')}Z`
const row = (symbol: string, ns: number, price: unknown): FluxRow => ({
  ...{ _measurement: 'm', _field: 'price', symbol },
  ...{ _time: rfc(ns), _value: price },
})
const point = (symbol: string, at: bigint, fields: InfluxWrite['fields'], tags = {}): InfluxWrite => ({
  ...{ measurement: 'm', tags: { symbol, ...tags } },
  ...{ fields, at },
})
const prices = [point('A', 10n, { price: 1 }), point('A', 25n, { price: 3 }), point('B', 5n, { price: 2 })]
const priced = { x: { ...a, price: 1 }, y: { ...b, price: 2 }, z: { ...c, price: 3 } }
const from = { org: 'o', bucket: 'b' }
const options = { ...from, into: 'price' } as const
const one = { ...options, batch: { max: 1 } }
const steady = { jitter: 'none', delay: 4 } as const
const NO_MEMORY = 'memory allocation limit reached: limit 10000 bytes, allocated: 9999, wanted: 64'

/** The InfluxDB of a test, with points in the bucket that is asked. */
function influxWith({ influx }: Kit, points: readonly InfluxWrite[] = prices): FakeInflux {
  influx.write('b', points)
  return influx
}

/** The queries that an InfluxDB was asked. */
function fluxOf({ log }: FakeInflux): string[] {
  return [...new Set(log.map(({ item }) => item))].map(({ flux }) => flux)
}

/** Lets an InfluxDB be asked, and notes when each query was told to stop, in ms; null for those that were not. */
function watched({ time }: Kit, { transport }: FakeInflux) {
  const stops: (number | null)[] = []
  const influx: InfluxLike = {
    transport: {
      send: (path, body, { signal, ...rest }, callbacks) => {
        const call = stops.push(null) - 1
        signal?.addEventListener('abort', () => {
          stops[call] = time.clock.now()
        })
        transport.send(path, body, { ...rest, ...(signal && { signal }) }, callbacks)
      },
    },
  }
  return { influx, stops }
}

/** The text that a literal of Flux stands for. */
function textIn(literal: string): string {
  const bytes = literal.slice(1, -1).replace(/\\x(..)/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1').toString()
}

/** An `InfluxDB` that answers with CSV. */
function influxDb(...chunks: string[]) {
  const asked: { path: string; body: unknown }[] = []
  const influx: InfluxLike = {
    transport: {
      send: (path, body, _options, { next, complete }) => {
        asked.push({ path, body: JSON.parse(body) })
        for (const chunk of chunks) next(Buffer.from(chunk, 'latin1'))
        complete()
      },
    },
  }
  return { influx, asked }
}

describe('enrichFromInflux', () => {
  it(
    'passes each message on with its value',
    kafkaTest((kit) => {
      const messages = kit.topic('0: a---b', values, bySymbol)
      const influx = influxWith(kit).takes(2)
      kit.expectOutput(messages.pipe(enrichFromInflux(influx, priceAt, one), ack())).toBe('--x---y', priced)
      kit.expectAcks('0: --a---b')
    }),
  )

  it(
    'asks one query for a batch, and finds for each its own',
    kafkaTest((kit) => {
      const messages = kit.topic('0: (abc)', values, bySymbol)
      const influx = influxWith(kit)
      kit.expectOutput(messages.pipe(enrichFromInflux(influx, priceAt, options), ack())).toBe('(xyz)', priced)
      kit.flush()
      expect(fluxOf(influx)).toEqual([
        [
          `f0 = (r) => r["_measurement"] == "m" and r["_field"] == "price" and ((r["symbol"] == "A") or (r["symbol"] == "B"))`,
          `from(bucket: "b") |> range(start: time(v: -2591999999999990), stop: time(v: 11)) |> filter(fn: f0) |> last() |> yield(name: "last0")`,
          `from(bucket: "b") |> range(start: time(v: 11), stop: time(v: 31)) |> filter(fn: f0) |> keep(columns: ["_time", "_value", "_measurement", "_field", "symbol"]) |> yield(name: "then0")`,
        ].join('\n'),
      ])
    }),
  )

  it(
    'asks a function that runs a query, in the place of a client',
    kafkaTest(({ topic, expectOutput, flush }) => {
      const asked: object[] = []
      const influx: FluxQuery = (flux, { org }) => {
        asked.push({ flux, org })
        return of([row('A', 10, 1)])
      }
      expectOutput(topic('0: a', values).pipe(enrichFromInflux(influx, priceAt, one), ack())).toBe('x', priced)
      flush()
      expect(asked).toEqual([{ flux: expect.stringContaining('from(bucket: "b")'), org: 'o' }])
    }),
  )

  it(
    'asks for instants far apart one by one, in one query',
    kafkaTest((kit) => {
      const far = { a, b: { ...b, at: 10n ** 15n } }
      const messages = kit.topic('0: (ab)', far)
      const influx = influxWith(kit)
      kit
        .expectOutput(messages.pipe(enrichFromInflux(influx, priceAt, options), ack()))
        .toBe('(xy)', { x: priced.x, y: { ...far.b, price: 2 } })
      kit.flush()
      expect(fluxOf(influx).map((flux) => flux.match(/yield\(name: "\w+"/g))).toEqual([
        ['yield(name: "last0"', 'yield(name: "last1"'],
      ])
    }),
  )

  it(
    'asks for each partition in a query of its own, where it fills half of one',
    kafkaTest((kit) => {
      const orders = Object.fromEntries([...'abcde'].map((id) => [id, { ...a, id, symbol: id.toUpperCase() }]))
      const messages = kit.topic('0: e(ab)\n1: -(cd)', orders)
      const influx = influxWith(kit, []).takes(4)
      const enrich = enrichFromInflux(influx, priceAt, {
        ...{ ...options, onMiss: 'drop' },
        ...{ concurrency: 1, batch: { max: 4 } },
      })
      kit.expectOutput(messages.pipe(enrich, ack())).toBe('')
      kit.expectCalls(influx).toBe('E---(AB)(CD)')
      kit.expectAcks('0: ----e---(ab)\n1: ------------(cd)')
    }),
  )

  it(
    'finds each its own among look-ups by other tags',
    kafkaTest((kit) => {
      const messages = kit.topic('0: (ab)', values)
      const influx = influxWith(kit, [...prices, point('C', 5n, { price: 2 }, { exchange: 'x' })])
      const select = (order: Order) => (order === a ? priceAt(a) : { ...priceAt(b), tags: { exchange: 'x' } })
      kit.expectOutput(messages.pipe(enrichFromInflux(influx, select, options), ack())).toBe('(xy)', priced)
    }),
  )

  it(
    'asks more values at once while answers have few, and fewer while they have many',
    kafkaTest(({ topic, influx, expectOutput, expectAcks, flush }) => {
      const [a, b, c, d] = [0n, 3n, 6n, 9n].map((s) => ({ id: '', symbol: 'A', at: s * 1_000_000_000n }))
      const many = Array.from({ length: 500 }, (_, i) => row('A', i, i))
      const messages = topic('0: (abcdabcdabcdabcdabcdabcdabcdabcd)', { a, b, c, d } as Record<string, Order>)
      influx.replies({ A: [...'ffffmmmm'].map((answer) => `(${answer}|)`) }, { f: [], m: many })
      const enrich = enrichFromInflux(influx, priceAt, {
        ...{ ...options, onMiss: 'drop' },
        ...{ concurrency: 1, batch: { max: 4 } },
      })
      expectOutput(
        messages.pipe(
          enrich,
          mapValue(() => '.'),
          ack(),
        ),
      ).toBe('(................)')
      expectAcks('0: (abcdabcdabcdabcdabcdabcdabcdabcd)')
      flush()
      expect(fluxOf(influx).map((flux) => flux.match(/last\(\)/g)?.length)).toEqual([4, 4, 2, 2, 1, 4, 4, 4])
    }),
  )

  it(
    'has two queries under way when nothing else is said',
    kafkaTest((kit) => {
      const messages = kit.topic('0: abc', values)
      const influx = influxWith(kit).takes(5)
      kit.expectOutput(messages.pipe(enrichFromInflux(influx, priceAt, one), ack())).toBe('-----xy---z', priced)
      kit.expectCalls(influx).toBe('AB---A')
    }),
  )

  describe('where nothing is found', () => {
    const later = [point('B', 5n, { price: 2 }), point('A', 25n, { price: 3 })]

    it(
      'gives null',
      kafkaTest((kit) => {
        const messages = kit.topic('0: (abc)', values)
        const enrich = enrichFromInflux(influxWith(kit, later), priceAt, options)
        kit.expectOutput(messages.pipe(enrich, ack())).toBe('(nyz)', { ...priced, n: { ...a, price: null } })
      }),
    )

    it(
      'drops the message and acks it',
      kafkaTest((kit) => {
        const messages = kit.topic('0: (abc)', values)
        const enrich = enrichFromInflux(influxWith(kit, later), priceAt, { ...options, onMiss: 'drop' })
        kit.expectOutput(messages.pipe(enrich, ack())).toBe('(yz)', priced)
        kit.expectAcks('0: (abc)')
      }),
    )

    it(
      'gives a default',
      kafkaTest((kit) => {
        const messages = kit.topic('0: (abc)', values)
        const enrich = enrichFromInflux(influxWith(kit, later), priceAt, { ...options, onMiss: { default: 0 } })
        kit.expectOutput(messages.pipe(enrich, ack())).toBe('(dyz)', { ...priced, d: { ...a, price: 0 } })
      }),
    )

    it(
      'nacks the message and says what it looked for',
      kafkaTest((kit) => {
        const messages = kit.topic('0: (abc)', values, skip)
        const enrich = enrichFromInflux(influxWith(kit, later), priceAt, { ...options, onMiss: 'nack' })
        kit.expectOutput(messages.pipe(enrich, ack())).toBe('(yz)', priced)
        const asked =
          'field "price" of measurement "m" with symbol="A" at or before 1970-01-01T00:00:00.000000010Z in bucket "b"'
        const text = `enrichFromInflux found nothing for ${asked}; nothing lies within the 2592000000 ms of lookback`
        kit.expectNacks('0: a', { a: text })
      }),
    )

    it(
      'waits for a value that comes late when a miss is called transient, and not for ever',
      kafkaTest((kit) => {
        const messages = kit.topic('0: ab', values, skip)
        const influx = influxWith(kit, [])
        kit.time.clock.schedule(() => influx.write('b', [point('A', 10n, { price: 1 })]), 3)
        const waiting = enrichFromInflux(influx, priceAt, {
          ...{ ...one, onMiss: 'nack', totalTimeout: 10, retry: steady },
          classify: (error) => (error instanceof MissError ? 'transient' : errorClassOf(error)),
        })
        kit.expectOutput(messages.pipe(waiting, ack())).toBe('----x', priced)
        const text = 'enrichFromInflux gave up after 2 tries in 10 ms: enrichFromInflux found nothing'
        kit.expectNacks('0: -----------b', { b: text })
      }),
    )
  })

  it(
    'takes a value that is older than `maxAge` for a miss, and says how old it is',
    kafkaTest((kit) => {
      const messages = kit.topic('0: (bc)', values, skip)
      const young = enrichFromInflux(influxWith(kit), priceAt, { ...options, maxAge: 1e-5, onMiss: 'nack' })
      kit.expectOutput(messages.pipe(young, ack())).toBe('z', priced)
      const latest = 'the latest value is of 1970-01-01T00:00:00.000000005Z, older than the 0.00001 ms of maxAge'
      kit.expectNacks('0: b', { b: latest })
    }),
  )

  describe('with several fields', () => {
    const quotes = [point('A', 10n, { bid: 1 }), point('A', 25n, { bid: 2 }), point('A', 24n, { ask: 3 })]
    const quoteAt = (order: Order) => ({ ...priceAt(order), field: ['bid', 'ask'] as const })

    it(
      'finds each with its own latest value, in one query',
      kafkaTest((kit) => {
        const messages = kit.topic('0: (abc)', values)
        const influx = influxWith(kit, quotes)
        const quote = enrichFromInflux(influx, quoteAt, { ...from, into: 'quote' })
        kit.expectOutput(messages.pipe(quote, ack())).toBe('(xyz)', {
          x: { ...a, quote: { bid: 1, ask: null } },
          y: { ...b, quote: null },
          z: { ...c, quote: { bid: 2, ask: 3 } },
        })
        kit.flush()
        const [flux, ...others] = fluxOf(influx)
        expect(others).toEqual([])
        expect(flux).toContain('r["_field"] == "bid"')
        expect(flux).toContain('r["_field"] == "ask"')
      }),
    )

    it(
      'gives each with its own time',
      kafkaTest((kit) => {
        const messages = kit.topic('0: c', values)
        type Found = { readonly bid: InfluxPoint | null; readonly ask: InfluxPoint | null } | null
        const into = (_: Order, found: Found) => [found?.bid?.time, found?.ask?.time]
        const quote = enrichFromInflux(influxWith(kit, quotes), quoteAt, { ...from, into })
        kit.expectOutput(messages.pipe(quote, ack())).toBe('t', { t: [25n, 24n] })
      }),
    )
  })

  it(
    'asks the same look-up of several messages once',
    kafkaTest((kit) => {
      const messages = kit.topic('0: (aaa)', values)
      const influx = influxWith(kit)
      kit.expectOutput(messages.pipe(enrichFromInflux(influx, priceAt, options), ack())).toBe('(xxx)', priced)
      kit.flush()
      expect(fluxOf(influx).map((flux) => flux.match(/yield/g)?.length)).toEqual([1])
    }),
  )

  it(
    'counts a value exactly as old as `lookback`, and none that is older',
    kafkaTest((kit) => {
      const at = (ns: bigint) => ({ ...a, at: ns })
      const messages = kit.topic('0: (ab)', { a: at(1_000_010n), b: at(1_000_011n) })
      const enrich = enrichFromInflux(influxWith(kit, [point('A', 10n, { price: 1 })]), priceAt, {
        ...options,
        lookback: 1,
      })
      kit
        .expectOutput(
          messages.pipe(
            enrich,
            mapValue(({ price }) => price),
            ack(),
          ),
        )
        .toBe('(xy)', { x: 1, y: null })
    }),
  )

  it(
    'puts what it found wherever a function says, with its time: of one instant the greatest',
    kafkaTest((kit) => {
      const messages = kit.topic('0: (bc)', values)
      const influx = influxWith(kit, [...prices, point('A', 25n, { price: 2 }, { exchange: 'x' })])
      const enrich = enrichFromInflux(influx, priceAt, { ...from, into: ({ id }, found) => ({ id, found }) })
      kit.expectOutput(messages.pipe(enrich, ack())).toBe('(yz)', {
        y: { id: 'b', found: { value: 2, time: 5n } },
        z: { id: 'c', found: { value: 3, time: 25n } },
      })
    }),
  )

  it(
    'nacks a message whose selector or `into` throws, and no other',
    kafkaTest((kit) => {
      const messages = kit.topic('0: (abc)', values, skip)
      const failing = (order: Order) => {
        if (order === a) throw new Error('no symbol')
        return priceAt(order)
      }
      const into = ({ id }: Order, found: { value: number } | null) => {
        if (id === 'b') throw new Error('no place')
        return found?.value
      }
      const enrich = enrichFromInflux(influxWith(kit), failing, { ...from, into })
      kit.expectOutput(messages.pipe(enrich, ack())).toBe('z', { z: 3 })
      kit.expectNacks('0: (ab)', { a: 'no symbol', b: 'no place' })
    }),
  )

  it.each([
    ['a refused connection', () => Object.assign(new Error('no'), { code: 'ECONNREFUSED' }), '----'],
    ['429', ({ refusal }: FakeInflux) => refusal(429), '----'],
    ['503 with Retry-After', ({ refusal }: FakeInflux) => refusal(503, { retryAfter: 1 }), '1s '],
  ])('tries again after %s', (_, errorOf, wait) => {
    kafkaTest((kit) => {
      const messages = kit.topic('0: a', values)
      const influx = influxWith(kit)
      influx.replies('#', { '#': errorOf(influx) })
      const enrich = enrichFromInflux(influx, priceAt, { ...one, retry: steady })
      kit.expectOutput(messages.pipe(enrich, ack())).toBe(`${wait}x`, priced)
      kit.expectAcks(`0: ${wait}a`)
    })()
  })

  it(
    'tries again when no answer comes in time, and tells the query to stop',
    kafkaTest((kit) => {
      const messages = kit.topic('0: a', values)
      const { influx, stops } = watched(kit, influxWith(kit).replies('-'))
      const enrich = enrichFromInflux(influx, priceAt, { ...one, timeout: 3, retry: steady })
      kit.expectOutput(messages.pipe(enrich, ack())).toBe('-------x', priced)
      kit.flush()
      expect(stops).toEqual([3, null])
    }),
  )

  it(
    'asks in halves after a query that got no answer in time, and tells that to stop',
    kafkaTest((kit) => {
      const messages = kit.topic('0: (abc)', values)
      const { influx, stops } = watched(kit, influxWith(kit).replies('-', '-'))
      const enrich = enrichFromInflux(influx, priceAt, { ...options, timeout: 3, retry: steady })
      kit.expectOutput(messages.pipe(enrich, ack())).toBe('18ms (xyz)', priced)
      kit.expectCalls(kit.influx).toBe('(AB)---(AB)-------(ABA)')
      kit.flush()
      expect(stops).toEqual([3, 10, null, null, null])
    }),
  )

  it.each([
    ['the time-out of the client', () => Object.assign(new Error('no'), { name: 'RequestTimedOutError' })],
    ['504', ({ refusal }: FakeInflux) => refusal(504)],
    ['503 that speaks of memory', ({ refusal }: FakeInflux) => refusal(503, { message: NO_MEMORY })],
    ['an answer that ends for lack of memory', () => [{ error: NO_MEMORY, reference: '' }]],
  ])('asks in halves after %s', (_, replyOf) => {
    kafkaTest((kit) => {
      const messages = kit.topic('0: (ab)', values)
      const influx = influxWith(kit)
      const reply = replyOf(influx)
      if (reply instanceof Error) influx.replies('#', { '#': reply })
      else influx.replies('(m|)', { m: reply })
      const enrich = enrichFromInflux(influx, priceAt, { ...options, retry: steady })
      kit.expectOutput(messages.pipe(enrich, ack())).toBe('----(xy)', priced)
      kit.flush()
      expect(influx.log.map(({ request, name }) => `${request}${name}`)).toEqual(['1A', '1B', '2A', '3B'])
    })()
  })

  it(
    'nacks only the message whose query is refused',
    kafkaTest((kit) => {
      const messages = kit.topic('0: (abc)', values, skip)
      const influx = influxWith(kit)
      influx.replies({ B: '#' }, { '#': influx.refusal(400, { message: 'compilation failed' }) })
      kit.expectOutput(messages.pipe(enrichFromInflux(influx, priceAt, options), ack())).toBe('(xz)', priced)
      kit.expectAcks(' 0: (ac)')
      kit.expectNacks('0: b', { b: /^Got a refusal from InfluxDB: compilation failed$/ })
    }),
  )

  it.each([
    [401, 'unauthorized', 'give the client a token that may read the bucket'],
    [403, 'forbidden', 'give the client a token that may read the bucket'],
    [404, 'could not find bucket "b"', 'check the options org and bucket'],
    [400, 'organization name "o" not found', 'check the options org and bucket'],
  ])('errors after %i %s, though nacked messages are skipped', (status, message, advice) => {
    kafkaTest(({ topic, influx, expectOutput, expectNacks }) => {
      const messages = topic('0: (ab)', values, skip)
      influx.replies({ '*': '#' }, { '#': influx.refusal(status, { message }) })
      const enrich = enrichFromInflux(influx, priceAt, { ...options, batch: { max: 2 } })
      expectOutput(messages.pipe(enrich, ack())).toBe('#', {}, `${message}; ${advice}`)
      expectNacks('0: (ab)', { a: 'abandoned', b: 'abandoned' })
    })()
  })

  it.each([
    [
      'a certificate that is not trusted',
      Object.assign(new Error('self-signed'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }),
    ],
    ['a fault of the client', new TypeError('Invalid URL')],
  ])('errors after %s, though nacked messages are skipped', (_, error) => {
    kafkaTest(({ topic, influx, expectOutput, expectNacks }) => {
      const messages = topic('0: a', values, skip)
      influx.replies({ '*': '#' }, { '#': error })
      expectOutput(messages.pipe(enrichFromInflux(influx, priceAt, one), ack())).toBe('#', {}, error.message)
      expectNacks('0: a', { a: 'abandoned' })
    })()
  })

  it(
    'leaves the class of a failure to `classify`',
    kafkaTest(({ topic, influx, expectOutput, expectNacks }) => {
      const messages = topic('0: a', values, skip)
      influx.replies('#', { '#': influx.refusal(503, { message: 'later' }) })
      const enrich = enrichFromInflux(influx, priceAt, { ...one, classify: () => 'permanent' })
      expectOutput(messages.pipe(enrich, ack())).toBe('')
      expectNacks('0: a', { a: /^Got a refusal from InfluxDB: later$/ })
    }),
  )

  it(
    'stops its queries when unsubscribed',
    kafkaTest((kit) => {
      const messages = kit.topic('0: a--b', values)
      const { influx, stops } = watched(kit, influxWith(kit).takes(9))
      const result = messages.pipe(enrichFromInflux(influx, priceAt, one), ack(), takeUntil(kit.cold('-----x')))
      kit.expectOutput(result).toBe('-----|')
      kit.expectNacks('0: -----(ab)', { a: 'abandoned', b: 'abandoned' })
      kit.flush()
      expect(stops).toEqual([5, 5])
    }),
  )

  it('writes nothing but plain characters and bytes into a string, from which the text comes back', () => {
    const symbols = fc.uniqueArray(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 10 })
    holds(
      fc.record({ symbols, bucket: fc.string({ unit: 'binary', minLength: 1 }) }),
      ({ symbols, bucket }) => {
        kafkaTest(({ topic, influx, expectOutput, flush }) => {
          influx.write(bucket, [])
          const orders = Object.fromEntries(symbols.map((symbol, i) => ['abcdefghij'.charAt(i), { ...a, symbol }]))
          const messages = topic(`0: (${Object.keys(orders).join('')})`, orders)
          expectOutput(messages.pipe(enrichFromInflux(influx, priceAt, { ...one, bucket }), ack()))
          flush()
          const literals = fluxOf(influx).map((flux) => flux.match(/"[^"]*"/g) ?? [])
          for (const literal of literals.flat()) expect(literal).toMatch(/^"(?:[A-Za-z0-9_.:/ -]|\\x[0-9a-f]{2})*"$/)
          expect(literals.map((some) => some.map(textIn))).toEqual(
            symbols.map((symbol) => ['_measurement', 'm', '_field', 'price', 'symbol', symbol, bucket, 'last0']),
          )
        })()
      },
      { runs: 40 },
    )
  })

  it(
    'writes every character but plain ones as its bytes',
    kafkaTest(({ topic, influx, expectOutput, flush }) => {
      influx.write('b$"', [])
      const select = (): InfluxLookup => ({
        measurement: 'm"',
        field: '$',
        // biome-ignore lint/suspicious/noTemplateCurlyInString: it is data
        tags: { 'a\\': 'é\n${x}🚀', plain: 'A-b_c.d:e/f 9' },
        at: 0n,
      })
      const enrich = enrichFromInflux(influx, select, { ...one, bucket: 'b$"' })
      expectOutput(topic('0: a', values).pipe(enrich, ack())).toBe('n', { n: { ...a, price: null } })
      flush()
      const [flux] = fluxOf(influx)
      expect(flux).toContain(
        String.raw`r["_measurement"] == "m\x22" and r["_field"] == "\x24" and (r["a\x5c"] == "\xc3\xa9\x0a\x24\x7bx\x7d\xf0\x9f\x9a\x80" and r["plain"] == "A-b_c.d:e/f 9")`,
      )
      expect(flux).toContain(String.raw`from(bucket: "b\x24\x22")`)
    }),
  )

  it.each([
    [{ at: 1704067200000 }, 'Expected the instant `at` of enrichFromInflux to be a Date, RFC 3339 text or a bigint'],
    [{ at: 2n ** 63n }, 'got 9223372036854775808 (bigint)'],
    [{ at: '2024-02-30T00:00:00Z' }, 'got "2024-02-30T00:00:00Z"'],
    [{ at: '2024-02-03T00:00:00.0000000001Z' }, 'got "2024-02-03T00:00:00.0000000001Z"'],
    [{ at: '2024-02-03' }, 'got "2024-02-03"'],
    [{ at: new Date(Number.NaN) }, 'got null'],
    [{ tags: { symbol: 1 } }, 'Expected the tag "symbol" of enrichFromInflux to be a string, got 1'],
    [{ tags: { symbol: 'half \ud83d' } }, 'to be well-formed Unicode'],
    [{ tags: { _value: '1' } }, 'to be other than a column of InfluxDB (_value, _time ...), got "_value"'],
    [{ measurement: '' }, 'Expected the measurement of enrichFromInflux to be a name that is not empty, got ""'],
    [{ field: [] }, 'Expected the field of enrichFromInflux to be a name or several, got []'],
    [{ field: ['price', ''] }, 'Expected the field of enrichFromInflux to be a name that is not empty, got ""'],
    [{ field: undefined }, 'Expected the field of enrichFromInflux to be a string, got undefined'],
  ])('nacks a look-up that is none, before it asks: %o', (part, text) => {
    kafkaTest(({ topic, influx, expectOutput, expectCalls, expectNacks }) => {
      const messages = topic('0: a', values, skip)
      const select = (order: Order) => ({ ...priceAt(order), ...part }) as InfluxLookup
      expectOutput(messages.pipe(enrichFromInflux(influx, select, one), ack())).toBe('')
      expectNacks('0: a', { a: text })
      expectCalls(influx).toBe('')
    })()
  })

  it.each([
    ['in one chunk', (csv: string) => [csv]],
    ['byte by byte', (csv: string) => [...csv]],
  ])('reads the CSV of an InfluxDB, whatever its types and quotes, %s', (_, chunksOf) => {
    const head = ',result,table,_time,_value,_measurement,_field,symbol\r\n'
    const types = (type: string) => `#datatype,string,long,dateTime:RFC3339,${type},string,string,string\r\n${head}`
    const csv = [
      `${types('double')},last0,0,${rfc(10)},1.5,m,price,A\r\n\r\n`,
      `${types('long')},last0,0,${rfc(5)},7,m,price,"q""u,o\r\nte\xc3\xa9"\r\n`,
      `,last0,1,${rfc(6)},,m,price,NULL\r\n\r\n${types('boolean')},last0,0,${rfc(5)},true,m,price,BOOL\r\n\r\n`,
    ].join('')
    const orders = { a, b: { ...b, symbol: 'q"u,o\r\nteé' }, c: { ...c, symbol: 'BOOL' }, d: { ...c, symbol: 'NULL' } }
    const { influx, asked } = influxDb(...chunksOf(csv))
    kafkaTest(({ topic, expectOutput, expectNacks }) => {
      const prices = topic('0: (abcd)', orders, skip).pipe(
        enrichFromInflux(influx, priceAt, options),
        mapValue(({ price }) => price),
        ack(),
      )
      expectOutput(prices).toBe('(xy)', { x: 1.5, y: 7 })
      const text = 'Expected field "price" of measurement "m" to be a number, got'
      expectNacks('0: (cd)', { c: `${text} true`, d: `${text} null` })
    })()
    expect(asked.map(({ path }) => path)).toEqual(['/api/v2/query?org=o'])
    expect(asked[0]?.body).toMatchObject({ type: 'flux', dialect: { header: true, annotations: ['datatype'] } })
  })

  it.each([
    [{ bucket: '' }, 'Expected `bucket` to be a string that is not empty, got `` (string)'],
    [{ org: undefined }, 'Expected `org` to be a string that is not empty'],
    [{ into: '' }, 'Expected `into` to be a key or a function, got `` (string)'],
    [{ lookback: -1 }, 'Expected `lookback` to be a number of ms >= 0, got `-1` (number)'],
    [
      { lookback: Number.POSITIVE_INFINITY },
      'Expected `lookback` to be a finite number of ms, got `Infinity` (number)',
    ],
    [{ maxAge: '1h' }, 'Expected `maxAge` to be a number of ms >= 0, got `1h` (string)'],
    [{ lookback: 5, maxAge: 6 }, 'Expected `maxAge` to be at most lookback: InfluxDB looks no further back, got `6`'],
    [{ onMiss: 'skip' }, "Expected `onMiss` to be 'null', 'drop', 'nack' or { default }, got `skip` (string)"],
    [{ cache: { max: 0 } }, 'Expected `cache.max` to be an integer >= 1, got `0` (number)'],
    [{ concurrency: 0 }, 'Expected `concurrency` to be an integer >= 1'],
    [{ batch: { max: 0 } }, 'Expected `batch.max` to be an integer >= 1'],
  ])('refuses a wrong option at once: %o', (option, text) => {
    expect(() => enrichFromInflux(() => EMPTY, priceAt, { ...options, ...option } as typeof options)).toThrow(text)
  })

  it('takes an InfluxDB of the client, and types its result', () => {
    const influx = new InfluxDB({ url: 'http://127.0.0.1:1', token: 't' })
    expectTypeOf(influx).toExtend<InfluxLike>()
    expectTypeOf<(flux: string) => Promise<FluxRow[]>>().toExtend<FluxQuery>()
    const messages: Observable<Message<Order>> = EMPTY
    const key = () =>
      messages.pipe(
        enrichFromInflux(influx, (o) => ({ measurement: 'm', field: 'f', tags: { symbol: o.symbol }, at: o.at }), {
          ...from,
          into: 'market_price',
        }),
      )
    expectTypeOf(key).returns.toEqualTypeOf<Observable<Message<Order & { market_price: number | null }>>>()
    const drop = () => messages.pipe(enrichFromInflux(influx, priceAt, { ...from, into: 'p', onMiss: 'drop' }))
    expectTypeOf(drop).returns.toEqualTypeOf<Observable<Message<Order & { p: number }>>>()
    const orZero = () =>
      messages.pipe(enrichFromInflux(influx, priceAt, { ...from, into: 'p', onMiss: { default: 0 } }))
    expectTypeOf(orZero).returns.toEqualTypeOf<Observable<Message<Order & { p: number }>>>()
    const quote = () =>
      messages.pipe(
        enrichFromInflux(influx, (o) => ({ measurement: 'm', field: ['bid', 'ask'], tags: {}, at: o.at }), {
          ...{ ...from, into: 'quote', onMiss: 'nack' },
        }),
      )
    type Quote = { readonly bid: number | null; readonly ask: number | null }
    expectTypeOf(quote).returns.toEqualTypeOf<Observable<Message<Order & { quote: Quote }>>>()
    const put = () =>
      messages.pipe(
        enrichFromInflux(influx, priceAt, { ...from, into: (o, found) => [o.id, found?.value ?? 0] as const }),
      )
    expectTypeOf(put).returns.toEqualTypeOf<Observable<Message<readonly [string, number]>>>()
  })
})
