import { describe, expect, it } from 'vitest'
import { type FetchedPartition, hideAborted } from '../../../lib/kafkajs/aborted.ts'

/** A log in letters: of the producer `a` or `b`, in a transaction; `A` and `B` are abort markers, `C` commits for `a`, `-` is of none. */
function fetched(log: string, from: number, aborted: readonly [producerId: string, firstOffset: number][]) {
  const messages = [...log].map((letter, i) => ({
    offset: `${from + i}`,
    key: 'ABC'.includes(letter) ? Buffer.from([0, 0, 0, letter === 'C' ? 1 : 0]) : Buffer.from([0, 0, 0, 0]),
    isControlRecord: 'ABC'.includes(letter),
    batchContext: { producerId: letter === 'C' ? 'a' : letter.toLowerCase(), inTransaction: letter !== '-' },
  }))
  const abortedTransactions = aborted.map(([producerId, firstOffset]) => ({
    producerId,
    firstOffset: `${firstOffset}`,
  }))
  const partition: FetchedPartition = { messages, abortedTransactions }
  hideAborted(partition)
  expect(partition.abortedTransactions).toEqual([])
  return [...log].filter((_, i) => !partition.messages[i]?.isControlRecord).join('')
}

describe('aborted messages', () => {
  it('are hidden, up to the marker of their producer', () => {
    expect(fetched('-abaA-aC', 0, [['a', 1]])).toBe('-b-a')
  })

  it('are hidden where transactions overlap, though Kafka lists them by their end', () => {
    const aborted: [string, number][] = [
      ['b', 2],
      ['a', 0],
    ]
    expect(fetched('aabbBaA-', 0, aborted)).toBe('-')
  })

  it('are hidden where several began before the fetch', () => {
    const aborted: [string, number][] = [
      ['a', 3],
      ['b', 5],
    ]
    expect(fetched('bbaAB-', 10, aborted)).toBe('-')
  })

  it('do not end at a message that looks like a marker', () => {
    expect(fetched('a-aA', 0, [['a', 0]])).toBe('-')
  })
})
