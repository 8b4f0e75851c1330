import { fakeInflux } from 'rxjs-kafka-toolkit/testing'
import { describe, expect, it } from 'vitest'
import { checkOrderQuality } from '../../examples/checkOrderQuality.ts'
import { marbles } from '../support/marbles.ts'
import { exampleKafka } from './exampleKafka.ts'
import { order, orderJson } from './orders.ts'

const market = { org: 'org', bucket: 'marketdata' }
const topics = ['orders', 'quality_topic']
const json = { a: orderJson('a'), b: orderJson('b', { symbol: 'BOLT' }) }
const price = {
  measurement: 'marketdata',
  tags: { symbol: 'ACME' },
  fields: { price: 12.5 },
  at: new Date('2026-01-05T14:29:59Z'),
}
const priced = {
  a: { ...order('a'), market_price: 12.5 },
  b: { ...order('b', { symbol: 'BOLT' }), market_price: null },
}

describe('checkOrderQuality', () => {
  it(
    'puts the market price beside each order, or null, and commits once that is written',
    marbles((helpers) => {
      const { kafka, commits, write, read } = exampleKafka(helpers, topics)
      write('orders', '  -a 299ms b', json)
      const expected = ' ---a 299ms b'
      const committed = '---1 299ms 2'
      const influx = fakeInflux(helpers.scheduler).takes(2)
      influx.write('marketdata', [price])
      const pipeline = checkOrderQuality(kafka, influx, market)
      helpers.expectObservable(pipeline, '^ 500ms !').toBe(expected, priced)
      helpers.expectObservable(commits).toBe(committed, [0, 1, 2])
      helpers.flush()
      expect(read('quality_topic')).toEqual([
        { key: 'a', value: { ...json.a, market_price: 12.5 } },
        { key: 'b', value: { ...json.b, market_price: null } },
      ])
    }),
  )

  it(
    'stops at a wrong token, says so, and commits nothing of the order',
    marbles((helpers) => {
      const { kafka, memory, write, read } = exampleKafka(helpers, topics)
      const influx = fakeInflux(helpers.scheduler)
      influx.replies('--#', { '#': influx.errors.fatal })
      write('orders', '  -a', json)
      let failure: unknown
      checkOrderQuality(kafka, influx, market).subscribe({ error: (error) => (failure = error) })
      helpers.flush()
      expect(String(failure)).toContain('unauthorized access')
      expect(memory.committed('order-quality', 'orders')).toEqual(new Map([[0, 0]]))
      expect(read('quality_topic')).toEqual([])
    }),
  )
})
