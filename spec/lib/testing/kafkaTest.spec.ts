import { readFileSync } from 'node:fs'
import { mergeMap, of } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { ack } from '../../../lib/ack.ts'
import type { Broker } from '../../../lib/broker.ts'
import { json, text } from '../../../lib/codec.ts'
import { fromTopic } from '../../../lib/fromTopic.ts'
import { perMessage } from '../../../lib/perMessage.ts'
import { kafkaTest } from '../../../lib/testing/kafkaTest.ts'
import { topic as topicOf } from '../../../lib/topic.ts'
import { mapValue } from '../../../lib/values.ts'
import type { FetchLike } from '../../../operators/postTo/exchange.ts'
import { postTo } from '../../../operators/postTo/postTo.ts'
import { slow } from '../../support/slow.ts'
import { failureOf, lines } from './failureOf.ts'

interface Order {
  readonly id: string
}
const orders = topicOf('orders', json<Order>())
const order = (id: string): Order => ({ id })
const confirmOrders = (kafka: Broker, { fetch }: { fetch: FetchLike }) =>
  fromTopic(kafka, orders, { groupId: 'confirm-orders' }).pipe(
    postTo('http://mailer', ({ id }) => id, { fetch }),
    ack(),
  )

describe('kafkaTest', () => {
  // As docs/testing.md shows it.
  it(
    'commits an order once it is confirmed, also through a crash',
    kafkaTest(({ topic, kafka, http, expectOutput, expectCalls, expectCommits }) => {
      topic(
        orders,
        `
          0:   a---b
          1:   -c
          ctl: -----X
        `,
        { a: order('1'), b: order('2'), c: order('3') },
      )
      http.takes(2)
      expectOutput(confirmOrders(kafka, http)).toBe('--ac---b')
      expectCalls(http).toBe('ac--bb', { a: '1', b: '2', c: '3' })
      expectCommits(`
        0: ---1---2
        1: ---1
      `)
    }),
  )

  it(
    'one partition goes to another member: the other is read on',
    kafkaTest(({ topic, kafka, http, expectOutput, expectCommits }) => {
      topic(
        orders,
        `
          0:      a--b
          1:      -c-d
          ctl[1]: --R 10ms A
        `,
        { a: order('1'), b: order('2'), c: order('3'), d: order('4') },
      )
      http.takes(4)
      expectOutput(confirmOrders(kafka, http)).toBe('----ac---b-------d')
      expectCommits(`
        0: -----1-------2
        1: -----1------- 200ms 2
      `)
    }),
  )

  it('draws in docs/testing.md what it says of a lane that differs', () => {
    const test = kafkaTest(({ topic, kafka, http, expectOutput, expectCommits }) => {
      topic(
        orders,
        `
          0:   a---b
          1:   -c
          ctl: -----X
        `,
        { a: order('1'), b: order('2'), c: order('3') },
      )
      http.takes(2)
      expectOutput(confirmOrders(kafka, http))
      expectCommits(`
        0: ---1-2
        1: ---1
      `)
    })
    const page = readFileSync('docs/testing.md', 'utf8')
    expect(page.match(/```\n(Expected commits[\s\S]*?)\n```/)?.[1]).toBe(failureOf(test))
  })

  it(
    'draws a topic, and what is emitted, acked, committable and committed of it, partition by partition',
    kafkaTest(({ topic, expectOutput, expectAcks, expectCommittable, expectCommits }) => {
      const source = topic(`
        0: a--b---c
        1: -x
      `)
      const result = source.pipe(
        slow((name) => (name === 'a' ? 5 : 2)),
        ack(),
      )
      expectOutput(result).toBe('---x-(ab)c')
      expectAcks(`
        0: -----(ab)c
        1: ---x
      `)
      expectCommittable(`
        0: -----(12)3
        1: ---1
      `)
      expectCommits(`
        0: -----2 199ms 3
        1: -----1
      `)
    }),
  )

  it(
    'gives the pipe under test a Kafka, to read a topic of its own by its codec, key, headers and timestamp',
    kafkaTest(({ topic, kafka, expectOutput }) => {
      const names = topicOf('names', text)
      topic(names, '0: -a-b', { a: 'ann' }, { key: { a: 'k' }, headers: () => ({ h: '1' }), timestamp: { a: 7 } })
      const result = fromTopic(kafka, names, { groupId: 'g' }).pipe(
        perMessage(mergeMap((value) => of(value))),
        mapValue((value, { key, headers: { h }, timestamp }) => [value, String(key), String(h), timestamp]),
        ack(),
      )
      expectOutput(result).toBe('-x-y', { x: ['ann', 'k', '1', 7], y: ['b', 'null', '1', 3] })
    }),
  )

  it(
    'knows the messages in the output by their names, and takes values, completion and errors as RxJS does',
    kafkaTest(({ topic, cold, hot, expectOutput }) => {
      const source = topic('ab', { a: { n: 1 }, b: { n: 2 } })
      expectOutput(source.pipe(ack())).toBe('ab')
      expectOutput(cold('-x 3s y|')).toBe('-x 3s y|')
      expectOutput(hot('--x#', { x: 1 }, new Error('boom'))).toBe('--y#', { y: 1 }, 'boom')
    }),
  )

  it('shows where a lane differs: what was expected over what was, in columns, and the first difference in words', () => {
    const test = kafkaTest(({ topic, expectOutput, expectCommits }) => {
      const source = topic('0: a-b-c')
      expectOutput(source.pipe(slow(1), ack()))
      expectCommits('0: -1 199ms 2')
    })
    expect(failureOf(test)).toBe(
      lines(`
        Expected commits of topic[0]:

          topic[0]  a-b-c
          expected  -1--- 196ms 2
          actual    -1--- 196ms 3
                                ^ at 201 ms: expected 2 (up to b, offset 1), got 3 (up to c, offset 2)
      `),
    )
  })
})
