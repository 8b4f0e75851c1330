import { InfluxDB } from '@influxdata/influxdb-client'
import fc from 'fast-check'
import { EMPTY, NEVER, type Observable, of, throwError } from 'rxjs'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { ack } from '../../lib/ack.ts'
import { errorClassOf, MissError } from '../../lib/errors.ts'
import type { Message } from '../../lib/message.ts'
import { marbleMessages } from '../../lib/testing/marbleMessages.ts'
import { mapValue } from '../../lib/values.ts'
import {
  enrichFromInflux,
  type FluxQuery,
  type FluxRow,
  type InfluxLike,
  type InfluxLookup,
  type InfluxPoint,
} from '../../operators/enrichFromInflux/enrichFromInflux.ts'
import { marbles } from '../support/marbles.ts'
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
const priceAt = ({ symbol, at }: Order): InfluxLookup => ({ measurement: 'm', field: 'price', tags: { symbol }, at })
const rfc = (ns: number) => `1970-01-01T00:00:00.${String(ns).padStart(9, '0')}Z`
const row = (symbol: string, ns: number, price: unknown): FluxRow => ({
  ...{ _measurement: 'm', _field: 'price', symbol },
  ...{ _time: rfc(ns), _value: price },
})
const rows = [row('A', 10, 1), row('A', 25, 3), row('B', 5, 2)]
const priced = { x: { ...a, price: 1 }, y: { ...b, price: 2 }, z: { ...c, price: 3 } }
const from = { org: 'o', bucket: 'b' }
const options = { ...from, into: 'price' } as const
const one = { ...options, batch: { max: 1 } }
const steady = { jitter: 'none', delay: 4 } as const
const httpError = (statusCode: number, message: string, retryAfter = 0) =>
  Object.assign(new Error(message), { statusCode, retryAfter: () => retryAfter })

/** Answers each query by `answer`, and keeps what it was asked. */
function influxOf(answer: (call: number, flux: string) => Observable<readonly FluxRow[]>) {
  const asked: { flux: string; org: string; signal: AbortSignal }[] = []
  const influx: FluxQuery = (flux, with_) => answer(asked.push({ flux, ...with_ }), flux)
  return { influx, asked }
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
    marbles(({ scheduler, cold, expectObservable }) => {
      const reply = '   --(r|)'
      const source = '  a-------b---|'
      const expected = '--x-------y-|'
      const { influx } = influxOf(() => cold(reply, { r: rows }))
      const { messages, acks } = marbleMessages(scheduler, source, values, bySymbol)
      expectObservable(messages.pipe(enrichFromInflux(influx, priceAt, one), ack())).toBe(expected, priced)
      expectObservable(acks).toBe('--a-------b')
    }),
  )

  it('asks one query for a batch, and finds for each its own', () => {
    const { influx, asked } = influxOf(() => of(rows))
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, '(abc|)', values, bySymbol)
      expectObservable(messages.pipe(enrichFromInflux(influx, priceAt, options), ack())).toBe('(xyz|)', priced)
    })()
    expect(asked.map(({ flux, org }) => [org, flux])).toEqual([
      [
        'o',
        [
          `f0 = (r) => r["_measurement"] == "m" and r["_field"] == "price" and ((r["symbol"] == "A") or (r["symbol"] == "B"))`,
          `from(bucket: "b") |> range(start: time(v: -2591999999999990), stop: time(v: 11)) |> filter(fn: f0) |> last() |> yield(name: "last0")`,
          `from(bucket: "b") |> range(start: time(v: 11), stop: time(v: 31)) |> filter(fn: f0) |> keep(columns: ["_time", "_value", "_measurement", "_field", "symbol"]) |> yield(name: "then0")`,
        ].join('\n'),
      ],
    ])
  })

  it('asks for instants far apart one by one, in one query', () => {
    const { influx, asked } = influxOf(() => of(rows))
    const far = { a, b: { ...b, at: 10n ** 15n } }
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, '(ab|)', far)
      expectObservable(messages.pipe(enrichFromInflux(influx, priceAt, options), ack())).toBe('(xy|)', {
        x: priced.x,
        y: { ...far.b, price: 2 },
      })
    })()
    expect(asked).toHaveLength(1)
    expect(asked[0]?.flux.match(/yield\(name: "\w+"/g)).toEqual(['yield(name: "last0"', 'yield(name: "last1"'])
  })

  it('asks more values at once while answers have few, and fewer while they have many', () => {
    const spread = [0n, 3n, 6n, 9n].map((s) => ({ ...a, at: s * 1_000_000_000n }))
    const source = Object.fromEntries([...'abcdefgh'].map((letter, i) => [letter, spread[i % 4] as Order]))
    const many = Array.from({ length: 500 }, (_, i) => row('A', i, i))
    const { influx, asked } = influxOf((call) => of(call < 5 ? [] : many))
    marbles(({ scheduler, expectObservable }) => {
      const letters = '(abcdabcdabcdabcdabcdabcdabcdabcd|)'
      const { messages, acks } = marbleMessages(scheduler, letters, source)
      const enrich = enrichFromInflux(influx, priceAt, {
        ...options,
        onMiss: 'drop',
        concurrency: 1,
        batch: { max: 4 },
      })
      expectObservable(
        messages.pipe(
          enrich,
          mapValue(() => '.'),
          ack(),
        ),
      ).toBe('(................|)')
      expectObservable(acks).toBe('(abcdabcdabcdabcdabcdabcdabcdabcd)')
    })()
    expect(asked.map(({ flux }) => flux.match(/last\(\)/g)?.length)).toEqual([4, 4, 2, 2, 1, 4, 4, 4])
  })

  it(
    'has as many queries under way as `concurrency` says, and keeps the order of a key',
    marbles(({ scheduler, cold, expectObservable }) => {
      const replies = ['-----(r|)', '--(r|)', '---(r|)'] // of a, of b, and of c, which has the key of a
      const source = '  (abc|)'
      const expected = '--y--x--(z|)'
      const { influx } = influxOf((call) => cold(replies[call - 1] as string, { r: rows }))
      const { messages, acks } = marbleMessages(scheduler, source, values, bySymbol)
      expectObservable(messages.pipe(enrichFromInflux(influx, priceAt, one), ack())).toBe(expected, priced)
      expectObservable(acks).toBe('--b--a--c')
    }),
  )

  it(
    'gives null where nothing was found, or drops and acks it',
    marbles(({ scheduler, expectObservable }) => {
      const { influx } = influxOf(() => of([row('B', 5, 2), row('A', 31, 9)]))
      const passed = marbleMessages(scheduler, '(ab|)', values)
      const miss = { x: { ...a, price: null }, y: priced.y }
      expectObservable(passed.messages.pipe(enrichFromInflux(influx, priceAt, options), ack())).toBe('(xy|)', miss)
      const dropped = marbleMessages(scheduler, '(ab|)', values)
      const drop = enrichFromInflux(influx, priceAt, { ...options, onMiss: 'drop' })
      expectObservable(dropped.messages.pipe(drop, ack())).toBe('(y|)', miss)
      expectObservable(dropped.acks).toBe('(ab)')
    }),
  )

  it(
    'gives a default where nothing was found, or nacks it and says what it looked for',
    marbles(({ scheduler, expectObservable }) => {
      const { influx } = influxOf(() => of([row('B', 5, 2)]))
      const passed = marbleMessages(scheduler, '(ab|)', values)
      const zero = enrichFromInflux(influx, priceAt, { ...options, onMiss: { default: 0 } })
      expectObservable(passed.messages.pipe(zero, ack())).toBe('(xy|)', { x: { ...a, price: 0 }, y: priced.y })
      const nacked = marbleMessages(scheduler, '(ab|)', values)
      const nack = enrichFromInflux(influx, priceAt, { ...options, onMiss: 'nack' })
      expectObservable(nacked.messages.pipe(nack, ack())).toBe('(y|)', priced)
      const asked =
        'field "price" of measurement "m" with symbol="A" at or before 1970-01-01T00:00:00.000000010Z in bucket "b"'
      const text = `enrichFromInflux found nothing for ${asked}; nothing lies within the 2592000000 ms of lookback`
      expectObservable(nacked.nacks).toBe('a', { a: `a: ${text}` })
    }),
  )

  it(
    'waits for a value that comes late when a miss is called transient, and not for ever',
    marbles(({ scheduler, expectObservable }) => {
      const { influx } = influxOf((call) => of(call < 3 ? [] : [row('A', 10, 1)]))
      const { messages, nacks } = marbleMessages(scheduler, 'ab-------------|', values)
      const waiting = enrichFromInflux(influx, priceAt, {
        ...{ ...one, onMiss: 'nack', totalTimeout: 10, retry: steady },
        classify: (error) => (error instanceof MissError ? 'transient' : errorClassOf(error)),
      })
      expectObservable(messages.pipe(waiting, ack())).toBe('----x----------|', priced)
      const text = 'b: enrichFromInflux gave up after 2 tries in 10 ms: enrichFromInflux found nothing'
      expectObservable(nacks).toBe('-----------b', { b: expect.stringContaining(text) })
    }),
  )

  it(
    'takes a value that is older than `maxAge` for a miss, and says how old it is',
    marbles(({ scheduler, expectObservable }) => {
      const { influx } = influxOf(() => of(rows))
      const { messages, nacks } = marbleMessages(scheduler, '(bc|)', values)
      const young = enrichFromInflux(influx, priceAt, { ...options, maxAge: 1e-5, onMiss: 'nack' })
      expectObservable(messages.pipe(young, ack())).toBe('(z|)', priced)
      const latest = 'the latest value is of 1970-01-01T00:00:00.000000005Z, older than the 0.00001 ms of maxAge'
      expectObservable(nacks).toBe('b', { b: expect.stringContaining(latest) })
    }),
  )

  it('finds several fields in one query, each with its own latest value', () => {
    const fields = (ns: number, field: string, value: number) => ({ ...row('A', ns, value), _field: field })
    const { influx, asked } = influxOf(() => of([fields(10, 'bid', 1), fields(25, 'bid', 2), fields(24, 'ask', 3)]))
    const quoteAt = (order: Order) => ({ ...priceAt(order), field: ['bid', 'ask'] as const })
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, '(abc|)', values)
      const quote = enrichFromInflux(influx, quoteAt, { ...from, into: 'quote' })
      expectObservable(messages.pipe(quote, ack())).toBe('(xyz|)', {
        x: { ...a, quote: { bid: 1, ask: null } },
        y: { ...b, quote: null },
        z: { ...c, quote: { bid: 2, ask: 3 } },
      })
      const timed = marbleMessages(scheduler, '(c|)', values)
      const into = (_: Order, found: { bid: InfluxPoint | null } | null) => found?.bid?.time
      expectObservable(timed.messages.pipe(enrichFromInflux(influx, quoteAt, { ...from, into }), ack())).toBe('(t|)', {
        t: 25n,
      })
    })()
    expect(asked).toHaveLength(2)
    expect(asked[1]?.flux).toContain('r["_field"] == "bid"')
    expect(asked[1]?.flux).toContain('r["_field"] == "ask"')
  })

  it('asks the same look-up of several messages once', () => {
    const { influx, asked } = influxOf(() => of(rows))
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, '(aaa|)', values)
      expectObservable(messages.pipe(enrichFromInflux(influx, priceAt, options), ack())).toBe('(xxx|)', priced)
    })()
    expect(asked.map(({ flux }) => flux.match(/yield/g)?.length)).toEqual([1])
  })

  it('counts a value exactly as old as `lookback`, and none that is older', () => {
    const at = (ns: bigint) => ({ ...a, at: ns })
    const { influx } = influxOf(() => of([row('A', 10, 1)]))
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, '(ab|)', { a: at(1_000_010n), b: at(1_000_011n) })
      const enrich = enrichFromInflux(influx, priceAt, { ...options, lookback: 1 })
      expectObservable(
        messages.pipe(
          enrich,
          mapValue(({ price }) => price),
          ack(),
        ),
      ).toBe('(xy|)', { x: 1, y: null })
    })()
  })

  it(
    'puts what it found wherever a function says, with its time',
    marbles(({ scheduler, expectObservable }) => {
      const { influx } = influxOf(() => of([...rows, row('A', 25, 2)]))
      const { messages } = marbleMessages(scheduler, '(bc|)', values)
      const enrich = enrichFromInflux(influx, priceAt, { ...from, into: ({ id }, found) => ({ id, found }) })
      expectObservable(messages.pipe(enrich, ack())).toBe('(yz|)', {
        y: { id: 'b', found: { value: 2, time: 5n } },
        z: { id: 'c', found: { value: 3, time: 25n } },
      })
    }),
  )

  it(
    'nacks a message whose selector or `into` throws, and no other',
    marbles(({ scheduler, expectObservable }) => {
      const { influx } = influxOf(() => of(rows))
      const { messages, nacks } = marbleMessages(scheduler, '(abc|)', values)
      const failing = (order: Order) => {
        if (order === a) throw new Error('no symbol')
        return priceAt(order)
      }
      const into = ({ id }: Order, found: { value: number } | null) => {
        if (id === 'b') throw new Error('no place')
        return found?.value
      }
      expectObservable(messages.pipe(enrichFromInflux(influx, failing, { ...from, into }), ack())).toBe('(z|)', {
        z: 3,
      })
      expectObservable(nacks).toBe('(ab)', { a: 'a: no symbol', b: 'b: no place' })
    }),
  )

  it.each([
    ['a refused connection', Object.assign(new Error('no'), { code: 'ECONNREFUSED' }), '----x|'],
    ['429', httpError(429, 'slow down'), '----x|'],
    ['503 with Retry-After', httpError(503, 'later', 1), '1s x|'],
  ])('tries again after %s', (_, error, expected) => {
    marbles(({ scheduler, expectObservable }) => {
      const { influx } = influxOf((call) => (call === 1 ? throwError(() => error) : of(rows)))
      const { messages, acks } = marbleMessages(scheduler, 'a|', values)
      const enrich = enrichFromInflux(influx, priceAt, { ...one, retry: steady })
      expectObservable(messages.pipe(enrich, ack())).toBe(expected.replace('x|', '(x|)'), priced)
      expectObservable(acks).toBe(expected.replace('x|', 'a'))
    })()
  })

  it(
    'tries again when no answer comes in time, and tells the query to stop',
    marbles(({ scheduler, cold, expectObservable, expectSubscriptions, flush }) => {
      const silent = cold<readonly FluxRow[]>('-')
      const { influx, asked } = influxOf((call) => (call === 1 ? silent : of(rows)))
      const { messages } = marbleMessages(scheduler, 'a|', values)
      const enrich = enrichFromInflux(influx, priceAt, { ...one, timeout: 3, retry: steady })
      expectObservable(messages.pipe(enrich, ack())).toBe('-------(x|)', priced)
      expectSubscriptions(silent.subscriptions).toBe('^--!')
      flush()
      expect(asked.map(({ signal }) => signal.aborted)).toEqual([true, false])
    }),
  )

  it(
    'nacks only the message whose query is refused',
    marbles(({ scheduler, expectObservable }) => {
      const { influx } = influxOf((_, flux) =>
        flux.includes('"B"') ? throwError(() => httpError(400, 'compilation failed')) : of(rows),
      )
      const { messages, acks, nacks } = marbleMessages(scheduler, '(abc|)', values)
      expectObservable(messages.pipe(enrichFromInflux(influx, priceAt, options), ack())).toBe('(xz|)', priced)
      expectObservable(acks).toBe('(ac)')
      expectObservable(nacks).toBe('b', { b: 'b: Got a refusal from InfluxDB: compilation failed' })
    }),
  )

  it.each([
    [401, 'unauthorized', 'give the client a token that may read the bucket'],
    [403, 'forbidden', 'give the client a token that may read the bucket'],
    [404, 'could not find bucket "b"', 'check the options org and bucket'],
    [400, 'organization name "o" not found', 'check the options org and bucket'],
  ])('errors after %i %s', (status, said, advice) => {
    marbles(({ scheduler, expectObservable }) => {
      const { influx } = influxOf(() => throwError(() => httpError(status, said)))
      const { messages, nacks, abandoned } = marbleMessages(scheduler, '(ab)', values)
      const told = { name: 'FatalError', message: expect.stringContaining(`${said}; ${advice}`) }
      const errors = messages.pipe(enrichFromInflux(influx, priceAt, { ...options, batch: { max: 2 } }), ack())
      expectObservable(errors).toBe('#', undefined, expect.objectContaining(told))
      expectObservable(nacks).toBe('')
      expectObservable(abandoned).toBe('(ab)')
    })()
  })

  it.each([
    [
      'a certificate that is not trusted',
      Object.assign(new Error('self-signed'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }),
    ],
    ['a fault of the client', new TypeError('Invalid URL')],
  ])('errors after %s', (_, error) => {
    marbles(({ scheduler, expectObservable }) => {
      const { influx } = influxOf(() => throwError(() => error))
      const { messages } = marbleMessages(scheduler, 'a', values)
      const told = { name: 'FatalError', message: expect.stringContaining(error.message) }
      const errors = messages.pipe(enrichFromInflux(influx, priceAt, one), ack())
      expectObservable(errors).toBe('#', undefined, expect.objectContaining(told))
    })()
  })

  it(
    'leaves the class of a failure to `classify`',
    marbles(({ scheduler, expectObservable }) => {
      const { influx } = influxOf(() => throwError(() => httpError(503, 'later')))
      const { messages, nacks } = marbleMessages(scheduler, 'a|', values)
      const enrich = enrichFromInflux(influx, priceAt, { ...one, classify: () => 'permanent' })
      expectObservable(messages.pipe(enrich, ack())).toBe('-|')
      expectObservable(nacks).toBe('a', { a: 'a: Got a refusal from InfluxDB: later' })
    }),
  )

  it(
    'stops the query and gives its messages up when unsubscribed',
    marbles(({ scheduler, expectObservable, flush }) => {
      const { influx, asked } = influxOf(() => NEVER)
      const { messages, acks, nacks, abandoned } = marbleMessages(scheduler, 'a--b-', values)
      expectObservable(messages.pipe(enrichFromInflux(influx, priceAt, one), ack()), '^----!').toBe('------')
      expectObservable(abandoned).toBe('-----(ab)')
      expectObservable(acks).toBe('')
      expectObservable(nacks).toBe('')
      flush()
      expect(asked.map(({ signal }) => signal.aborted)).toEqual([true, true])
    }),
  )

  it('writes nothing but plain characters and bytes into a string, from which the text comes back', () => {
    holds(
      fc.record({ symbol: fc.string({ unit: 'binary' }), bucket: fc.string({ unit: 'binary', minLength: 1 }) }),
      ({ symbol, bucket }) => {
        const { influx, asked } = influxOf(() => of([]))
        const texts = { ...a, symbol }
        marbles(({ scheduler, flush }) => {
          const { messages } = marbleMessages(scheduler, 'a|', { a: texts })
          messages.pipe(enrichFromInflux(influx, priceAt, { ...one, bucket }), ack()).subscribe()
          flush()
        })()
        const literals = asked[0]?.flux.match(/"[^"]*"/g) ?? []
        for (const literal of literals) expect(literal).toMatch(/^"(?:[A-Za-z0-9_.:/ -]|\\x[0-9a-f]{2})*"$/)
        const read = literals.map((literal) =>
          Buffer.from(
            literal.slice(1, -1).replace(/\\x(..)/g, (_, hex) => String.fromCharCode(parseInt(hex, 16))),
            'latin1',
          ),
        )
        const textsRead = read.map((bytes) => bytes.toString())
        expect(textsRead).toEqual(['_measurement', 'm', '_field', 'price', 'symbol', symbol, bucket, 'last0'])
      },
      { runs: 300 },
    )
  })

  it('writes every character but plain ones as its bytes', () => {
    const { influx, asked } = influxOf(() => of([]))
    const select = (): InfluxLookup => ({
      measurement: 'm"',
      field: '$',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is data
      tags: { 'a\\': 'é\n${x}🚀', plain: 'A-b_c.d:e/f 9' },
      at: 0n,
    })
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, 'a|', values)
      expectObservable(
        messages.pipe(
          enrichFromInflux(influx, select, { ...one, bucket: 'b$"' }),
          mapValue(() => '.'),
          ack(),
        ),
      ).toBe('.|')
    })()
    expect(asked[0]?.flux).toContain(
      String.raw`r["_measurement"] == "m\x22" and r["_field"] == "\x24" and (r["a\x5c"] == "\xc3\xa9\x0a\x24\x7bx\x7d\xf0\x9f\x9a\x80" and r["plain"] == "A-b_c.d:e/f 9")`,
    )
    expect(asked[0]?.flux).toContain(String.raw`from(bucket: "b\x24\x22")`)
  })

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
    marbles(({ scheduler, expectObservable, flush }) => {
      const { influx, asked } = influxOf(() => of(rows))
      const { messages, nacks } = marbleMessages(scheduler, 'a|', values)
      const select = (order: Order) => ({ ...priceAt(order), ...part }) as InfluxLookup
      expectObservable(messages.pipe(enrichFromInflux(influx, select, one), ack())).toBe('-|')
      expectObservable(nacks).toBe('a', { a: expect.stringContaining(text) })
      flush()
      expect(asked).toEqual([])
    })()
  })

  it('reads the CSV of an InfluxDB, whatever its chunks, types and quotes', () => {
    const head = ',result,table,_time,_value,_measurement,_field,symbol\r\n'
    const types = (type: string) => `#datatype,string,long,dateTime:RFC3339,${type},string,string,string\r\n${head}`
    const csv = [
      `${types('double')},last0,0,${rfc(10)},1.5,m,price,A\r\n\r\n`,
      `${types('long')},last0,0,${rfc(5)},7,m,price,"q""u,o\r\nte\xc3\xa9"\r\n`,
      `,last0,1,${rfc(6)},,m,price,NULL\r\n\r\n${types('boolean')},last0,0,${rfc(5)},true,m,price,BOOL\r\n\r\n`,
    ].join('')
    const orders = { a, b: { ...b, symbol: 'q"u,o\r\nteé' }, c: { ...c, symbol: 'BOOL' }, d: { ...c, symbol: 'NULL' } }
    for (const chunks of [[csv], [...csv]]) {
      const { influx, asked } = influxDb(...chunks)
      marbles(({ scheduler, expectObservable }) => {
        const { messages, nacks } = marbleMessages(scheduler, '(abcd|)', orders)
        const prices = messages.pipe(
          enrichFromInflux(influx, priceAt, options),
          mapValue(({ price }) => price),
          ack(),
        )
        expectObservable(prices).toBe('(xy|)', { x: 1.5, y: 7 })
        const text = 'Expected field "price" of measurement "m" to be a number, got'
        expectObservable(nacks).toBe('(cd)', { c: `c: ${text} true`, d: `d: ${text} null` })
      })()
      expect(asked.map(({ path }) => path)).toEqual(['/api/v2/query?org=o'])
      expect(asked[0]?.body).toMatchObject({ type: 'flux', dialect: { header: true, annotations: ['datatype'] } })
    }
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
    const { influx } = influxOf(() => EMPTY)
    expect(() => enrichFromInflux(influx, priceAt, { ...options, ...option } as typeof options)).toThrow(text)
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
