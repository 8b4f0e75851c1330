import * as t from 'io-ts'
import { NEVER, type Observable, of } from 'rxjs'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { ack } from '../../lib/ack.ts'
import type { Headers, OutgoingMessage } from '../../lib/broker.ts'
import { json, text, tombstones } from '../../lib/codec.ts'
import { FatalError, PermanentError, TransientError } from '../../lib/errors.ts'
import { memoryBroker } from '../../lib/memory/memoryBroker.ts'
import type { Message } from '../../lib/message.ts'
import { marbleMessages } from '../../lib/testing/marbleMessages.ts'
import { topic } from '../../lib/topic.ts'
import { type Outgoing, type SendLike, sendTo } from '../../operators/sendTo/sendTo.ts'
import { marbles } from '../support/marbles.ts'

const values = { a: 'ann', b: 'bob', c: 'ann' }
const byValue = { key: (value: string) => value }
const words = topic('words', text)
const outgoing = (value: string) => ({ key: value, value })
const one = { batch: { max: 1 } }
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
  marbles(({ scheduler, expectObservable }) => {
    const { messages } = marbleMessages(scheduler, '---(a|)', values, { headers })
    expectObservable(messages.pipe(sendTo(kafka, words, select), ack())).toBe('---(a|)', values)
  })()
  return sent[0]?.[0]
}

describe('sendTo', () => {
  it('sends many in one produce, in order, when they fill a batch, after its wait, and at the end', () => {
    const { kafka, sent } = kafkaOf(() => of(null))
    marbles(({ scheduler, expectObservable }) => {
      const source = '  abc-a------b|'
      const expected = '--(abc)--a--(b|)'
      const { messages } = marbleMessages(scheduler, source, values, byValue)
      expectObservable(messages.pipe(sendTo(kafka, words, outgoing, { batch: { max: 3 } }), ack())).toBe(
        expected,
        values,
      )
    })()
    expect(sent.map((messages) => messages.map(({ value }) => value))).toEqual([
      ['ann', 'bob', 'ann'],
      ['ann'],
      ['bob'],
    ])
  })

  it(
    'abandons what is under way when it is unsubscribed',
    marbles(({ scheduler, expectObservable }) => {
      const { kafka } = kafkaOf(() => NEVER)
      const { messages, acks, abandoned } = marbleMessages(scheduler, 'ab------', values)
      expectObservable(messages.pipe(sendTo(kafka, words, outgoing, one), ack()), '---!').toBe('-')
      expectObservable(acks).toBe('')
      expectObservable(abandoned).toBe('---(ab)')
    }),
  )

  describe('what is sent', () => {
    it('has the source’s headers and timestamp', () => {
      expect(sentFor(outgoing, { trace: 't', tenant: 'x' })).toEqual({
        topic: 'words',
        key: 'ann',
        value: 'ann',
        headers: { trace: 't', tenant: 'x' },
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
        value: 'ann',
        headers: { trace: 't', list: ['1', bytes] },
        timestamp: 7,
        partition: 2,
      })
    })

    it('may depend on the message, and may be without a key', () => {
      const select = (value: string, { offset }: Message<string>) => ({ key: null, value: `${value}${offset}` })
      expect(sentFor(select)).toMatchObject({ key: null, value: 'ann0' })
    })

    it('is written by the topic’s codec; a tombstone has no value', () => {
      const { kafka, sent } = kafkaOf(() => of(null))
      const users = topic('users', tombstones(json<{ name: string }>()))
      marbles(({ scheduler, expectObservable }) => {
        const { messages } = marbleMessages(scheduler, '(ab|)', values)
        const select = (name: string) => ({ key: name, value: name === 'bob' ? null : { name } })
        expectObservable(messages.pipe(sendTo(kafka, users, select), ack())).toBe('(ab|)', values)
      })()
      expect(sent[0]?.map(({ value }) => value)).toEqual(['{"name":"ann"}', null])
    })
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
      const { kafka, sent } = kafkaOf(() => of(null))
      marbles(({ scheduler, expectObservable }) => {
        const { messages, nacks } = marbleMessages(scheduler, '(ab|)', values)
        const select = (value: string) => ({ ...outgoing(value), ...(value === 'ann' ? (wrong as object) : {}) })
        expectObservable(messages.pipe(sendTo(kafka, words, select), ack())).toBe('(b|)', values)
        expectObservable(nacks).toBe('n', { n: `a: Expected the ${why}; see to it in the selector` })
      })()
      expect(sent[0]).toHaveLength(1)
    })

    it('for a selector that throws', () => {
      const { kafka } = kafkaOf(() => of(null))
      marbles(({ scheduler, expectObservable }) => {
        const { messages, nacks } = marbleMessages(scheduler, '(ab|)', values)
        const select = (value: string) => {
          if (value === 'ann') throw new Error('boom')
          return outgoing(value)
        }
        expectObservable(messages.pipe(sendTo(kafka, words, select), ack())).toBe('(b|)', values)
        expectObservable(nacks).toBe('n', { n: 'a: boom' })
      })()
    })

    it('for a value that the codec can’t write', () => {
      const { kafka } = kafkaOf(() => of(null))
      const anything = topic('anything', json<unknown>())
      marbles(({ scheduler, expectObservable }) => {
        const { messages, nacks } = marbleMessages(scheduler, '(ab|)', values)
        const select = (value: string) => ({ key: null, value: value === 'ann' ? undefined : value })
        expectObservable(messages.pipe(sendTo(kafka, anything, select), ack())).toBe('(b|)', values)
        const why = 'Expected a value that JSON can hold, got undefined; got undefined'
        expectObservable(nacks).toBe('n', { n: `a: Cannot write a value for topic anything: ${why}` })
      })()
    })

    it('for a codec that writes something else', () => {
      const { kafka } = kafkaOf(() => of(null))
      const numbers = topic('numbers', { decode: () => 1, encode: (value: number) => value as unknown as string })
      marbles(({ scheduler, expectObservable }) => {
        const { messages, nacks } = marbleMessages(scheduler, '(a|)', values)
        expectObservable(
          messages.pipe(
            sendTo(kafka, numbers, () => ({ key: null, value: 5 })),
            ack(),
          ),
        ).toBe('|')
        const why = 'its codec gave neither text, bytes nor null; got 5'
        expectObservable(nacks).toBe('n', { n: `a: Cannot write a value for topic numbers: ${why}` })
      })()
    })

    it('for what the broker refuses for good, while the rest of its batch is sent', () => {
      const { kafka, sent } = kafkaOf((messages) =>
        of(messages.some(({ value }) => value === 'bob') ? new PermanentError('too large') : null),
      )
      marbles(({ scheduler, expectObservable }) => {
        const { messages, nacks } = marbleMessages(scheduler, '(abc|)', values, byValue)
        expectObservable(messages.pipe(sendTo(kafka, words, outgoing), ack())).toBe('(ac|)', values)
        expectObservable(nacks).toBe('n', { n: 'b: too large' })
      })()
      expect(sent.map(({ length }) => length)).toEqual([3, 1, 1, 1])
    })
  })

  it('tries again what may pass, as the whole batch that it was', () => {
    const { kafka, sent } = kafkaOf((_messages, call) => of(call < 3 ? new TransientError('no leader') : null))
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, '(abc|)', values, byValue)
      const result = messages.pipe(sendTo(kafka, words, outgoing, { retry: steady }), ack())
      expectObservable(result).toBe('12ms (abc|)', values)
    })()
    expect(sent.map(({ length }) => length)).toEqual([3, 3, 3])
  })

  it('waits a minute for an answer before it sends a second copy', () => {
    const { kafka } = kafkaOf((_messages, call) => (call < 2 ? NEVER : of(null)))
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, '(a|)', values)
      const result = messages.pipe(sendTo(kafka, words, outgoing, { retry: steady }), ack())
      expectObservable(result).toBe('60s 4ms (a|)', values)
    })()
  })

  it('ends the stream with what no message escapes', () => {
    const { kafka } = kafkaOf(() => of(new FatalError('no such topic')))
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, 'a-b|', values)
      const error = expect.objectContaining({ name: 'FatalError', message: expect.stringContaining('no such topic') })
      expectObservable(messages.pipe(sendTo(kafka, words, outgoing, one), ack())).toBe('#', undefined, error)
    })()
  })

  it('refuses a topic given by a pattern at once', () => {
    const { kafka } = kafkaOf(() => of(null))
    expect(() => sendTo(kafka, topic(/words-.*/, text), outgoing)).toThrow(
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
    const quality = topic('quality', t.type({ id: t.string, price: t.union([t.number, t.null]) }))
    marbles(({ scheduler }) => {
      const orders = { a: { id: 'o', price: 1, more: true } }
      const { messages } = marbleMessages(scheduler, '-', orders)
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
    })()
  })
})
