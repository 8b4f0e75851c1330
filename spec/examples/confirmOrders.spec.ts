import { deadLetter } from 'rxjs-kafka-toolkit'
import { kafkaTest, res } from 'rxjs-kafka-toolkit/testing'
import { describe, expect, it } from 'vitest'
import { confirmOrders } from '../../examples/confirmOrders.ts'
import { order, orderJson } from './orders.ts'

const url = 'http://mail.test/send'
const more = { a: {}, b: { quantity: 5 }, c: { user_id: 'bob', symbol: 'BOLT' } }
const values = { a: orderJson('a', more.a), b: orderJson('b', more.b), c: orderJson('c', more.c) }
const orders = { a: order('a', more.a), b: order('b', more.b), c: order('c', more.c) }
const mail = (user: string, body: string) => JSON.stringify({ user, subject: 'Order Confirmation', body })
const mails = {
  a: mail('ada', 'Order: 3 shares of ACME'),
  b: mail('ada', 'Order: 5 shares of ACME'),
  c: mail('bob', 'Order: 3 shares of BOLT'),
}

describe('confirmOrders', () => {
  it(
    'posts an e-mail for each order, and commits it after the mail service has answered',
    kafkaTest(({ topic, kafka, http, expectOutput, expectCalls, expectCommits, flush }) => {
      topic('orders', '-a 299ms b', values)
      const { fetch } = http.takes(2)
      expectOutput(confirmOrders(kafka, url, { fetch })).toBe('---a 299ms b', orders)
      expectCalls(http).toBe('                                 -a 299ms b', mails)
      expectCommits('                                          ---1 299ms 2')
      flush()
      expect(http.log.map(({ item }) => item)).toMatchObject([
        { url, method: 'POST', headers: { 'content-type': 'application/json' } },
        { url, method: 'POST', headers: { 'content-type': 'application/json' } },
      ])
    }),
  )

  it(
    'posts again after a 503, and commits only then, together with what went past',
    kafkaTest(({ topic, kafka, http, expectOutput, expectCalls, expectCommits }) => {
      topic('orders', '0: ac', values)
      const { fetch } = http.replies({ [mails.a]: ['-(x|)', '-(r|)'], '*': '-(r|)' }, { x: res(503) })
      // The jitter of the first wait is 126 ms here, each time.
      expectOutput(confirmOrders(kafka, url, { fetch })).toBe('--c 125ms a', orders)
      expectCalls(http).toBe('                                 ac- 124ms a', mails)
      expectCommits('                                       0: --- 125ms 2')
    }),
  )

  it(
    'stops at an order that the mail service refuses, names it, and commits what was before it',
    kafkaTest(({ topic, kafka, http, expectOutput, expectCalls, expectCommits }) => {
      topic('orders', '0: ac-b', values)
      const { fetch } = http.replies({ [mails.c]: '-(x|)', '*': '-(r|)' }, { x: res(400, {}, 'no such user') })
      const text = 'orders[0]@1: POST to http://mail.test/send was answered with 400 "no such user"'
      expectOutput(confirmOrders(kafka, url, { fetch })).toBe('-a#', orders, text)
      expectCalls(http).toBe('                                 ac', mails)
      expectCommits('                                       0: -1')
    }),
  )

  it(
    'sends an order that it can not read to the dead letters, and goes on',
    kafkaTest(({ topic, kafka, http, expectOutput, expectCalls, expectDeadLetters, expectCommits, flush }) => {
      const unreadable = '{"id": "x", "quantity": "many"}'
      topic('orders.failed', '0:')
      topic('orders', '0: -xa', { ...values, x: Buffer.from(unreadable) })
      const options = { fetch: http.takes(2).fetch, onNack: deadLetter('orders.failed') }
      expectOutput(confirmOrders(kafka, url, options)).toBe('----a', orders)
      expectCalls(http).toBe('                               --a', mails)
      expectDeadLetters('                     orders[0]: -x')
      expectCommits('                         orders[0]: -1 199ms 2')
      flush()
      const [letter] = kafka.messages('orders.failed')
      expect(String(letter?.value)).toBe(unreadable)
    }),
  )

  it(
    'posts the e-mail again whose answer a crash loses, under the same Idempotency-Key',
    kafkaTest(({ topic, kafka, http, expectOutput, expectCalls, expectRedeliveries, expectCommits, flush }) => {
      topic(
        'orders',
        `
          0:   a-b
          ctl: ---X
        `,
        values,
      )
      expectOutput(confirmOrders(kafka, url, { fetch: http.takes(2).fetch })).toBe('--a--b', orders)
      expectCalls(http).toBe('                                                      a-bb', mails)
      expectRedeliveries('                                                       0: ---b')
      expectCommits('                                                            0: --1--2')
      flush()
      expect(http.log.map(({ item, isServed }) => [item.headers['idempotency-key'], isServed])).toEqual([
        ['confirm-orders/postTo/orders-0-0', true],
        ['confirm-orders/postTo/orders-0-1', true],
        ['confirm-orders/postTo/orders-0-1', true],
      ])
    }),
  )

  it(
    'finishes and commits what is under way before its partitions go to another, and goes on when they are back',
    kafkaTest(({ topic, kafka, http, expectOutput, expectCalls, expectCommits }) => {
      topic(
        'orders',
        `
          0:   a--b
          1:   -c
          ctl: --R 10ms A
        `,
        values,
      )
      expectOutput(confirmOrders(kafka, url, { fetch: http.takes(4).fetch })).toBe('----ac 11ms b', orders)
      expectCalls(http).toBe('                                                      ac 11ms b', mails)
      expectCommits(`
        0: -----1 199ms 2
        1: -----1
      `)
    }),
  )

  it(
    'finishes and commits what is under way at SIGTERM, and posts nothing more',
    kafkaTest(({ topic, kafka, http, expectOutput, expectCalls, expectCommits }) => {
      topic(
        'orders',
        `
          0:   ac-b
          ctl: --S
        `,
        values,
      )
      expectOutput(confirmOrders(kafka, url, { fetch: http.takes(4).fetch })).toBe('----a(c|)', orders)
      expectCalls(http).toBe('                                                      ac', mails)
      expectCommits('                                                            0: -----2')
    }),
  )
})
