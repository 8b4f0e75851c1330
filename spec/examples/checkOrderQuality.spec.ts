import { kafkaTest } from 'rxjs-kafka-toolkit/testing'
import { describe, expect, it } from 'vitest'
import { checkOrderQuality } from '../../examples/checkOrderQuality.ts'
import { order, orderJson } from './orders.ts'
import { written } from './written.ts'

const market = { org: 'org', bucket: 'marketdata' }
const bolt = { symbol: 'BOLT' }
const early = { timestamp: '2026-01-05T14:29:59.999Z' }
const values = { a: orderJson('a'), b: orderJson('b', bolt), c: orderJson('c', early) }
const price = (at: string, value: number, symbol = 'ACME') => ({
  measurement: 'marketdata',
  tags: { symbol },
  fields: { price: value },
  at: new Date(at),
})
/** One at the very instant of the orders, which one a millisecond before it does not see; and one after it. */
const prices = [
  price('2026-01-05T14:29:00Z', 12.5),
  price('2026-01-05T14:30:00Z', 13),
  price('2026-01-05T14:30:00.001Z', 99),
]
const priced = {
  a: { ...order('a'), market_price: 13 },
  b: { ...order('b', bolt), market_price: null },
  c: { ...order('c'), timestamp: new Date(early.timestamp), market_price: 12.5 },
}
const sent = {
  a: { ...values.a, market_price: 13 },
  b: { ...values.b, market_price: null },
  c: { ...values.c, market_price: 12.5 },
}
const symbols = { a: 'ACME', b: 'BOLT' }

describe('checkOrderQuality', () => {
  it(
    'puts the price at or before its time beside each order, or null, and commits once that is written',
    kafkaTest(({ topic, kafka, influx, expectOutput, expectSent, expectCommits, flush }) => {
      topic('orders', '-a 299ms b 299ms c', values)
      topic('quality_topic', '0:')
      influx.takes(2).write('marketdata', prices)
      expectOutput(checkOrderQuality(kafka, influx, market)).toBe('---a 299ms b 299ms c', priced)
      expectSent('quality_topic').toBe('                           ---a 299ms b 299ms c', sent)
      expectCommits('                                   orders[0]: ---1 299ms 2 299ms 3')
      flush()
      expect(written(kafka, 'quality_topic')).toEqual([
        { key: 'a', value: sent.a },
        { key: 'b', value: sent.b },
        { key: 'c', value: sent.c },
      ])
    }),
  )

  it(
    'stops at a wrong token, says so, and commits nothing of the order',
    kafkaTest(({ topic, kafka, influx, expectOutput, expectSent, expectCommits }) => {
      topic('orders', '0: -a', values)
      topic('quality_topic', '0:')
      influx.replies('--#', { '#': influx.errors.fatal })
      expectOutput(checkOrderQuality(kafka, influx, market)).toBe('---#', {}, 'unauthorized access')
      expectSent('quality_topic').toBe('')
      expectCommits('                                   orders[0]: ---0')
    }),
  )

  it(
    'waits while InfluxDB is away: nothing is lost, and nothing behind the order commits',
    kafkaTest(({ topic, kafka, influx, expectOutput, expectCalls, expectCommits }) => {
      topic('orders', '0: ab', values)
      topic('quality_topic', '0:')
      influx.write('marketdata', prices)
      influx.replies({ ACME: ['-#', '-(r|)'], BOLT: '-(r|)' })
      // The jitter of the first wait is 126 ms here, each time.
      expectOutput(checkOrderQuality(kafka, influx, market)).toBe('--b 125ms a', priced)
      expectCalls(influx).toBe('                                   ab 125ms a', symbols)
      expectCommits('                                   orders[0]: --- 125ms 2')
    }),
  )

  it(
    'writes an order again, under its key, when a crash comes before its commit',
    kafkaTest(({ topic, kafka, influx, expectOutput, expectSent, expectRedeliveries, expectCommits, flush }) => {
      topic(
        'orders',
        `
          0:   a-b
          ctl: ---- 20ms X
        `,
        values,
      )
      topic('quality_topic', '0:')
      influx.takes(1).write('marketdata', prices)
      expectOutput(checkOrderQuality(kafka, influx, market)).toBe('-a-b 21ms b', priced)
      expectSent('quality_topic').toBe('                           -a-b 21ms b', sent)
      expectRedeliveries('                              orders[0]: ---- 20ms b')
      expectCommits('                                   orders[0]: -1-- 21ms 2')
      flush()
      expect(written(kafka, 'quality_topic').map(({ key }) => key)).toEqual(['a', 'b', 'b'])
    }),
  )

  it(
    'looks an order up again that a crash has cut off, and writes it once',
    kafkaTest(({ topic, kafka, influx, expectOutput, expectCalls, expectSent, expectCommits }) => {
      topic(
        'orders',
        `
          0:   a
          ctl: -X
        `,
        values,
      )
      topic('quality_topic', '0:')
      influx.takes(2).write('marketdata', prices)
      expectOutput(checkOrderQuality(kafka, influx, market)).toBe('---a', priced)
      expectCalls(influx).toBe('                                   aa', symbols)
      expectSent('quality_topic').toBe('                           ---a', sent)
      expectCommits('                                   orders[0]: ---1')
    }),
  )

  it(
    'finishes and commits what is under way before its partitions go to another, and goes on when they are back',
    kafkaTest(({ topic, kafka, influx, expectOutput, expectSent, expectCommits }) => {
      topic(
        'orders',
        `
          0:   a--c
          1:   -b
          ctl: --R 10ms A
        `,
        values,
      )
      topic('quality_topic', '0:')
      influx.takes(4).write('marketdata', prices)
      expectOutput(checkOrderQuality(kafka, influx, market)).toBe('----ab 11ms c', priced)
      expectSent('quality_topic').toBe('                           ----ab 11ms c', sent)
      expectCommits(`
        orders[0]: -----1 199ms 2
        orders[1]: -----1
      `)
    }),
  )

  it(
    'finishes and commits what is under way at SIGTERM, and looks nothing more up',
    kafkaTest(({ topic, kafka, influx, expectOutput, expectCalls, expectSent, expectCommits }) => {
      topic(
        'orders',
        `
          0:   ab-c
          ctl: --S
        `,
        values,
      )
      topic('quality_topic', '0:')
      influx.takes(4).write('marketdata', prices)
      expectOutput(checkOrderQuality(kafka, influx, market)).toBe('----a(b|)', priced)
      expectCalls(influx).toBe('                                   ab', symbols)
      expectSent('quality_topic').toBe('                           ----ab', sent)
      expectCommits('                                   orders[0]: -----2')
    }),
  )
})
