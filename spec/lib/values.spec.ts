import { take } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { ack } from '../../lib/ack.ts'
import { marbleMessages } from '../../lib/testing/marbleMessages.ts'
import { filterValue, flatMapValue, mapValue, tapValue } from '../../lib/values.ts'
import { marbles } from '../support/marbles.ts'

const values = { a: 'a', b: 'b', c: 'c' }
const failAtB = (value: string) => {
  if (value === 'b') throw new Error('boom')
  return value.toUpperCase()
}

describe('mapValue', () => {
  it(
    'maps the value and keeps the message',
    marbles(({ scheduler, expectObservable }) => {
      const { messages, acks } = marbleMessages(scheduler, '-a-b|', values)
      expectObservable(
        messages.pipe(
          mapValue((v, m) => v + m.offset),
          ack(),
        ),
      ).toBe('-x-y|', { x: 'a0', y: 'b1' })
      expectObservable(acks).toBe('-a-b')
    }),
  )

  it(
    'nacks the message at which it throws, and lives on',
    marbles(({ scheduler, expectObservable }) => {
      const { messages, acks, nacks } = marbleMessages(scheduler, 'abc|', values)
      expectObservable(messages.pipe(mapValue(failAtB), ack())).toBe('A-C|')
      expectObservable(acks).toBe('a-c')
      expectObservable(nacks).toBe('-b', { b: 'b: boom' })
    }),
  )

  it(
    'lets nothing through after a synchronous take',
    marbles(({ scheduler, expectObservable }) => {
      const { messages, acks } = marbleMessages(scheduler, '(abc)', values)
      expectObservable(messages.pipe(mapValue(String), ack(), take(1))).toBe('(a|)')
      expectObservable(acks).toBe('a')
    }),
  )

  it(
    'says what came when the stream is no longer of messages',
    marbles(({ scheduler, expectObservable, cold }) => {
      const { messages } = marbleMessages(scheduler, 'a', values)
      const bare = cold('a') as unknown as typeof messages
      expectObservable(bare.pipe(mapValue(String))).toBe(
        '#',
        {},
        expect.objectContaining({
          message: expect.stringContaining('Expected a message of fromTopic, got a (string)'),
        }),
      )
    }),
  )
})

describe('a view that is spent', () => {
  it(
    'errors the stream, in words: the pipe is wrong, not the message',
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, 'ab', values)
      const early = messages.pipe(
        tapValue((_, message) => message.ack()),
        mapValue(String),
      )
      const words = 'Cannot hand on topic[0]@0: this view of it is settled or was handed on by with(); use fork()'
      expectObservable(early).toBe('#', {}, expect.objectContaining({ message: expect.stringContaining(words) }))
    }),
  )
})

describe('filterValue', () => {
  it(
    'passes on what satisfies the predicate and acks the rest',
    marbles(({ scheduler, expectObservable }) => {
      const { messages, acks } = marbleMessages(scheduler, 'abc|', values)
      expectObservable(
        messages.pipe(
          filterValue((v) => v !== 'b'),
          ack(),
        ),
      ).toBe('a-c|')
      expectObservable(acks).toBe('abc')
    }),
  )

  it(
    'nacks the message at which it throws',
    marbles(({ scheduler, expectObservable }) => {
      const { messages, nacks } = marbleMessages(scheduler, 'ab|', values)
      expectObservable(
        messages.pipe(
          filterValue((v) => failAtB(v) !== ''),
          ack(),
        ),
      ).toBe('a-|')
      expectObservable(nacks).toBe('-b', { b: 'b: boom' })
    }),
  )
})

describe('tapValue', () => {
  it(
    'looks at each value and passes the message on',
    marbles(({ scheduler, expectObservable }) => {
      const seen: string[] = []
      const { messages } = marbleMessages(scheduler, 'a-b|', values)
      expectObservable(
        messages.pipe(
          tapValue((v) => seen.push(v)),
          ack(),
        ),
      ).toBe('a-b|')
      scheduler.flush()
      expect(seen).toEqual(['a', 'b'])
    }),
  )
})

describe('flatMapValue', () => {
  it(
    'acks a message with the last of its values',
    marbles(({ scheduler, expectObservable }) => {
      const { messages, acks } = marbleMessages(scheduler, 'a---b|', { a: [1, 2], b: [3] })
      expectObservable(
        messages.pipe(
          flatMapValue((all) => all),
          ack(),
        ),
      ).toBe('(xy)z|', { x: 1, y: 2, z: 3 })
      expectObservable(acks).toBe('a---b')
    }),
  )

  it(
    'acks a message of no value at once',
    marbles(({ scheduler, expectObservable }) => {
      const { messages, acks } = marbleMessages(scheduler, 'a|', values)
      expectObservable(messages.pipe(flatMapValue(() => []))).toBe('-|')
      expectObservable(acks).toBe('a')
    }),
  )
})
