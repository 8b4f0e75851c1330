import { describe, expect, it } from 'vitest'
import { type Laned, LaneQueue } from '../../lib/laneQueue.ts'

interface Named extends Laned {
  readonly name: string
}

/** A queue of entries named by their lane, a letter, and their place in it. */
function queueOf(names: string, repeats: boolean): LaneQueue<Named> {
  const queue = new LaneQueue<Named>(repeats)
  for (const name of names.split(' ')) queue.add({ name, lane: name.charCodeAt(0), row: undefined, next: undefined })
  return queue
}

const namesOf = (entries: readonly Named[]) => entries.map(({ name }) => name).join(' ')

describe('LaneQueue', () => {
  it('takes what waits in free lanes as it has arrived: one of each lane, then the next', () => {
    const queue = queueOf('a1 b1 c1 a2 b2 c2 a3 b3 c3', true)
    const first = queue.take(3)
    expect(namesOf(queue.take(3))).toBe('')
    for (const entry of first) queue.release(entry)
    expect(namesOf(queue.take(5))).toBe('a2 b2 c2 a3 b3')
  })

  it('keeps a lane of which it took a part until that is settled', () => {
    const queue = queueOf('a1 b1 a2 b2 a3 b3', true)
    for (const entry of queue.take(2)) queue.release(entry)
    expect(namesOf(queue.take(1))).toBe('a2')
    expect(namesOf(queue.take(3))).toBe('b2 b3')
    expect(namesOf(queue.take(3))).toBe('')
  })

  it('takes one of each lane where a batch may hold no more', () => {
    const queue = queueOf('a1 b1 a2 b2 a3 b3', false)
    for (const entry of queue.take(6)) queue.release(entry)
    expect(namesOf(queue.take(6))).toBe('a2 b2')
  })
})
