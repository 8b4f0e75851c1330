import { deadLetter } from 'rxjs-kafka-toolkit'
import { fakeHttp, res } from 'rxjs-kafka-toolkit/testing'
import { describe, expect, it } from 'vitest'
import { confirmOrders } from '../../examples/confirmOrders.ts'
import { marbles } from '../support/marbles.ts'
import { exampleKafka } from './exampleKafka.ts'
import { order, orderJson } from './orders.ts'

const url = 'http://mail.test/send'
const json = { a: orderJson('a'), b: orderJson('b', { quantity: 5 }), x: '{"id": "x", "quantity": "many"}' }
const orders = { a: order('a'), b: order('b', { quantity: 5 }) }

describe('confirmOrders', () => {
  it(
    'posts an e-mail for each order, and commits it after the mail service has answered',
    marbles((helpers) => {
      const { kafka, commits, write } = exampleKafka(helpers, ['orders'])
      const { fetch, log } = fakeHttp(helpers.scheduler, { serve: () => res(202) }).takes(2)
      write('orders', '  -a 299ms b', json)
      const expected = ' ---a 299ms b'
      const committed = '---1 299ms 2'
      helpers.expectObservable(confirmOrders(kafka, url, { fetch }), '^ 500ms !').toBe(expected, orders)
      helpers.expectObservable(commits).toBe(committed, [0, 1, 2])
      helpers.flush()
      expect(log.map(({ item }) => [item.url, JSON.parse(item.body)])).toEqual([
        [url, { user: 'ada', subject: 'Order Confirmation', body: 'Order: 3 shares of ACME' }],
        [url, { user: 'ada', subject: 'Order Confirmation', body: 'Order: 5 shares of ACME' }],
      ])
    }),
  )

  it(
    'posts again after a 503, and commits only then',
    marbles((helpers) => {
      const { kafka, commits, write } = exampleKafka(helpers, ['orders'])
      const { fetch, log } = fakeHttp(helpers.scheduler).replies('--(x|)', '--(r|)', { x: res(503) })
      write('orders', '  -a', json)
      // The jitter of this Kafka is none at all: the second try comes at once.
      const expected = ' -----a'
      const committed = '-----1'
      helpers.expectObservable(confirmOrders(kafka, url, { fetch }), '^ 50ms !').toBe(expected, orders)
      helpers.expectObservable(commits).toBe(committed, [0, 1])
      helpers.flush()
      expect(log).toHaveLength(2)
    }),
  )

  it(
    'sends an order that it can not read to the dead letters, and goes on',
    marbles((helpers) => {
      const { kafka, memory, write } = exampleKafka(helpers, ['orders', 'orders.failed'])
      const { fetch } = fakeHttp(helpers.scheduler).takes(2)
      write('orders', '  -xa', json)
      const expected = ' ----a'
      const pipeline = confirmOrders(kafka, url, { fetch, onNack: deadLetter('orders.failed') })
      helpers.expectObservable(pipeline, '^ 2s !').toBe(expected, orders)
      helpers.flush()
      const [letter] = memory.messages('orders.failed')
      expect(String(letter?.value)).toBe(json.x)
      expect(String(letter?.headers?.['dlq.offset'])).toBe('0')
      expect(memory.committed('confirm-orders', 'orders')).toEqual(new Map([[0, 2]]))
    }),
  )
})
