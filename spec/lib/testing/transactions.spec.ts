import { describe, expect, it } from 'vitest'
import { ack } from '../../../lib/ack.ts'
import { json } from '../../../lib/codec.ts'
import { kafkaTest } from '../../../lib/testing/kafkaTest.ts'
import { topic as topicOf } from '../../../lib/topic.ts'
import { transaction } from '../../../lib/transaction.ts'
import { sendTo } from '../../../operators/sendTo/sendTo.ts'
import { slow } from '../../support/slow.ts'

const words = topicOf('words', json<string>())

describe('kafkaTest with transactions', () => {
  it(
    'draws what is sent, and the commit that comes with it',
    kafkaTest(({ topic, kafka, expectOutput, expectSent, expectCommits }) => {
      topic(words, '0:')
      const tx = transaction(kafka, 'copy')
      const source = topic('letters', '0: a-b', {}, { commit: tx })
      const copied = sendTo(kafka, words, (name: string) => ({ key: null, value: name }), { transaction: tx })
      expectOutput(source.pipe(copied, ack())).toBe('a-b')
      expectSent(words).toBe('a-b')
      expectCommits('letters[0]: 1-2')
    }),
  )

  it(
    'loses with a crash what was not committed yet',
    kafkaTest(({ topic, kafka, expectOutput, expectCommits }) => {
      const source = topic(
        `
          0:   a
          ctl: -----X
        `,
        {},
        { commit: transaction(kafka, 'count') },
      )
      expectOutput(source.pipe(ack())).toBe('a----a')
      expectCommits('0: ----- 1s 1')
    }),
  )

  it(
    'takes back what a crash leaves open: it is sent again, and seen once',
    kafkaTest(({ topic, kafka, expectOutput, expectSent, expectCommits, flush }) => {
      topic(words, '0:')
      const tx = transaction(kafka, 'copy')
      const source = topic(
        'letters',
        `
          0:   a
          ctl: --X
        `,
        {},
        { commit: tx },
      )
      const copied = sendTo(kafka, words, (name: string) => ({ key: null, value: name }), { transaction: tx })
      expectOutput(source.pipe(copied, slow(3), ack())).toBe('-----a')
      expectSent(words).toBe('a-a')
      expectCommits('letters[0]: -----1')
      flush()
      expect(kafka.messages('words').map(({ value }) => String(value))).toEqual(['"a"'])
    }),
  )
})
