import { describe, expect, it } from 'vitest'
import { ack } from '../../../../lib/ack.ts'
import { fakeInflux, type InfluxWrite, kafkaTest } from '../../../../lib/testing/index.ts'
import { enrichFromInflux } from '../../../../operators/index.ts'
import { influxSuite } from '../../../operators/influx.suite.ts'

influxSuite('the fake InfluxDB', async () => {
  const influx = fakeInflux()
  return {
    influx,
    org: 'org',
    bucket: 'marketdata',
    write: async (points) => influx.write('marketdata', points),
    failing: (how) => {
      const failing = fakeInflux()
      return failing.replies({ '*': '#' }, { '#': failing.errors[how] })
    },
  }
})

const T0 = 1_704_067_200_000
const values = { a: { symbol: 'A', at: T0 }, b: { symbol: 'B', at: T0 + 1 }, c: { symbol: 'C', at: T0 } }
const point = (symbol: string, value: number): InfluxWrite => ({
  measurement: 'marketdata',
  tags: { symbol },
  fields: { price: value },
  at: new Date(T0),
})
type Trade = (typeof values)['a']
const lookupOf = ({ symbol, at }: Trade) => ({
  measurement: 'marketdata',
  field: 'price',
  tags: { symbol },
  at: new Date(at),
})
const into = (_trade: Trade, found: { value: number } | null) => found?.value ?? null
const options = { org: 'org', bucket: 'marketdata', into, retry: { delay: 3, jitter: 'none' } } as const

describe('the fake InfluxDB in virtual time', () => {
  it(
    'replies with its own values, and with rows that are drawn',
    kafkaTest(({ topic, influx, expectOutput, expectCalls, flush }) => {
      const messages = topic('0: a-b-----c', values)
      influx.write('marketdata', [point('A', 1), point('B', 2)])
      const row = { _time: '2024-01-01T00:00:00Z', _value: 7, _measurement: 'marketdata', _field: 'price', symbol: 'A' }
      influx.takes(2).replies({ A: '---(x|)' }, { x: [row] })
      const enrich = enrichFromInflux(influx, lookupOf, { ...options, batch: { max: 1 } })
      expectOutput(messages.pipe(enrich, ack())).toBe('---xy-----n', { x: 7, y: 2, n: null })
      expectCalls(influx).toBe('                       A-B-----C')
      flush()
      expect(influx.log.map(({ name, at }) => [name, at])).toEqual([
        ['A', 0],
        ['B', 2],
        ['C', 8],
      ])
    }),
  )

  it(
    'has enrichFromInflux wait as a drawn 429 says',
    kafkaTest(({ topic, influx, expectOutput, expectCalls }) => {
      const messages = topic('0: a', values)
      influx.write('marketdata', [point('A', 1)])
      influx.replies('-#', { '#': influx.refusal(429, { retryAfter: 2 }) })
      const enrich = enrichFromInflux(influx, lookupOf, { ...options, batch: { max: 1 } })
      expectOutput(messages.pipe(enrich, ack())).toBe('- 2s x', { x: 1 })
      expectCalls(influx).toBe('                       a 2s a', { a: 'A' })
    }),
  )

  it('says what Flux it has not', () => {
    const told: string[] = []
    const influx = fakeInflux()
    influx.write('b', [])
    const query = 'from(bucket: "b") |> range(start: time(v: 0), stop: time(v: 1)) |> pivot()'
    return new Promise<void>((resolve) => {
      influx.transport.send(
        '/api/v2/query?org=o',
        JSON.stringify({ query }),
        {},
        {
          next: () => {},
          error: ({ message }) => resolve(void told.push(message)),
          complete: resolve,
        },
      )
    }).then(() =>
      expect(told).toEqual(['compilation failed: undefined identifier pivot, to the fake InfluxDB at least']),
    )
  })
})
