import { describe, expect, it } from 'vitest'
import { ack } from '../../../lib/ack.ts'
import { json } from '../../../lib/codec.ts'
import { fromTopic } from '../../../lib/fromTopic.ts'
import { deadLetter, retry } from '../../../lib/onNack.ts'
import { kafkaTest } from '../../../lib/testing/kafkaTest.ts'
import { topic as topicOf } from '../../../lib/topic.ts'
import { mapValue } from '../../../lib/values.ts'
import { postTo } from '../../../operators/postTo/postTo.ts'
import { sendTo } from '../../../operators/sendTo/sendTo.ts'
import { slow } from '../../support/slow.ts'
import { failureOf, lines } from './failureOf.ts'

const failAt = (bad: string) =>
  mapValue((name: string) => {
    if (name === bad) throw new Error('boom')
    return name
  })

describe('the expectations of kafkaTest', () => {
  it(
    'draw nacks, dead letters by the message that they are of, and redeliveries',
    kafkaTest(({ topic, expectOutput, expectNacks, expectDeadLetters, expectRedeliveries }) => {
      topic('dlq', '0:')
      const onNack = retry({ attempts: 2, delay: 4, jitter: 'none' }).then(deadLetter('dlq'))
      const source = topic('letters', '0: a-b-c', {}, { onNack })
      expectOutput(source.pipe(failAt('b'), ack())).toBe('a---c')
      expectNacks('       letters[0]: --b---b')
      expectRedeliveries('letters[0]: ------b')
      expectDeadLetters(' letters[0]: ------b')
    }),
  )

  it(
    'say why a message is nacked, by its name: in words, by a pattern or by the error itself',
    kafkaTest(({ topic, expectOutput, expectNacks }) => {
      const errors = { a: new Error('bang'), b: new Error('bounce'), c: new Error('boom'), d: new Error('any') }
      const source = topic('0: abcd', errors, { onNack: 'skip' })
      const failing = mapValue((error: Error) => {
        throw error
      })
      expectOutput(source.pipe(failing, ack())).toBe('')
      expectNacks('0: abcd', { a: 'ban', b: /^bounce$/, c: new Error('boom') })
    }),
  )

  it('tell of a nack with another error', () => {
    const test = kafkaTest(({ topic, expectOutput, expectNacks }) => {
      expectOutput(topic('0: a-b', {}, { onNack: 'skip' }).pipe(failAt('b'), ack())).toBe('a')
      expectNacks('0: --b', { b: 'bang' })
    })
    expect(failureOf(test)).toBe(
      lines(`
        Expected nacks of topic[0]:

          topic[0]  a-b
          expected  --b
          actual    --#
                      ^ at 2 ms: expected b, got # (Error: boom)
      `),
    )
  })

  it(
    'draw late settlements: of messages whose partition was taken away',
    kafkaTest(({ topic, expectOutput, expectAcks, expectLate }) => {
      const source = topic(
        `
          0:   a
          ctl: -R
        `,
        {},
        { drainTimeout: 2 },
      )
      expectOutput(source.pipe(slow(5), ack())).toBe('-----a')
      expectAcks('0:')
      expectLate('0: -----a')
    }),
  )

  it(
    'draw pauses and the states of a source',
    kafkaTest(({ topic, expectOutput, expectPaused, expectState }) => {
      const source = topic(
        `
          0:   (abcde)
          ctl: ---- 10ms S
        `,
        {},
        { maxInFlight: 2 },
      )
      expectOutput(source.pipe(slow(5), ack())).toBe('-----(ab)-(cd)-(e|)')
      expectPaused('0: p----r')
      expectState('r 13ms dc')
    }),
  )

  it(
    'draw the calls of a fake server, and what is sent to a topic',
    kafkaTest(({ topic, kafka, http, expectOutput, expectCalls, expectSent }) => {
      const words = topicOf('words', json<string>())
      topic(words, '0:')
      const source = topic('0: a-b')
      http.takes(2)
      const result = source.pipe(
        postTo('http://server', (name) => name, { fetch: http.fetch }),
        sendTo(kafka, words, (name) => ({ key: null, value: name })),
        ack(),
      )
      expectOutput(result).toBe('--a-b')
      expectCalls(http).toBe('a-b')
      expectSent(words).toBe('--a-b')
    }),
  )

  it(
    'are of one group, when there are several',
    kafkaTest(({ topic, kafka, expectOutput, group }) => {
      const names = topicOf('names', json<string>())
      topic(names, '0: a')
      expectOutput(fromTopic(kafka, names, { groupId: 'fast' }).pipe(ack())).toBe('a')
      expectOutput(fromTopic(kafka, names, { groupId: 'slow' }).pipe(slow(2), ack())).toBe('--a')
      group('fast').expectCommits('0: 1')
      group('slow').expectCommits('0: --1')
    }),
  )

  it(
    'end at the horizon, where something is tried again for ever',
    kafkaTest(
      ({ topic, http, expectOutput, expectUnsettled, expectCalls }) => {
        const source = topic('0: a')
        http.replies({ '*': '#' })
        const steady = { retry: { delay: 4, factor: 1, jitter: 'none' } } as const
        expectOutput(
          source.pipe(
            postTo('http://server', (name) => name, { fetch: http.fetch, ...steady }),
            ack(),
          ),
        )
        expectCalls(http).toBe('a---a---a')
        expectUnsettled('0: a')
      },
      { until: 10 },
    ),
  )

  it(
    'can be followed by others, once all has happened',
    kafkaTest(({ topic, kafka, expectOutput, flush }) => {
      expectOutput(topic('0: a-b').pipe(ack())).toBe('a-b')
      flush()
      expect(kafka.committed('group', 'topic')).toEqual(new Map([[0, 2]]))
    }),
  )
})
