import { TransientError } from 'rxjs-kafka-toolkit'
import { kafkaTest } from 'rxjs-kafka-toolkit/testing'
import { describe, expect, it } from 'vitest'
import { splitOrders } from '../../examples/splitOrders.ts'
import { orderJson } from './orders.ts'
import { written } from './written.ts'

const values = {
  a: orderJson('a', { quantity: 250 }),
  b: orderJson('b', { quantity: 7 }),
  x: orderJson('x', { quantity: 0 }),
}
const lot = (order_id: string, part: number, shares: number) => ({ order_id, part, symbol: 'ACME', shares })
const lots = { 1: lot('a', 0, 100), 2: lot('a', 1, 100), 3: lot('a', 2, 50), b: lot('b', 0, 7) }
/** All lots, as the topic has them once. */
const inLots = Object.values(lots).map((value) => ({ key: 'ACME', value }))
const refused = new TransientError('no leader')

describe('splitOrders', () => {
  it(
    'writes the lots of an order under its symbol, and commits it with them',
    kafkaTest(({ topic, kafka, expectOutput, expectSent, expectCommits, flush }) => {
      topic('lots', '0:')
      topic('orders', '0: a----b', values)
      expectOutput(splitOrders(kafka)).toBe('(123)b', lots)
      expectSent('lots').toBe('              (123)b', lots)
      expectCommits('    orders[0]: 1----2')
      flush()
      expect(written(kafka, 'lots')).toEqual(inLots)
    }),
  )

  it(
    'puts an order without shares aside, in the same transaction',
    kafkaTest(({ topic, kafka, expectOutput, expectSent, expectDeadLetters, expectCommits, flush }) => {
      topic('lots', '0:')
      topic('orders.failed', '0:')
      topic('orders', '0: (xb)', values)
      expectOutput(splitOrders(kafka)).toBe('b', lots)
      expectSent('lots').toBe('              b', lots)
      expectDeadLetters('     orders[0]: x')
      expectCommits('         orders[0]: 2')
      flush()
      expect(written(kafka, 'orders.failed')).toEqual([{ key: null, value: values.x }])
    }),
  )

  it(
    'writes each lot once although nobody hears that it is committed',
    kafkaTest(({ topic, kafka, expectCommits, expectOutput, flush }) => {
      topic('lots', '0:')
      topic('orders', '0: a----b', values)
      kafka.loseAnswers()
      expectOutput(splitOrders(kafka)).toBe('(123)- 120ms b', lots)
      expectCommits('             orders[0]: 1----- 120ms 2')
      flush()
      expect(written(kafka, 'lots')).toEqual(inLots)
    }),
  )

  it(
    'writes each lot once although a crash comes before anybody hears that it is committed',
    kafkaTest(({ topic, kafka, expectCommits, expectOutput, expectRedeliveries, flush }) => {
      topic('lots', '0:')
      topic(
        'orders',
        `
          0:   a----b
          ctl: -X
        `,
        values,
      )
      kafka.loseAnswers()
      expectOutput(splitOrders(kafka)).toBe('(123)b', lots)
      expectCommits('             orders[0]: 1----2')
      expectRedeliveries('')
      flush()
      expect(written(kafka, 'lots')).toEqual(inLots)
    }),
  )

  it(
    'splits an order again whose lots a crash leaves unwritten, and writes each once',
    kafkaTest(({ topic, kafka, expectCommits, expectOutput, expectRedeliveries, expectSent, flush }) => {
      topic('lots', '0:')
      topic(
        'orders',
        `
          0:   a------b
          ctl: --X
        `,
        values,
      )
      kafka.failSends(refused)
      expectOutput(splitOrders(kafka)).toBe('--(123)b', lots)
      expectSent('lots').toBe('              --(123)b', lots)
      expectRedeliveries('        orders[0]: --a')
      expectCommits('             orders[0]: --1----2')
      flush()
      expect(written(kafka, 'lots')).toEqual(inLots)
    }),
  )

  it(
    'takes back what is open when its partitions go to another, and writes it when they are back',
    kafkaTest(({ topic, kafka, expectCommits, expectOutput, expectRedeliveries, expectSent }) => {
      topic('lots', '0:')
      topic(
        'orders',
        `
          0:   a
          ctl: --R 10ms A
        `,
        values,
      )
      kafka.failSends(refused)
      expectOutput(splitOrders(kafka)).toBe('--- 10ms (123)', lots)
      expectSent('lots').toBe('              --- 10ms (123)', lots)
      expectRedeliveries('        orders[0]: --- 10ms a')
      expectCommits('             orders[0]: --- 10ms 1')
    }),
  )

  it(
    'does not wait at SIGTERM for an order that is to be tried again, and commits nothing of it',
    kafkaTest(({ topic, kafka, expectCommits, expectOutput, expectSent, expectState }) => {
      topic('lots', '0:')
      topic(
        'orders',
        `
          0:   a
          ctl: --S
        `,
        values,
      )
      kafka.failSends(refused)
      expectOutput(splitOrders(kafka)).toBe('--|')
      expectSent('lots').toBe('              ')
      expectState('                       r-(dc)')
      expectCommits('')
    }),
  )
})
