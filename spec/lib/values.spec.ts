import { type Observable, take } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { ack } from '../../lib/ack.ts'
import type { Message } from '../../lib/message.ts'
import { kafkaTest } from '../../lib/testing/kafkaTest.ts'
import { filterValue, flatMapValue, mapValue, tapValue } from '../../lib/values.ts'

const skip = { onNack: 'skip' } as const
const failAtB = (value: string) => {
  if (value === 'b') throw new Error('boom')
  return value.toUpperCase()
}

describe('mapValue', () => {
  it(
    'maps the value and keeps the message',
    kafkaTest(({ topic, expectOutput, expectAcks }) => {
      const withOffset = mapValue((v: string, m) => v + m.offset)
      expectOutput(topic('0: -a-b').pipe(withOffset, ack())).toBe('-x-y', { x: 'a0', y: 'b1' })
      expectAcks('0: -a-b')
    }),
  )

  it(
    'nacks the message at which it throws, and lives on',
    kafkaTest(({ topic, expectOutput, expectAcks, expectNacks }) => {
      expectOutput(topic('0: abc', {}, skip).pipe(mapValue(failAtB), ack())).toBe('A-C')
      expectAcks(' 0: a-c')
      expectNacks('0: -b', { b: 'boom' })
    }),
  )

  it(
    'lets nothing through after a synchronous take',
    kafkaTest(({ topic, expectOutput, expectAcks }) => {
      expectOutput(topic('0: (abc)').pipe(mapValue(String), ack(), take(1))).toBe('(a|)')
      expectAcks('0: a')
    }),
  )

  it(
    'says what came when the stream is no longer of messages',
    kafkaTest(({ cold, expectOutput }) => {
      const bare = cold('a') as unknown as Observable<Message<string>>
      expectOutput(bare.pipe(mapValue(String))).toBe('#', {}, 'Expected a message of fromTopic, got a (string)')
    }),
  )
})

describe('a view that is spent', () => {
  it(
    'errors the stream, in words: the pipe is wrong, not the message',
    kafkaTest(({ topic, expectOutput }) => {
      const early = topic('0: ab').pipe(
        tapValue((_, message) => message.ack()),
        mapValue(String),
      )
      const words = 'Cannot hand on topic[0]@0: this view of it is settled or was handed on by with(); use fork()'
      expectOutput(early).toBe('#', {}, words)
    }),
  )
})

describe('filterValue', () => {
  it(
    'passes on what satisfies the predicate and acks the rest',
    kafkaTest(({ topic, expectOutput, expectAcks }) => {
      const result = topic('0: abc').pipe(
        filterValue((v) => v !== 'b'),
        ack(),
      )
      expectOutput(result).toBe('a-c')
      expectAcks('            0: abc')
    }),
  )

  it(
    'nacks the message at which it throws',
    kafkaTest(({ topic, expectOutput, expectNacks }) => {
      const result = topic('0: ab', {}, skip).pipe(
        filterValue((v) => failAtB(v) !== ''),
        ack(),
      )
      expectOutput(result).toBe('a')
      expectNacks('0: -b', { b: 'boom' })
    }),
  )
})

describe('tapValue', () => {
  it(
    'looks at each value and passes the message on',
    kafkaTest(({ topic, expectOutput, flush }) => {
      const seen: string[] = []
      const result = topic('0: a-b').pipe(
        tapValue((v) => seen.push(v)),
        ack(),
      )
      expectOutput(result).toBe('a-b')
      flush()
      expect(seen).toEqual(['a', 'b'])
    }),
  )
})

describe('flatMapValue', () => {
  it(
    'acks a message with the last of its values',
    kafkaTest(({ topic, expectOutput, expectAcks }) => {
      const result = topic('0: a---b', { a: [1, 2], b: [3] }).pipe(
        flatMapValue((all) => all),
        ack(),
      )
      expectOutput(result).toBe('(xy)z', { x: 1, y: 2, z: 3 })
      expectAcks('            0: a---b')
    }),
  )

  it(
    'acks a message of no value at once',
    kafkaTest(({ topic, expectOutput, expectAcks }) => {
      expectOutput(topic('0: a').pipe(flatMapValue(() => []))).toBe('')
      expectAcks('0: a')
    }),
  )
})
