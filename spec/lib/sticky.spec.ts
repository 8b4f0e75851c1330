import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { TopicPartition } from '../../lib/broker.ts'
import { assignSticky, type StickyMember } from '../../lib/sticky.ts'

const partitionsOf = (topic: string, count: number): TopicPartition[] =>
  Array.from({ length: count }, (_, partition) => ({ topic, partition }))

const member = (owned: readonly TopicPartition[] = [], generation = 1, topics = ['a', 'b', 'c']): StickyMember => ({
  topics,
  owned,
  generation,
})

const keys = (places: readonly TopicPartition[]) => places.map(({ topic, partition }) => `${topic}${partition}`)
const dealt = (partitions: readonly TopicPartition[], members: readonly StickyMember[]) =>
  assignSticky(partitions, members).map((share) => keys(share).join(' '))

/** Partitions of up to three topics. */
const topics = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 3 })
const topicNames = ['a', 'b', 'c']
const all = (counts: readonly number[]) => counts.flatMap((count, i) => partitionsOf(topicNames[i] as string, count))

/** Members that claim what they like, also what does not exist and what others claim. */
const claims = fc.array(
  fc.tuple(
    fc.array(fc.record({ topic: fc.constantFrom('a', 'b', 'c', 'z'), partition: fc.nat(14) }), { maxLength: 20 }),
    fc.integer({ min: -1, max: 4 }),
  ),
  { minLength: 1, maxLength: 6 },
)

describe('assignSticky', () => {
  it('deals out in turn where nobody had anything', () => {
    expect(dealt(partitionsOf('a', 7), [member(), member(), member()])).toEqual(['a0 a3 a6', 'a1 a4', 'a2 a5'])
  })

  it('spreads each topic over the members', () => {
    const shares = dealt([...partitionsOf('a', 3), ...partitionsOf('b', 3)], [member(), member(), member()])
    expect(shares).toEqual(['a0 b0', 'a1 b1', 'a2 b2'])
  })

  it('moves to a member that joins only its share', () => {
    const shares = dealt(partitionsOf('a', 6), [
      member(partitionsOf('a', 3)),
      member(partitionsOf('a', 6).slice(3)),
      member(),
    ])
    expect(shares).toEqual(['a0 a1', 'a3 a4', 'a2 a5'])
  })

  it('gives up of each topic in turn', () => {
    const [a, b] = [partitionsOf('a', 4), partitionsOf('b', 2)]
    expect(dealt([...a, ...b], [member([...a, ...b]), member()])).toEqual(['a0 a1 b0', 'a3 a2 b1'])
  })

  it('leaves all to whoever stays when a member leaves', () => {
    const places = partitionsOf('a', 6)
    expect(dealt(places, [member(places.slice(0, 2)), member(places.slice(4))])).toEqual(['a0 a1 a2', 'a4 a5 a3'])
  })

  it('believes the later of two claims', () => {
    const places = partitionsOf('a', 4)
    const zombie = member(places.slice(0, 2), 3)
    const owner = member(places.slice(0, 2), 4)
    expect(dealt(places, [zombie, owner])).toEqual(['a2 a3', 'a0 a1'])
    expect(dealt(places, [owner, zombie])).toEqual(['a0 a1', 'a2 a3'])
  })

  it('gives partitions only to members that read their topic', () => {
    const shares = dealt(
      [...partitionsOf('a', 2), ...partitionsOf('b', 4)],
      [member([], 1, ['a']), member([], 1, ['a', 'b'])],
    )
    expect(shares).toEqual(['a0 a1', 'b0 b1 b2 b3'])
  })

  it('takes a topic away from a member that reads it no more', () => {
    const places = partitionsOf('b', 2)
    expect(dealt(places, [member(places, 1, ['a']), member([], 1, ['a', 'b'])])).toEqual(['', 'b0 b1'])
  })

  it('deals each partition to exactly one member, equally, whatever is claimed', () => {
    const property = fc.property(topics, claims, (counts, claimed) => {
      const partitions = all(counts)
      const members = claimed.map(([owned, generation]) => member(owned, generation))
      const shares = assignSticky(partitions, members)
      expect(keys(shares.flat()).sort()).toEqual(keys(partitions).sort())
      const sizes = shares.map(({ length }) => length)
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
      expect(assignSticky(partitions, members)).toEqual(shares)
    })
    fc.assert(property, { numRuns: 1000 })
  })

  it('takes from nobody more than the equal shares ask for', () => {
    const property = fc.property(topics, claims, (counts, claimed) => {
      const partitions = all(counts)
      const members = claimed.map(([owned, generation]) => member(owned, generation))
      const kept = validClaims(partitions, members)
      const shares = assignSticky(partitions, members)
      const lost = kept.map((owned, i) => owned.filter((key) => !keys(shares[i] ?? []).includes(key)).length)
      expect(lost.reduce((sum, one) => sum + one, 0)).toBe(fewestMoves(partitions.length, kept))
    })
    fc.assert(property, { numRuns: 1000 })
  })

  it('moves to a member that joins a balanced group its share, and nothing else', () => {
    const property = fc.property(topics, fc.integer({ min: 1, max: 8 }), (counts, size) => {
      const partitions = all(counts)
      const before = assignSticky(
        partitions,
        Array.from({ length: size }, () => member()),
      )
      const after = assignSticky(partitions, [...before.map((owned) => member(owned)), member()])
      expect(after.at(-1)?.length).toBe(Math.floor(partitions.length / (size + 1)))
      before.forEach((owned, i) => {
        expect(keys(owned)).toEqual(expect.arrayContaining(keys(after[i] ?? [])))
      })
    })
    fc.assert(property, { numRuns: 500 })
  })

  it('changes nothing in a group that stays as it is', () => {
    const property = fc.property(topics, claims, (counts, claimed) => {
      const partitions = all(counts)
      const once = assignSticky(
        partitions,
        claimed.map(([owned, generation]) => member(owned, generation)),
      )
      const again = assignSticky(
        partitions,
        once.map((owned) => member(owned, 9)),
      )
      expect(again.map((share) => keys(share).sort())).toEqual(once.map((share) => keys(share).sort()))
    })
    fc.assert(property, { numRuns: 500 })
  })

  it('gives every partition that somebody reads to one who does, and levels as far as they may be moved', () => {
    const reads = fc.array(fc.subarray(topicNames), { minLength: 1, maxLength: 5 })
    const property = fc.property(topics, claims, reads, (counts, claimed, subscriptions) => {
      const partitions = all(counts)
      const members = subscriptions.map((read, i) => member(claimed[i]?.[0], claimed[i]?.[1], read))
      const shares = assignSticky(partitions, members)
      const read = new Set(subscriptions.flat())
      expect(keys(shares.flat()).sort()).toEqual(keys(partitions.filter(({ topic }) => read.has(topic))).sort())
      shares.forEach((share, i) => {
        for (const { topic } of share) expect(members[i]?.topics).toContain(topic)
        members.forEach((other, j) => {
          const canTake = share.some(({ topic }) => other.topics.includes(topic))
          if (canTake) expect(share.length - (shares[j]?.length ?? 0)).toBeLessThanOrEqual(1)
        })
      })
    })
    fc.assert(property, { numRuns: 1000 })
  })
})

/** What each member claims, exists, and nobody claims of a later generation (or of the same, but before it). */
function validClaims(partitions: readonly TopicPartition[], members: readonly StickyMember[]): string[][] {
  const kept = members.map((): string[] => [])
  for (const key of keys(partitions)) {
    const claimants = members.map((one, i) => ({ ...one, i })).filter(({ owned }) => keys(owned).includes(key))
    const latest = Math.max(...claimants.map(({ generation }) => generation))
    const winner = claimants.find(({ generation }) => generation === latest)
    if (winner !== undefined) kept[winner.i]?.push(key)
  }
  return kept
}

/** Each keeps at most the larger of the two equal shares, and as many as there are such shares keep that. */
function fewestMoves(count: number, kept: readonly string[][]): number {
  const share = Math.floor(count / kept.length)
  const larger = Math.min(count % kept.length, kept.filter(({ length }) => length > share).length)
  return kept.reduce((sum, { length }) => sum + Math.max(0, length - share), 0) - larger
}
