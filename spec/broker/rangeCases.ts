import { expect, it } from 'vitest'
import type { Bench } from './harness.ts'

/** What happens when the next offset to read is not, or no longer, in the log. */
export function rangeCases(bench: () => Bench): void {
  /** A member that has read five messages and was paused while ten more came, the first eight of them deleted since. */
  async function overtaken() {
    const topic = await bench().topic(1)
    const groupId = bench().group()
    const reader = await bench().joined({ groupId, topics: [topic] })
    await bench().fill(topic, 0, 5)
    await bench().on.until(() => reader.seen.length === 5)
    reader.pause(topic, 0)
    // A fetch that waits for messages may still bring the first.
    await bench().fill(topic, 0, 1, 5)
    await bench().pass(500)
    await bench().fill(topic, 0, 9, 6)
    await bench().on.deleteRecords(topic, 0, 13)
    return { topic, reader, groupId }
  }

  it('tells of a place that was deleted before it was read, and delivers nothing until it is told to seek', async () => {
    const { topic, reader, groupId } = await overtaken()
    const before = reader.seen.length
    reader.resume(topic, 0)
    await bench().on.until(() => reader.outs.length > 0)
    await bench().pass(500)
    expect(reader.outs).toEqual([
      { place: { topic, partition: 0, offset: before }, log: { logStart: 13, highWatermark: 15 } },
    ])
    expect(reader.seen.length).toBe(before)
    reader.seek(topic, 0, 14)
    await bench().on.until(() => reader.seen.length > before)
    expect(reader.offsets(0).slice(before)).toEqual([14])
    expect(await bench().on.committed(groupId, topic)).toEqual(new Map())
  })

  it('goes on where it is told to seek at once', async () => {
    const { topic, reader } = await overtaken()
    const before = reader.seen.length
    reader.onOut = ({ logStart }) => reader.seek(topic, 0, logStart)
    reader.resume(topic, 0)
    await bench().on.until(() => reader.seen.length >= before + 2)
    await bench().fill(topic, 0, 1, 15)
    await bench().on.until(() => reader.seen.length >= before + 3)
    expect(reader.offsets(0).slice(before)).toEqual([13, 14, 15])
    expect(reader.told).toEqual(['assigned', 'outOfRange'])
  })

  it('goes on with the other partitions', async () => {
    const topic = await bench().topic(2)
    const groupId = bench().group()
    const first = await bench().joined({ groupId, topics: [topic] })
    expect(await bench().commit(first, topic, 0, 9)).toBeNull()
    await bench().leave(first)
    const reader = bench().reader({ groupId, topics: [topic] })
    await bench().on.until(() => reader.outs.length > 0)
    await bench().fill(topic, 1, 3)
    await bench().on.until(() => reader.seen.length === 3)
    expect(reader.offsets(1)).toEqual([0, 1, 2])
  })

  it('goes on in a topic that is deleted and created again, of which the group has nothing committed', async () => {
    const topic = await bench().topic(1)
    const groupId = bench().group()
    const reader = await bench().joined({ groupId, topics: [topic] })
    await bench().fill(topic, 0, 5)
    await bench().on.until(() => reader.seen.length === 5)
    expect(await bench().commit(reader, topic, 0, 5)).toBeNull()
    // A member that fetches while the topic is gone joins again; one that doesn't finds its place out of the log.
    reader.onOut = ({ logStart }) => reader.seek(topic, 0, logStart)
    await bench().on.recreateTopic(topic)
    await bench().on.until(() => reader.joins + reader.outs.length >= 2)
    expect(await bench().on.committed(groupId, topic)).toEqual(new Map())
    await bench().fill(topic, 0, 2)
    await bench().on.until(() => reader.seen.length === 7)
    expect(reader.offsets(0)).toEqual([0, 1, 2, 3, 4, 0, 1])
  })
}
