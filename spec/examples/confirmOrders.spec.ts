import { deadLetter } from 'rxjs-kafka-toolkit'
import type { FetchLike } from 'rxjs-kafka-toolkit/operators'
import { describe, expect, it } from 'vitest'
import { confirmOrders } from '../../examples/confirmOrders.ts'
import { marbles, type TestHelpers } from '../support/marbles.ts'
import { exampleKafka } from './exampleKafka.ts'
import { order, orderJson } from './orders.ts'

const url = 'http://mail.test/send'
const json = { a: orderJson('a'), b: orderJson('b', { quantity: 5 }), x: '{"id": "x", "quantity": "many"}' }
const orders = { a: order('a'), b: order('b', { quantity: 5 }) }

/** A mail service that answers after two frames, with one status after the other. */
function fakeMails({ cold }: TestHelpers, statuses: readonly number[] = [202]) {
  const left = [...statuses]
  const posts: { url: string; body: unknown }[] = []
  const fetch: FetchLike = (to, { body }) => {
    posts.push({ url: to, body: JSON.parse(String(body)) })
    const status = left.length > 1 ? (left.shift() as number) : (left[0] as number)
    return cold('--(r|)', { r: { status, headers: { get: () => null }, body: null } })
  }
  return { posts, fetch }
}

describe('confirmOrders', () => {
  it(
    'posts an e-mail for each order, and commits it after the mail service has answered',
    marbles((helpers) => {
      const { kafka, commits, write } = exampleKafka(helpers, ['orders'])
      const { fetch, posts } = fakeMails(helpers)
      write('orders', '  -a 299ms b', json)
      const expected = ' ---a 299ms b'
      const committed = '---1 299ms 2'
      helpers.expectObservable(confirmOrders(kafka, url, { fetch }), '^ 500ms !').toBe(expected, orders)
      helpers.expectObservable(commits).toBe(committed, [0, 1, 2])
      helpers.flush()
      expect(posts).toEqual([
        { url, body: { user: 'ada', subject: 'Order Confirmation', body: 'Order: 3 shares of ACME' } },
        { url, body: { user: 'ada', subject: 'Order Confirmation', body: 'Order: 5 shares of ACME' } },
      ])
    }),
  )

  it(
    'posts again after a 503, and commits only then',
    marbles((helpers) => {
      const { kafka, commits, write } = exampleKafka(helpers, ['orders'])
      const { fetch, posts } = fakeMails(helpers, [503, 202])
      write('orders', '  -a', json)
      // The jitter of this Kafka is none at all: the second try comes at once.
      const expected = ' -----a'
      const committed = '-----1'
      helpers.expectObservable(confirmOrders(kafka, url, { fetch }), '^ 50ms !').toBe(expected, orders)
      helpers.expectObservable(commits).toBe(committed, [0, 1])
      helpers.flush()
      expect(posts).toHaveLength(2)
    }),
  )

  it(
    'sends an order that it can not read to the dead letters, and goes on',
    marbles((helpers) => {
      const { kafka, memory, write } = exampleKafka(helpers, ['orders', 'orders.failed'])
      const { fetch } = fakeMails(helpers)
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
