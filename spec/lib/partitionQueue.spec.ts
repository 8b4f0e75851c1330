import { describe, expect, it } from 'vitest'
import type { Entry } from '../../lib/entry.ts'
import type { Message, Origin } from '../../lib/message.ts'
import { PartitionQueue } from '../../lib/partitionQueue.ts'

type Named = Entry<unknown, string>

const originOf = (partition: number) => ({ topic: 'orders', partition }) as Origin
const origins = [0, 1, 2].map(originOf)

function entryOf(request: string, origin: Origin, lane?: number): Named {
  const still = { row: undefined, next: undefined, server: undefined }
  const untried = { failures: 0, error: undefined, deadline: undefined }
  return { ...still, ...untried, message: { origin } as Message<unknown>, request, lane }
}

/** A queue of entries without a lane; the number of a name is its partition's. */
function queueOf(names: string): PartitionQueue<Named> {
  const queue = new PartitionQueue<Named>(true)
  for (const name of names.split(' ')) queue.add(entryOf(name, origins[Number(name.at(-1))] as Origin))
  return queue
}

const namesOf = (entries: Iterable<Named>) => [...entries].map(({ request }) => request).join(' ')

describe('PartitionQueue', () => {
  it('does not fill up with another partition what is half full', () => {
    const queue = queueOf('a0 a1 b0 b1')
    expect(namesOf(queue.take(4))).toBe('a0 b0')
    expect(namesOf(queue.take(4))).toBe('a1 b1')
    expect(queue.length).toBe(0)
  })

  it('takes of several partitions where each has few', () => {
    expect(namesOf(queueOf('a0 a1 a2 b2').take(8))).toBe('a0 a1 a2 b2')
  })

  it('takes of each partition in its turn, whatever another has', () => {
    const queue = queueOf('a0 b0 c0 d0 e0 f0 a1 b1')
    expect([2, 2, 2, 2].map((max) => namesOf(queue.take(max)))).toEqual(['a0 b0', 'a1 b1', 'c0 d0', 'e0 f0'])
  })

  it('counts and gives what waits in all of them', () => {
    const queue = queueOf('a0 a1 b0')
    expect([queue.length, queue.isEmpty, namesOf(queue)]).toEqual([3, false, 'a0 b0 a1'])
    queue.take(8)
    expect([queue.length, queue.isEmpty, namesOf(queue)]).toEqual([0, true, ''])
  })

  it('says when a lane that others wait in is free', () => {
    const queue = new PartitionQueue<Named>(true)
    const [first, second] = ['a0', 'b0'].map((name) => entryOf(name, originOf(0), 1)) as [Named, Named]
    queue.add(first)
    queue.take(8)
    queue.add(second)
    expect(namesOf(queue.take(8))).toBe('')
    expect([queue.length, queue.release(first), queue.length]).toEqual([0, true, 1])
    expect(namesOf(queue.take(8))).toBe('b0')
    expect(queue.release(second)).toBe(false)
  })

  it('keeps the order of a lane whose partition went and came back', () => {
    const queue = new PartitionQueue<Named>(true)
    const [before, after] = [originOf(0), originOf(0)].map((origin) => entryOf('a0', origin, 1)) as [Named, Named]
    queue.add(before)
    queue.take(8)
    queue.add(after)
    expect(namesOf(queue.take(8))).toBe('')
    queue.release(before)
    expect(namesOf(queue.take(8))).toBe('a0')
  })
})
