import { describe, expect, it } from 'vitest'
import { quantileOf, spreadOf } from '../../bench/statistics.ts'

describe('spreadOf', () => {
  it('gives the middle of an odd number of figures, by size and not by text', () => {
    expect(spreadOf([100, 9, 20])).toEqual({ median: 20, min: 9, max: 100 })
  })

  it('gives the mean of the two in the middle of an even number', () => {
    expect(spreadOf([4, 1, 2, 10])).toEqual({ median: 3, min: 1, max: 10 })
  })
})

describe('quantileOf', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1)

  it('gives the figure that so many do not exceed', () => {
    expect([quantileOf(hundred, 0.5), quantileOf(hundred, 0.99), quantileOf(hundred, 1)]).toEqual([50, 99, 100])
  })

  it('gives the only one there is', () => {
    expect([quantileOf([7], 0), quantileOf([7], 0.99)]).toEqual([7, 7])
  })
})
