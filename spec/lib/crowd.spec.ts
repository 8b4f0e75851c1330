import { describe, expect, it } from 'vitest'
import { Crowd } from '../../lib/crowd.ts'

describe('a crowd', () => {
  it('keeps the order in which all came, and knows nothing of who is gone', () => {
    const crowd = new Crowd<string>()
    for (const name of ['a', 'b', 'c']) crowd.add(name)
    crowd.delete('b')
    crowd.delete('never there')
    expect([crowd.size, [...crowd]]).toEqual([2, ['a', 'c']])
  })

  it('gives those who were there, also when they leave as they are seen', () => {
    const crowd = new Crowd<string>()
    for (const name of ['a', 'b', 'c']) crowd.add(name)
    const seen: string[] = []
    for (const name of crowd) {
      seen.push(name)
      crowd.delete(name)
    }
    expect([seen, crowd.size]).toEqual([['a', 'b', 'c'], 0])
  })
})
