import { describe, expect, it } from 'vitest'
import { messageOf } from '../../bench/messages.ts'

const order = { kind: 'orders' } as const

describe('messageOf', () => {
  it('makes the same message for the same number', () => {
    expect(messageOf(7, order)).toEqual(messageOf(7, order))
    expect(messageOf(7, order).value).not.toBe(messageOf(8, order).value)
  })

  it('makes values of the size that is asked for', () => {
    expect(messageOf(7, { ...order, bytes: 1000 }).value).toHaveLength(1000)
    expect(messageOf(7, { ...order, bytes: 100_000 }).value).toHaveLength(100_000)
  })

  it('gives one key to the share that is asked for', () => {
    const keys = Array.from({ length: 1000 }, (_, n) => messageOf(n, { ...order, hot: 0.5 }).key)
    expect(keys.filter((key) => key === 'user-0')).toHaveLength(500)
  })

  it('says when it was due', () => {
    expect(JSON.parse(messageOf(7, order, 12.5).value).due).toBe(12.5)
  })

  it('has so many times as are asked for, each as often, in no order', () => {
    const times = Array.from({ length: 70 }, (_, n) => JSON.parse(messageOf(n, { ...order, times: 7 }).value).timestamp)
    expect(new Set(times).size).toBe(7)
    expect(times).not.toEqual(times.toSorted())
    expect(times.filter((time) => time === times[0])).toHaveLength(10)
  })
})
