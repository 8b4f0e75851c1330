import { describe, expect, it } from 'vitest'
import { Lanes, type Order } from '../../lib/lanes.ts'
import { Message, type Token } from '../../lib/message.ts'

interface Place {
  readonly topic?: string
  readonly partition?: number
  readonly key?: Uint8Array | null
}

function messageOf({ topic = 'orders', partition = 0, key = null }: Place): Message<null> {
  const token = { origin: { topic, partition } } as Token
  return new Message(null, { offset: 0, timestamp: 0, key, value: null }, token, 0)
}

const laneOf = (message: Message<null>, order: Order) => new Lanes(order).of(message)

const a = Buffer.from('a')

describe('the lane of a message', () => {
  it('is the same for the same bytes of a key', () => {
    const copy = Uint8Array.from(a)
    expect(laneOf(messageOf({ key: copy }), 'key')).toBe(laneOf(messageOf({ key: a }), 'key'))
  })

  it.each<[string, Place]>([
    ['key', { key: Buffer.from('b') }],
    ['partition', { key: a, partition: 1 }],
    ['topic', { key: a, topic: 'trades' }],
    ['length of zeros', { key: Buffer.from([97, 0]) }],
  ])('differs with the %s', (_, other) => {
    expect(laneOf(messageOf(other), 'key')).not.toBe(laneOf(messageOf({ key: a }), 'key'))
  })

  it('is kept apart from that of the partition before', () => {
    const lanes = new Lanes('key')
    const [first, other] = [messageOf({ key: a }), messageOf({ key: a, partition: 1 })]
    const row = [lanes.of(first), lanes.of(other), lanes.of(first)]
    expect(row).toEqual([laneOf(first, 'key'), laneOf(other, 'key'), laneOf(first, 'key')])
  })

  it('is a lane of its own for a message without a key', () => {
    expect(laneOf(messageOf({ key: null }), 'key')).toBeUndefined()
  })

  it('is one lane a partition where that is asked for', () => {
    expect(laneOf(messageOf({ key: a }), 'partition')).toBe(laneOf(messageOf({ key: null }), 'partition'))
  })

  it('is no lane where no order is asked for', () => {
    expect(laneOf(messageOf({ key: a }), 'none')).toBeUndefined()
  })

  it('is seldom shared by chance', () => {
    const lanes = new Set<number | undefined>()
    for (let n = 0; n < 20_000; n++) lanes.add(laneOf(messageOf({ key: Buffer.from(`user-${n}`) }), 'key'))
    expect(lanes.size).toBeGreaterThan(19_995)
  })
})
