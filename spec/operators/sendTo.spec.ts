import * as t from 'io-ts'
import { NEVER, type Observable, of } from 'rxjs'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { ack } from '../../lib/ack.ts'
import type { Headers, OutgoingMessage } from '../../lib/broker.ts'
import { json, text, tombstones } from '../../lib/codec.ts'
import { PermanentError, TransientError } from '../../lib/errors.ts'
import { memoryBroker } from '../../lib/memory/memoryBroker.ts'
import type { Message } from '../../lib/message.ts'
import { kafkaTest } from '../../lib/testing/kafkaTest.ts'
import { topic as topicOf } from '../../lib/topic.ts'
import { type Outgoing, type SendLike, sendTo } from '../../operators/sendTo/sendTo.ts'
import { exactly } from '../support/exactly.ts'

const skipping = { onNack: 'skip' } as const
const byValue = { key: (value: string) => value }
const words = topicOf('words', text)
const outgoing = (value: string) => ({ key: value, value })
const steady = { jitter: 'none', delay: 4 } as const

/** Answers each produce by `answer`, an Observable of one error or null, and keeps what it was asked. */
function kafkaOf(answer: (messages: readonly OutgoingMessage[], call: number) => Observable<Error | null>) {
  const sent: (readonly OutgoingMessage[])[] = []
  const kafka: SendLike = { send: (messages, done) => answer(messages, sent.push(messages)).subscribe(done) }
  return { kafka, sent }
}

/** What one message is sent as. */
function sentFor(select: (value: string, message: Message<string>) => Outgoing<string>, headers: Headers = {}) {
  const { kafka, sent } = kafkaOf(() => of(null))
  kafkaTest(({ topic, expectOutput }) => {
    const messages = topic('0: ---a', {}, { headers: { a: headers } })
    expectOutput(messages.pipe(sendTo(kafka, words, select), ack())).toBe('---a')
  })()
  return sent[0]?.[0]
}

describe('sendTo', () => {
  it(
    'sends many in one produce, in order, also those of one key',
    kafkaTest(({ topic, expectOutput, flush }) => {
      const { kafka, sent } = kafkaOf(() => of(null))
      const messages = topic('0: (abcad)', {}, { key: { a: 'ann', b: 'bob', c: 'ann', d: 'bob' } })
      expectOutput(messages.pipe(sendTo(kafka, words, outgoing, { batch: { max: 3 } }), ack())).toBe('(abcad)')
      flush()
      expect(sent.map((row) => row.map(({ value }) => value))).toEqual([
        ['a', 'b', 'c'],
        ['a', 'd'],
      ])
    }),
  )

  describe('what is sent', () => {
    it('has the source’s headers and timestamp', () => {
      expect(sentFor(outgoing, { trace: 't', tenant: 'x' })).toEqual({
        topic: 'words',
        key: 'a',
        value: 'a',
        headers: { trace: Buffer.from('t'), tenant: Buffer.from('x') },
        timestamp: 3,
      })
    })

    it('has what the selector says instead', () => {
      const bytes = Uint8Array.of(1)
      const headers = { tenant: undefined, list: ['1', bytes] }
      const select = (value: string) => ({ key: bytes, value, headers, timestamp: 7, partition: 2 })
      expect(sentFor(select, { trace: 't', tenant: 'x' })).toEqual({
        topic: 'words',
        key: bytes,
        value: 'a',
        headers: { trace: Buffer.from('t'), list: ['1', bytes] },
        timestamp: 7,
        partition: 2,
      })
    })

    it('may depend on the message, and may be without a key', () => {
      const select = (value: string, { offset }: Message<string>) => ({ key: null, value: `${value}${offset}` })
      expect(sentFor(select)).toMatchObject({ key: null, value: 'a0' })
    })

    it(
      'is written by the topic’s codec; a tombstone has no value',
      kafkaTest(({ topic, kafka, expectOutput, expectSent }) => {
        const users = topicOf('users', tombstones(json<{ name: string }>()))
        const messages = topic('0: ab')
        topic(users, '0:')
        const select = (name: string) => ({ key: name, value: name === 'b' ? null : { name } })
        expectOutput(messages.pipe(sendTo(kafka, users, select), ack())).toBe('ab')
        expectSent(users).toBe('xy', { x: { name: 'a' }, y: null })
      }),
    )
  })

  describe('a message alone is nacked', () => {
    const wrongs: [string, unknown, string][] = [
      ['key', { key: undefined }, 'key of sendTo to be a string, bytes or null, got undefined'],
      ['key', { key: 7 }, 'key of sendTo to be a string, bytes or null, got 7'],
      ['timestamp', { timestamp: Number.NaN }, 'timestamp of sendTo to be a whole number of ms since 1970, got NaN'],
      ['partition', { partition: -1 }, 'partition of sendTo to be a whole number from 0, got -1'],
      ['header', { headers: { n: 1 } }, 'header "n" of sendTo to be a string, bytes, or several of them, got 1'],
    ]
    it.each(wrongs)('for a wrong %s: %j', (_name, wrong, why) => {
      kafkaTest(({ topic, kafka, expectOutput, expectSent, expectNacks }) => {
        const messages = topic('0: (ab)', {}, skipping)
        topic(words, '0:')
        const select = (value: string) => ({ ...outgoing(value), ...(value === 'a' ? (wrong as object) : {}) })
        expectOutput(messages.pipe(sendTo(kafka, words, select), ack())).toBe('b')
        expectSent(words).toBe('b')
        expectNacks('0: a', { a: exactly(`Expected the ${why}; see to it in the selector`) })
      })()
    })

    it(
      'for a selector that throws',
      kafkaTest(({ topic, kafka, expectOutput, expectSent, expectNacks }) => {
        const messages = topic('0: (ab)', {}, skipping)
        topic(words, '0:')
        const select = (value: string) => {
          if (value === 'a') throw new Error('boom')
          return outgoing(value)
        }
        expectOutput(messages.pipe(sendTo(kafka, words, select), ack())).toBe('b')
        expectSent(words).toBe('b')
        expectNacks('0: a', { a: exactly('boom') })
      }),
    )

    it(
      'for a value that the codec can’t write',
      kafkaTest(({ topic, kafka, expectOutput, expectSent, expectNacks }) => {
        const messages = topic('0: (ab)', {}, skipping)
        const anything = topicOf('anything', json<unknown>())
        topic(anything, '0:')
        const select = (value: string) => ({ key: null, value: value === 'a' ? undefined : value })
        expectOutput(messages.pipe(sendTo(kafka, anything, select), ack())).toBe('b')
        expectSent(anything).toBe('b')
        const why = 'Expected a value that JSON can hold, got undefined; got undefined'
        expectNacks('0: a', { a: exactly(`Cannot write a value for topic anything: ${why}`) })
      }),
    )

    it(
      'for a codec that writes something else',
      kafkaTest(({ topic, kafka, expectOutput, expectSent, expectNacks }) => {
        const messages = topic('0: a', {}, skipping)
        const numbers = topicOf('numbers', { decode: () => 1, encode: (value: number) => value as unknown as string })
        topic(numbers, '0:')
        const select = () => ({ key: null, value: 5 })
        expectOutput(messages.pipe(sendTo(kafka, numbers, select), ack())).toBe('')
        expectSent(numbers).toBe('')
        const why = 'its codec gave neither text, bytes nor null; got 5'
        expectNacks('0: a', { a: exactly(`Cannot write a value for topic numbers: ${why}`) })
      }),
    )

    it(
      'for what the broker refuses for good, while the rest of its batch is sent',
      kafkaTest(({ topic, expectOutput, expectNacks, flush }) => {
        const { kafka, sent } = kafkaOf((messages) =>
          of(messages.some(({ value }) => value === 'b') ? new PermanentError('too large') : null),
        )
        const messages = topic('0: (abc)', {}, { ...byValue, ...skipping })
        expectOutput(messages.pipe(sendTo(kafka, words, outgoing), ack())).toBe('(ac)')
        expectNacks('0: b', { b: exactly('too large') })
        flush()
        expect(sent.map(({ length }) => length)).toEqual([3, 1, 1, 1])
      }),
    )
  })

  it(
    'tries again what may pass, as the whole batch that it was',
    kafkaTest(({ topic, expectOutput, flush }) => {
      const { kafka, sent } = kafkaOf((_messages, call) => of(call < 3 ? new TransientError('no leader') : null))
      const messages = topic('0: (abc)', {}, byValue)
      expectOutput(messages.pipe(sendTo(kafka, words, outgoing, { retry: steady }), ack())).toBe('12ms (abc)')
      flush()
      expect(sent.map(({ length }) => length)).toEqual([3, 3, 3])
    }),
  )

  it(
    'waits a minute for an answer before it sends a second copy',
    kafkaTest(({ topic, expectOutput }) => {
      const { kafka } = kafkaOf((_messages, call) => (call < 2 ? NEVER : of(null)))
      const messages = topic('0: a')
      expectOutput(messages.pipe(sendTo(kafka, words, outgoing, { retry: steady }), ack())).toBe('60s 4ms a')
    }),
  )

  it(
    'ends the stream when there is no such topic, though nacked messages are skipped',
    kafkaTest(({ topic, kafka, expectOutput }) => {
      const messages = topic('0: a-b', {}, skipping)
      expectOutput(messages.pipe(sendTo(kafka, words, outgoing), ack())).toBe(
        '#',
        {},
        'Cannot send to words: the topic does not exist',
      )
    }),
  )

  it('refuses a topic given by a pattern at once', () => {
    const { kafka } = kafkaOf(() => of(null))
    expect(() => sendTo(kafka, topicOf(/words-.*/, text), outgoing)).toThrow(
      'Expected `topic` to be a topic with a name, not a pattern, got `/words-.*/` (object)',
    )
  })

  it('refuses at once what is no topic, and what is no broker', () => {
    const { kafka } = kafkaOf(() => of(null))
    // @ts-expect-error a name is not a topic
    expect(() => sendTo(kafka, 'words', outgoing)).toThrow('Expected `topic` to be a topic: topic(name, codec)')
    // @ts-expect-error KafkaJS's own client is not a broker
    expect(() => sendTo({ producer() {} }, words, outgoing)).toThrow(
      'Expected `kafka` to be a broker: kafkajs(yourKafka) or memoryBroker()',
    )
  })

  it('infers in a pipe, and refuses what the topic’s codec can’t encode', () => {
    const kafka: SendLike = memoryBroker()
    const quality = topicOf('quality', t.type({ id: t.string, price: t.union([t.number, t.null]) }))
    const messages: Observable<Message<{ id: string; price: number; more: boolean }>> = NEVER
    const result = messages.pipe(
      sendTo(kafka, quality, (order, { key }) => ({ key, value: order })),
      ack(),
    )
    expectTypeOf(result).toEqualTypeOf<Observable<{ id: string; price: number; more: boolean }>>()
    // @ts-expect-error a price is missing
    messages.pipe(sendTo(kafka, quality, ({ id }) => ({ key: id, value: { id } })))
    // @ts-expect-error a price is no text
    messages.pipe(sendTo(kafka, quality, ({ id }) => ({ key: id, value: { id, price: '1' } })))
    // @ts-expect-error null needs tombstones(codec)
    messages.pipe(sendTo(kafka, quality, ({ id }) => ({ key: id, value: null })))
    // @ts-expect-error a key is text, bytes or null
    messages.pipe(sendTo(kafka, quality, (order) => ({ key: 7, value: order })))
  })
})
