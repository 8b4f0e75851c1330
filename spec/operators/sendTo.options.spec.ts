import * as t from 'io-ts'
import { map, NEVER, type Observable, of, timer } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { ack } from '../../lib/ack.ts'
import type { OutgoingMessage, SendOptions } from '../../lib/broker.ts'
import { text } from '../../lib/codec.ts'
import { FatalError, PermanentError, TransientError } from '../../lib/errors.ts'
import { memoryBroker } from '../../lib/memory/memoryBroker.ts'
import type { Message } from '../../lib/message.ts'
import type { NamedErrors } from '../../lib/testing/expectations.ts'
import { kafkaTest } from '../../lib/testing/kafkaTest.ts'
import { topic as topicOf } from '../../lib/topic.ts'
import { transaction } from '../../lib/transaction.ts'
import { sizeOf } from '../../operators/sendTo/outgoing.ts'
import { type SendLike, type SendToOptions, sendTo } from '../../operators/sendTo/sendTo.ts'
import { exactly } from '../support/exactly.ts'

const values = { a: 'ann', b: 'bob', c: 'cid', d: 'dan' }
const words = topicOf('words', text)
const byValue = { key: (value: string) => value }
const skipping = { onNack: 'skip' } as const
const outgoing = (value: string) => ({ key: value, value })
const texts = (rows: readonly (readonly OutgoingMessage[])[]) =>
  rows.map((row) => row.map(({ value }) => String(value)))

/** Answers each send by `answer`, an Observable of one error or null, and keeps what it was asked, and how. */
function kafkaOf(answer: (messages: readonly OutgoingMessage[], call: number) => Observable<Error | null>) {
  const sent: (readonly OutgoingMessage[])[] = []
  const how: (SendOptions | undefined)[] = []
  const kafka: SendLike = {
    send: (messages, done, options) => {
      how.push(options)
      answer(messages, sent.push(messages)).subscribe(done)
    },
  }
  return { kafka, sent, how }
}

/** Sends four messages at once; gives what was sent, and how. `nacked` has why a message of a name was nacked. */
function fourBy(
  answer: Parameters<typeof kafkaOf>[0],
  options: SendToOptions,
  expected: string,
  nacked: NamedErrors = {},
) {
  const { kafka, sent, how } = kafkaOf(answer)
  kafkaTest(({ topic, expectOutput, expectNacks }) => {
    const messages = topic('0: (abcd)', values, { ...byValue, ...skipping })
    expectOutput(messages.pipe(sendTo(kafka, words, outgoing, options), ack())).toBe(expected)
    expectNacks(Object.keys(nacked).join(''), nacked)
  })()
  return { sent: texts(sent), how }
}

/** Room for two of the messages. */
const TWO = 61 + 2 * sizeOf({ topic: '', key: 'ann', value: 'ann', headers: {} })
const steady = { jitter: 'none', delay: 4 } as const

describe('sendTo, by its options,', () => {
  describe('maxMessageBytes,', () => {
    it('divides what is sent together, in order', () => {
      const { sent } = fourBy(() => of(null), { maxMessageBytes: TWO }, '(abcd)')
      expect(sent).toEqual([
        ['ann', 'bob'],
        ['cid', 'dan'],
      ])
    })

    it(
      'nacks a message that is larger before it is sent',
      kafkaTest(({ topic, expectOutput, expectNacks, flush }) => {
        const size = TWO - 1
        const select = (value: string) => ({ key: null, value: value === 'bob' ? 'x'.repeat(size) : value })
        const { kafka, sent } = kafkaOf(() => of(null))
        const send = sendTo(kafka, words, select, { maxMessageBytes: size })
        expectOutput(topic('0: (abc)', values, skipping).pipe(send, ack())).toBe('(ac)')
        const why = `the message has ${61 + 30 + size} bytes, and maxMessageBytes is ${size}`
        expectNacks('0: b', { b: why })
        flush()
        expect(texts(sent).flat()).toEqual(['ann', 'cid'])
      }),
    )

    it('counts bytes, not characters, and those of headers', () => {
      expect(sizeOf({ topic: 't', key: 'ä', value: Buffer.from('xyz') })).toBe(30 + 2 + 3)
      expect(sizeOf({ topic: 't', key: null, value: null, headers: { ab: 'ü', c: ['x', 'y'] } })).toBe(
        30 + 14 + 12 + 12,
      )
    })
  })

  it('tries again only what is not written, and what is behind it', () => {
    const failsOnce = (_: unknown, call: number) => of(call === 2 ? new TransientError('no leader') : null)
    const { sent } = fourBy(failsOnce, { maxMessageBytes: TWO, retry: steady }, '(ab)(cd)')
    expect(sent).toEqual([
      ['ann', 'bob'],
      ['cid', 'dan'],
      ['cid', 'dan'],
    ])
  })

  it('nacks the one of a row that is refused, and sends those behind it', () => {
    const refuses = (row: readonly OutgoingMessage[]) =>
      of(row.some(({ value }) => value === 'bob') ? new PermanentError('refused') : null)
    const { sent } = fourBy(refuses, { maxMessageBytes: TWO }, '(acd)', { b: exactly('refused') })
    expect(sent).toEqual([['ann', 'bob'], ['ann'], ['bob'], ['cid', 'dan']])
  })

  it(
    'ends the stream with what no message escapes, after those that are written',
    kafkaTest(({ topic, expectOutput }) => {
      const { kafka } = kafkaOf((_, call) => of(call === 2 ? new FatalError('no such topic') : null))
      const messages = topic('0: (abcd)', values, { ...byValue, ...skipping })
      const send = sendTo(kafka, words, outgoing, { maxMessageBytes: TWO })
      expectOutput(messages.pipe(send, ack())).toBe('(ab#)', {}, 'no such topic')
    }),
  )

  it('sends nothing more of a try that has no answer in time, also when it comes after all', () => {
    const late = timer(12).pipe(map(() => null))
    const answer = (_: unknown, call: number) => (call === 1 ? late : of(null))
    const { sent } = fourBy(answer, { maxMessageBytes: TWO, retry: steady, timeout: 10 }, '14ms (abcd)')
    expect(sent).toEqual([
      ['ann', 'bob'],
      ['ann', 'bob'],
      ['cid', 'dan'],
    ])
  })

  it('takes the timestamp of the source, or the moment of sending, or the one of the selector', () => {
    const sentAs = (options: SendToOptions, own = {}) => {
      const { kafka, sent } = kafkaOf(() => of(null))
      kafkaTest(({ topic, expectOutput }) => {
        const messages = topic('0: --a', values)
        const select = (value: string) => ({ key: null, value, ...own })
        expectOutput(messages.pipe(sendTo(kafka, words, select, options), ack())).toBe('--a')
      })()
      return sent[0]?.[0]?.timestamp
    }
    expect([sentAs({}), sentAs({ timestamp: 'source' })]).toEqual([2, 2])
    expect([sentAs({ timestamp: 'now' }), sentAs({ timestamp: 'now' }, { timestamp: 7 })]).toEqual([undefined, 7])
  })

  it('tells the broker how to write and whom to wait for', () => {
    const by = (options: SendToOptions) => fourBy(() => of(null), options, '(abcd)').how
    expect(by({})).toEqual([{ acks: 'all', compression: 'none' }])
    expect(by({ acks: 'leader', compression: 'gzip' })).toEqual([{ acks: 'leader', compression: 'gzip' }])
  })

  describe('to several topics,', () => {
    const small = topicOf('small', t.type({ id: t.string }))
    const large = topicOf('large', t.type({ id: t.string, shares: t.number }))
    const orders = { a: { id: 'a', shares: 5 }, b: { id: 'b', shares: 500 } }

    it(
      'sends each message to the one that the selector names',
      kafkaTest(({ topic, kafka, expectOutput, expectSent }) => {
        const messages = topic('0: ab', orders)
        topic(small, '0:')
        topic(large, '0:')
        const send = sendTo(kafka, [small, large], (order: (typeof orders)['a']) =>
          order.shares < 100
            ? { topic: small, key: null, value: { id: order.id } }
            : { topic: large, key: null, value: order },
        )
        expectOutput(messages.pipe(send, ack())).toBe('ab')
        expectSent(small).toBe('s', { s: { id: 'a' } })
        expectSent(large).toBe('-l', { l: { id: 'b', shares: 500 } })
      }),
    )

    it('takes for each only what its codec can write, and no other topic', () => {
      const { kafka } = kafkaOf(() => of(null))
      const messages: Observable<Message<(typeof orders)['a']>> = NEVER
      // @ts-expect-error large wants the shares
      messages.pipe(sendTo(kafka, [small, large], ({ id }) => ({ topic: large, key: null, value: { id } })))
      // @ts-expect-error words is not one of them
      messages.pipe(sendTo(kafka, [small, large], ({ id }) => ({ topic: words, key: null, value: id })))
      // @ts-expect-error a topic is missing
      messages.pipe(sendTo(kafka, [small, large], (order) => ({ key: null, value: order })))
    })

    it(
      'nacks a message for another topic, in JavaScript',
      kafkaTest(({ topic, kafka, expectOutput, expectNacks }) => {
        const messages = topic('0: a', orders, skipping)
        const select = (({ id }: { id: string }) => ({ topic: words, key: null, value: id })) as never
        expectOutput(messages.pipe(sendTo(kafka, [small, large], select), ack())).toBe('')
        const why = 'Expected the topic of sendTo to be one of those it was given, small, large; got "words"'
        expectNacks('0: a', { a: why })
      }),
    )

    it('refuses a pattern among them, and none at all', () => {
      const { kafka } = kafkaOf(() => of(null))
      const select = () => ({ topic: small, key: null, value: { id: '' } })
      expect(() => sendTo(kafka, [small, topicOf(/x/, text)], select)).toThrow('a topic with a name, not a pattern')
      expect(() => sendTo(kafka, [], select as never)).toThrow('Expected `topic` to be a topic, or several')
    })
  })

  const wrong: readonly [SendToOptions, string][] = [
    [{ acks: 'none' as 'all' }, 'Expected `acks` to be one of all, leader, got `none` (string)'],
    [{ compression: 'zip' as 'gzip' }, 'Expected `compression` to be one of none, gzip, snappy, lz4, zstd, got `zip`'],
    [{ timestamp: 7 as unknown as 'now' }, 'Expected `timestamp` to be one of source, now, got `7` (number)'],
    [{ maxMessageBytes: 0 }, 'Expected `maxMessageBytes` to be an integer >= 1, got `0` (number)'],
  ]
  it.each(wrong)('refuses %o at once', (options, error) => {
    const { kafka } = kafkaOf(() => of(null))
    expect(() => sendTo(kafka, words, outgoing, options)).toThrow(error)
  })

  it('refuses acks of the leader alone in a transaction', () => {
    const kafka = memoryBroker()
    const options = { transaction: transaction(kafka, 'tx'), acks: 'leader' } as const
    expect(() => sendTo(kafka, words, outgoing, options)).toThrow('Expected `acks` to be `all` in a transaction')
  })
})
