import { describe, expect, it } from 'vitest'
import { turn } from '../../bench/rounds.ts'

describe('turn', () => {
  it('has every row once a round, and begins each round with another', () => {
    expect([turn(3, 1), turn(3, 2), turn(3, 3), turn(3, 4)]).toEqual([
      [0, 1, 2],
      [1, 2, 0],
      [2, 0, 1],
      [0, 1, 2],
    ])
  })
})
