import { describe, expect, it } from 'vitest'
import { faultNames, planOf } from './plan.ts'

const options = { seed: 1, length: 600_000, members: 3, sessionTimeout: 8000 }

describe('the plan of chaos', () => {
  it('is the same for the same seed', () => {
    expect(planOf(options)).toEqual(planOf(options))
    expect(planOf(options)).not.toEqual(planOf({ ...options, seed: 2 }))
  })

  it('begins the same, however long it is', () => {
    const short = planOf({ ...options, length: 100_000 })
    expect(planOf(options).slice(0, short.length)).toEqual(short)
  })

  it('draws every fault in three runs of ten minutes', () => {
    const drawn = [1, 2, 3].flatMap((seed) => planOf({ ...options, seed }).map(({ name }) => name))
    expect([...new Set(drawn)].sort()).toEqual([...faultNames].sort())
  })

  it('freezes for longer than a session', () => {
    const freezes = planOf(options).filter(({ name }) => name === 'freeze')
    expect(freezes.every(({ lasts }) => lasts > 8000)).toBe(true)
  })
})
