import { beforeAll, describe, expect, it } from 'vitest'
import type { InfluxWrite } from '../../lib/testing/index.ts'
import { fluxRows } from '../../operators/enrichFromInflux/csv.ts'
import { enrichFromInflux, type InfluxLike, type InfluxLookup } from '../../operators/index.ts'
import { throughOperator } from '../services/support/throughOperator.ts'

/** An InfluxDB that a suite may ask. */
export interface InfluxHarness {
  readonly influx: InfluxLike
  readonly org: string
  /** A bucket that no other spec uses. */
  readonly bucket: string
  write(points: readonly InfluxWrite[]): Promise<void>
  /** One that refuses whoever asks, or gives no answer. */
  failing(how: 'fatal' | 'lost'): InfluxLike
}

/** 2024-01-01T00:00:00Z */
const T0 = 1_704_067_200_000_000_000n
const SECOND = 1_000_000_000n
/** InfluxDB wants one type of a field within a week. */
const YEAR = 365n * 86_400n * SECOND

const price = (symbol: string, ns: bigint, value: InfluxWrite['fields'][string], tags = {}): InfluxWrite => ({
  measurement: 'marketdata',
  tags: { symbol, ...tags },
  fields: { price: value },
  at: T0 + ns,
})
const priceOf = (symbol: string, ns: bigint, tags = {}): InfluxLookup => ({
  measurement: 'marketdata',
  field: 'price',
  tags: { symbol, ...tags },
  at: T0 + ns,
})

const HOSTILE = [
  'a"b',
  'a\\"b',
  '$',
  '$"',
  '$\\x',
  '") |> drop()',
  ' or true) //',
  'a b,c=d',
  'é漢字🚀',
  '#datatype',
  'a,b',
  '{{x}}',
  '\\x41',
]

/** What an InfluxDB does behind a client: the fake one, and a real one. */
export function influxSuite(name: string, setup: () => Promise<InfluxHarness>): void {
  describe(name, () => {
    let on: InfluxHarness
    beforeAll(async () => {
      on = await setup()
      await on.write([
        price('NS', 0n, 1),
        price('NS', 7n, 2),
        price('MANY', 0n, 1, { exchange: 'x' }),
        price('MANY', 1n, 2, { exchange: 'y' }),
        price('MANY', 2n, 3, { exchange: 'z', currency: 'EUR' }),
        price('MANY', 4n, 4, { exchange: 'x' }),
        price('MANY', 4n, 9, { exchange: 'y' }),
        { measurement: 'other', tags: { symbol: 'MANY' }, fields: { price: 100, ask: 7n }, at: T0 },
        price('TEXT', YEAR, 'high, "higher"'),
        price('TWICE', 0n, 1),
        price('TWICE', 0n, 2),
        ...HOSTILE.map((symbol, i) => price(symbol, 0n, i)),
      ])
    })

    /** What a query answers, as rows; its error when it fails. */
    const ask = (flux: string, influx = on.influx) =>
      new Promise<ReturnType<typeof fluxRows>>((resolve, reject) => {
        const chunks: Uint8Array[] = []
        const query = JSON.stringify({
          query: flux,
          type: 'flux',
          dialect: { header: true, annotations: ['datatype'] },
        })
        const headers = { 'content-type': 'application/json', accept: 'application/csv' }
        influx.transport.send(
          `/api/v2/query?org=${on.org}`,
          query,
          { method: 'POST', headers },
          {
            next: (chunk) => {
              chunks.push(chunk)
            },
            error: reject,
            complete: () => resolve(fluxRows(Buffer.concat(chunks).toString())),
          },
        )
      })
    const from = (start: bigint, stop: bigint) =>
      `from(bucket: "${on.bucket}") |> range(start: time(v: ${T0 + start}), stop: time(v: ${T0 + stop}))`
    const many = '|> filter(fn: (r) => r["symbol"] == "MANY" and r._measurement == "marketdata")'
    const valuesOf = async (flux: string) => (await ask(flux)).map(({ _value }) => _value).sort()

    it('answers with the columns of each row', async () => {
      const rows = await ask(`${from(0n, SECOND / 2n)} |> filter(fn: (r) => r.exchange == "z")`)
      expect(rows).toEqual([
        {
          result: '_result',
          table: 0,
          _start: '2024-01-01T00:00:00Z',
          _stop: '2024-01-01T00:00:00.5Z',
          _time: '2024-01-01T00:00:00.000000002Z',
          _value: 3,
          _field: 'price',
          _measurement: 'marketdata',
          currency: 'EUR',
          exchange: 'z',
          symbol: 'MANY',
        },
      ])
    })

    it('includes the start of a range, and not its stop', async () => {
      expect(await valuesOf(`${from(0n, 4n)} ${many}`)).toEqual([1, 2, 3])
      expect(await valuesOf(`${from(1n, 5n)} ${many}`)).toEqual([2, 3, 4, 9])
    })

    it.each([
      ['r.exchange != "x"', [2, 3, 9]],
      ['exists r.currency', [3]],
      ['r.currency == "EUR" or r["exchange"] == "x"', [1, 3, 4]],
      ['(r.exchange == "x" or r.exchange == "y") and r._value > 3.0', [4, 9]],
      ['r._value >= 2.0 and r._value < 4.0', [2, 3]],
      ['r.nothing == ""', []],
      ['r.nothing != "a"', [1, 2, 3, 4, 9]],
      ['r.symbol == 1', []],
    ])('keeps the rows for which %s', async (condition, expected) => {
      expect(await valuesOf(`${from(0n, 9n)} ${many} |> filter(fn: (r) => ${condition})`)).toEqual(expected)
    })

    it('names functions and results', async () => {
      const named = `f = (r) => r.symbol == "NS"\n${from(0n, 9n)} |> filter(fn: f) |> last() |> yield(name: "one")`
      const rows = await ask(`${named}\n${from(0n, 5n)} |> filter(fn: f) |> yield(name: "two")`)
      // InfluxDB gives several results in whatever order they are ready.
      expect(new Map(rows.map(({ result, _value }) => [result, _value]))).toEqual(
        new Map([
          ['one', 2],
          ['two', 1],
        ]),
      )
      expect(rows).toHaveLength(2)
    })

    it('takes the last of each series, or of all in a group', async () => {
      expect(await valuesOf(`${from(0n, 9n)} ${many} |> last()`)).toEqual([3, 4, 9])
      const latest = '|> group() |> sort(columns: ["_time", "_value"]) |> last()'
      expect(await valuesOf(`${from(0n, 9n)} ${many} |> last() ${latest}`)).toEqual([9])
      expect(await valuesOf(`${from(0n, 9n)} ${many} |> first()`)).toEqual([1, 2, 3])
    })

    it('keeps the columns that are named', async () => {
      const rows = await ask(`${from(0n, 2n)} ${many} |> keep(columns: ["_time", "_value", "exchange", "nothing"])`)
      const sorted = rows.map(({ table, ...row }) => row).sort(({ _value: a }, { _value: b }) => Number(a) - Number(b))
      expect(sorted).toEqual([
        { result: '_result', _time: '2024-01-01T00:00:00Z', _value: 1, exchange: 'x' },
        { result: '_result', _time: '2024-01-01T00:00:00.000000001Z', _value: 2, exchange: 'y' },
      ])
    })

    it('makes one of the tables that differ only in columns that are not kept', async () => {
      const kept = `${from(0n, 9n)} ${many} |> keep(columns: ["_time", "_value", "currency"])`
      expect(await valuesOf(`${kept} |> sort(columns: ["_time", "_value"]) |> last()`)).toEqual([3, 9])
    })

    it('keeps whole numbers and text as they were written, and the last of what was written twice', async () => {
      const of = (symbol: string, ns = 0n) => `${from(ns, ns + 9n)} |> filter(fn: (r) => r.symbol == "${symbol}")`
      expect(await valuesOf(of('TEXT', YEAR))).toEqual(['high, "higher"'])
      expect(await valuesOf(of('TWICE'))).toEqual([2])
      expect(await valuesOf(`${from(0n, 9n)} |> filter(fn: (r) => r._field == "ask")`)).toEqual([7])
    })

    it.each([
      ['a query that is none', () => `${from(0n, 9n)} |> filter(fn: (r) => )`, 400],
      ['what it does not know', () => `${from(0n, 9n)} |> nonsense()`, 400],
      ['an empty range', () => `${from(9n, 9n)} |> last()`, 400],
      ['a bucket that is not there', () => from(0n, 9n).replace(on.bucket, 'no-such-bucket'), 404],
    ])('refuses %s', async (_, flux, statusCode) => {
      await expect(ask(flux())).rejects.toMatchObject({ name: 'HttpError', statusCode })
    })

    it('refuses who may not ask, and says so in the words of HTTP', async () => {
      const asked = ask(from(0n, 9n), on.failing('fatal'))
      await expect(asked).rejects.toMatchObject({ name: 'HttpError', statusCode: 401, code: 'unauthorized' })
    })

    describe('under enrichFromInflux', () => {
      const settle = (lookups: readonly InfluxLookup[], options: object = {}, influx = on.influx) => {
        const all = { org: on.org, bucket: on.bucket, into: 'price', retry: { attempts: 1 }, ...options } as const
        return throughOperator(
          lookups,
          enrichFromInflux(influx, (lookup: InfluxLookup) => lookup, all),
        )
      }
      const pricesOf = async (lookups: readonly InfluxLookup[], options: object = {}) => {
        const { values, acked, error, nacked } = await settle(lookups, options)
        expect([error, [...nacked]]).toEqual([undefined, []])
        const prices: unknown[] = []
        for (const [i, { price }] of values.entries()) prices[acked[i] as number] = price
        return prices
      }

      it('finds the latest value at or before an instant', async () => {
        const instants = [-1n, 0n, 1n, 6n, 7n, 8n, SECOND]
        const expected = [null, 1, 1, 1, 2, 2, 2]
        expect(await pricesOf(instants.map((ns) => priceOf('NS', ns)))).toEqual(expected)
        for (const [i, ns] of instants.entries()) expect(await pricesOf([priceOf('NS', ns)])).toEqual([expected[i]])
      })

      it('finds the latest over all series that have the tags', async () => {
        const instants = [0n, 1n, 2n, 3n, 4n, 5n]
        const of = (tags: Record<string, string>) => pricesOf(instants.map((ns) => priceOf('MANY', ns, tags)))
        expect(await of({})).toEqual([1, 2, 3, 3, 9, 9])
        expect(await of({ exchange: 'x' })).toEqual([1, 1, 1, 1, 4, 4])
        expect(await of({ exchange: 'z', currency: 'EUR' })).toEqual([null, null, 3, 3, 3, 3])
      })

      it('looks as far back as it is told', async () => {
        const lookups = [0n, 60n * SECOND, 60n * SECOND + 1n].map((ns) => priceOf('TWICE', ns))
        expect(await pricesOf(lookups, { lookback: 60_000 })).toEqual([2, 2, null])
      })

      it('finds a symbol by its characters, whatever they are', async () => {
        expect(await pricesOf(HOSTILE.map((symbol) => priceOf(symbol, 0n)))).toEqual(HOSTILE.map((_, i) => i))
      })

      it('finds the same for scattered instants of many series as a computation does', async () => {
        const step = 10n * SECOND
        const symbols = Array.from({ length: 10 }, (_, s) => `S${s}`)
        await on.write(
          symbols.flatMap((symbol, s) =>
            Array.from({ length: 50 }, (_, i) => price(symbol, BigInt(i) * step + BigInt(s), s * 1000 + i)),
          ),
        )
        const instants = Array.from(
          { length: 300 },
          (_, i) => ((BigInt(i) * 7919n) % 600n) * SECOND - step + BigInt(i % 20),
        )
        const expected = instants.map((ns, i) => {
          const last = (ns - BigInt(i % 10)) / step
          return ns < BigInt(i % 10) ? null : (i % 10) * 1000 + Number(last > 49n ? 49n : last)
        })
        expect(await pricesOf(instants.map((ns, i) => priceOf(`S${i % 10}`, ns)))).toEqual(expected)
      })

      it('has the message nacked whose value is no number, and no other', async () => {
        const { acked, nacked } = await settle([priceOf('NS', 0n), priceOf('TEXT', YEAR), priceOf('MANY', 0n)])
        expect([acked, [...nacked.keys()]]).toEqual([[0, 2], [1]])
      })

      it('ends the stream when the bucket is not there, and when it may not ask', async () => {
        const missing = await settle([priceOf('NS', 0n)], { bucket: 'no-such-bucket' })
        expect(missing.error?.message).toContain(
          'could not find bucket "no-such-bucket"; check the options org and bucket',
        )
        const refused = await settle([priceOf('NS', 0n)], {}, on.failing('fatal'))
        expect(refused.error?.message).toContain('give the client a token that may read the bucket')
      })

      it('fails transiently when there is no answer', async () => {
        const { nacked } = await settle([priceOf('NS', 0n)], {}, on.failing('lost'))
        const gaveUp = /^PermanentError: enrichFromInflux gave up after 1 tries: Got no answer from InfluxDB: /
        expect(String(nacked.get(0))).toMatch(gaveUp)
      })
    })
  })
}
