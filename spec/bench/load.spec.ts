import { describe, expect, it } from 'vitest'
import { quickly, totalOf } from '../../bench/load.ts'

const load = { kind: 'orders', partitions: 64, warmUp: 1000, messages: 20_000, bytes: 500 } as const

describe('a load', () => {
  it('is quickly a tenth of it, and the same in all else', () => {
    expect(quickly(load)).toEqual({ ...load, warmUp: 100, messages: 2000 })
    expect(totalOf(quickly(load))).toBe(2100)
  })

  it('is never so small that nothing is measured', () => {
    expect(quickly({ ...load, warmUp: 10, messages: 20 })).toMatchObject({ warmUp: 50, messages: 50 })
  })
})
