import { expect, it } from 'vitest'
import type { Bench } from './harness.ts'

/** What a group remembers of what it read. */
export function commitCases(bench: () => Bench): void {
  it('reads back what is committed', async () => {
    const topic = await bench().topic(2)
    await bench().fill(topic, 0, 5)
    await bench().fill(topic, 1, 5)
    const groupId = bench().group()
    const reader = await bench().joined({ groupId, topics: [topic] })
    await bench().on.until(() => reader.seen.length >= 10)
    const offsets = [
      { topic, partition: 0, offset: 3 },
      { topic, partition: 1, offset: 5 },
    ]
    expect(await bench().answer((done) => reader.commit(offsets, done))).toBeNull()
    expect(await bench().on.committed(groupId, topic)).toEqual(
      new Map([
        [0, 3],
        [1, 5],
      ]),
    )
  })

  it('keeps metadata beside an offset, and hands it to the next owner', async () => {
    const topic = await bench().topic(2)
    await bench().fill(topic, 0, 5)
    await bench().fill(topic, 1, 5)
    const groupId = bench().group()
    const first = await bench().joined({ groupId, topics: [topic] })
    await bench().on.until(() => first.seen.length >= 10)
    const metadata = 'm'.repeat(4096)
    const offsets = [
      { topic, partition: 0, offset: 3, metadata },
      { topic, partition: 1, offset: 2 },
    ]
    expect(await bench().answer((done) => first.commit(offsets, done))).toBeNull()
    await bench().leave(first)
    const second = await bench().joined({ groupId, topics: [topic] })
    expect([...second.assignment].sort((a, b) => a.partition - b.partition)).toEqual([
      { topic, partition: 0, committed: 3, metadata, position: 3, logStart: 0, highWatermark: 5 },
      { topic, partition: 1, committed: 2, position: 2, logStart: 0, highWatermark: 5 },
    ])
    // A commit without replaces it.
    expect(await bench().commit(second, topic, 0, 3)).toBeNull()
    await bench().leave(second)
    const third = await bench().joined({ groupId, topics: [topic] })
    expect(third.assignment.map((one) => one.metadata)).toEqual([undefined, undefined])
  })

  it('refuses metadata that is too long, and the offset with it', async () => {
    const topic = await bench().topic(1)
    await bench().fill(topic, 0, 5)
    const groupId = bench().group()
    const reader = await bench().joined({ groupId, topics: [topic] })
    await bench().on.until(() => reader.seen.length >= 5)
    const offsets = [{ topic, partition: 0, offset: 3, metadata: 'm'.repeat(4097) }]
    expect(await bench().answer((done) => reader.commit(offsets, done))).toMatchObject({ kind: 'metadata' })
    expect(await bench().on.committed(groupId, topic)).toEqual(new Map())
  })

  it('has nothing committed until a member commits', async () => {
    const topic = await bench().topic(1)
    await bench().fill(topic, 0, 5)
    const groupId = bench().group()
    const reader = await bench().joined({ groupId, topics: [topic] })
    await bench().on.until(() => reader.seen.length >= 5)
    await bench().leave(reader)
    expect(await bench().on.committed(groupId, topic)).toEqual(new Map())
  })

  it('begins where the group has committed, whatever fromBeginning says', async () => {
    const topic = await bench().topic(1)
    await bench().fill(topic, 0, 5)
    const groupId = bench().group()
    const first = await bench().joined({ groupId, topics: [topic] })
    await bench().on.until(() => first.seen.length >= 5)
    expect(await bench().commit(first, topic, 0, 2)).toBeNull()
    await bench().leave(first)
    const second = await bench().joined({ groupId, topics: [topic], fromBeginning: false })
    expect(second.assignment).toEqual([
      { topic, partition: 0, committed: 2, position: 2, logStart: 0, highWatermark: 5 },
    ])
    await bench().on.until(() => second.seen.length >= 3)
    expect(second.offsets(0)).toEqual([2, 3, 4])
  })

  it('begins nowhere else when the log does not have what is committed', async () => {
    const topic = await bench().topic(1)
    await bench().fill(topic, 0, 5)
    const groupId = bench().group()
    const first = await bench().joined({ groupId, topics: [topic] })
    expect(await bench().commit(first, topic, 0, 9)).toBeNull()
    await bench().leave(first)
    const second = bench().reader({ groupId, topics: [topic] })
    await bench().on.until(() => second.outs.length > 0)
    await bench().pass(500)
    expect(second.outs).toEqual([{ place: { topic, partition: 0, offset: 9 }, log: { logStart: 0, highWatermark: 5 } }])
    expect(second.told).toEqual(['assigned', 'outOfRange'])
    expect(second.seen).toEqual([])
    expect(await bench().on.committed(groupId, topic)).toEqual(new Map([[0, 9]]))
  })

  it('accepts the start of an empty partition', async () => {
    const topic = await bench().topic(1)
    const groupId = bench().group()
    const reader = await bench().joined({ groupId, topics: [topic], fromBeginning: false })
    expect(await bench().commit(reader, topic, 0, 0)).toBeNull()
    expect(await bench().on.committed(groupId, topic)).toEqual(new Map([[0, 0]]))
  })

  it('lets a member commit an earlier offset of its own partition', async () => {
    const topic = await bench().topic(1)
    await bench().fill(topic, 0, 5)
    const groupId = bench().group()
    const reader = await bench().joined({ groupId, topics: [topic] })
    await bench().on.until(() => reader.seen.length >= 5)
    expect(await bench().commit(reader, topic, 0, 5)).toBeNull()
    expect(await bench().commit(reader, topic, 0, 1)).toBeNull()
    expect(await bench().on.committed(groupId, topic)).toEqual(new Map([[0, 1]]))
  })

  it('keeps the offsets of one group apart from those of another', async () => {
    const topic = await bench().topic(1)
    await bench().fill(topic, 0, 5)
    const [one, other] = [bench().group(), bench().group()]
    const reader = await bench().joined({ groupId: one, topics: [topic] })
    await bench().on.until(() => reader.seen.length >= 5)
    expect(await bench().commit(reader, topic, 0, 5)).toBeNull()
    const second = await bench().joined({ groupId: other, topics: [topic] })
    await bench().on.until(() => second.seen.length >= 5)
    expect(second.offsets(0)).toEqual([0, 1, 2, 3, 4])
    expect(await bench().on.committed(other, topic)).toEqual(new Map())
  })
}
