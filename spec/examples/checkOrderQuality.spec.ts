import type { FluxQuery, FluxRow } from 'rxjs-kafka-toolkit/operators'
import { describe, expect, it } from 'vitest'
import { checkOrderQuality } from '../../examples/checkOrderQuality.ts'
import { marbles, type TestHelpers } from '../support/marbles.ts'
import { exampleKafka } from './exampleKafka.ts'
import { order, orderJson } from './orders.ts'

const market = { org: 'org', bucket: 'marketdata' }
const topics = ['orders', 'quality_topic']
const json = { a: orderJson('a'), b: orderJson('b', { symbol: 'BOLT' }) }
const price: FluxRow = {
  _measurement: 'marketdata',
  _field: 'price',
  symbol: 'ACME',
  _time: '2026-01-05T14:29:59Z',
  _value: 12.5,
}
const priced = {
  a: { ...order('a'), market_price: 12.5 },
  b: { ...order('b', { symbol: 'BOLT' }), market_price: null },
}

const unauthorized = Object.assign(new Error('unauthorized access'), { statusCode: 401 })

/** An InfluxDB that knows one price, and answers after two frames. */
function fakeInflux({ cold }: TestHelpers): FluxQuery {
  return () => cold<readonly FluxRow[]>('--(r|)', { r: [price] })
}

describe('checkOrderQuality', () => {
  it(
    'puts the market price beside each order, or null, and commits once that is written',
    marbles((helpers) => {
      const { kafka, commits, write, read } = exampleKafka(helpers, topics)
      write('orders', '  -a 299ms b', json)
      const expected = ' ---a 299ms b'
      const committed = '---1 299ms 2'
      const pipeline = checkOrderQuality(kafka, fakeInflux(helpers), market)
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
      const refuse: FluxQuery = () => helpers.cold('--#', {}, unauthorized)
      write('orders', '  -a', json)
      let failure: unknown
      checkOrderQuality(kafka, refuse, market).subscribe({ error: (error) => (failure = error) })
      helpers.flush()
      expect(String(failure)).toContain('unauthorized access')
      expect(memory.committed('order-quality', 'orders')).toEqual(new Map([[0, 0]]))
      expect(read('quality_topic')).toEqual([])
    }),
  )
})
