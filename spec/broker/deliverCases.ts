import { expect, it } from 'vitest'
import { errorClassOf } from '../../lib/errors.ts'
import type { Bench } from './harness.ts'

/** How messages reach a member. */
export function deliverCases(bench: () => Bench): void {
  it('delivers all messages, in order in each partition', async () => {
    const topic = await bench().topic(4)
    for (let partition = 0; partition < 4; partition++) await bench().fill(topic, partition, 1500)
    const reader = bench().reader({ groupId: bench().group(), topics: [topic] })
    await bench().on.until(() => reader.seen.length >= 6000)
    const numbers = Array.from({ length: 1500 }, (_, i) => i)
    for (let partition = 0; partition < 4; partition++) {
      expect(reader.offsets(partition)).toEqual(numbers)
      expect(reader.values(partition)).toEqual(numbers.map(String))
    }
  })

  it('says of each batch where it ends and where its partition ends', async () => {
    const topic = await bench().topic(1)
    await bench().fill(topic, 0, 2500)
    const reader = bench().reader({ groupId: bench().group(), topics: [topic] })
    await bench().on.until(() => reader.seen.length >= 2500)
    let next = 0
    for (const { offsets, nextOffset, highWatermark } of reader.batches) {
      expect(offsets[0] ?? next).toBe(next)
      next += offsets.length
      expect(nextOffset).toBe(next)
      expect(highWatermark).toBe(2500)
    }
  })

  it('delivers what is sent while it waits', async () => {
    const topic = await bench().topic(1)
    const reader = await bench().joined({ groupId: bench().group(), topics: [topic] })
    for (let i = 0; i < 3; i++) {
      await bench().fill(topic, 0, 1, i)
      await bench().on.until(() => reader.seen.length > i)
    }
    expect(reader.values(0)).toEqual(['0', '1', '2'])
  })

  it('begins a new group at the oldest message when fromBeginning is set', async () => {
    const topic = await bench().topic(1)
    await bench().fill(topic, 0, 3)
    const reader = await bench().joined({ groupId: bench().group(), topics: [topic], fromBeginning: true })
    expect(reader.assignment).toEqual([
      { topic, partition: 0, committed: null, position: 0, logStart: 0, highWatermark: 3 },
    ])
    await bench().on.until(() => reader.seen.length >= 3)
    expect(reader.offsets(0)).toEqual([0, 1, 2])
  })

  it('begins a new group at the end otherwise', async () => {
    const topic = await bench().topic(1)
    await bench().fill(topic, 0, 3)
    const reader = await bench().joined({ groupId: bench().group(), topics: [topic], fromBeginning: false })
    expect(reader.assignment).toEqual([
      { topic, partition: 0, committed: null, position: 3, logStart: 0, highWatermark: 3 },
    ])
    await bench().fill(topic, 0, 2, 3)
    await bench().on.until(() => reader.seen.length >= 2)
    expect(reader.offsets(0)).toEqual([3, 4])
  })

  it('begins a new group at the first message that is not older than an instant, or at the end', async () => {
    const topic = await bench().topic(3)
    const now = Date.now()
    const numbered = [100, 200, 200, 300].map((ms, i) => {
      return { topic, partition: 0, key: null, value: `${i}`, timestamp: now + ms }
    })
    await bench().send(...numbered, { topic, partition: 1, key: null, value: 'old', timestamp: now })
    const fromBeginning = new Date(now + 200)
    const reader = await bench().joined({ groupId: bench().group(), topics: [topic], fromBeginning })
    const positions = [...reader.assignment].sort((a, b) => a.partition - b.partition).map(({ position }) => position)
    expect(positions).toEqual([1, 1, 0])
    await bench().on.until(() => reader.seen.length >= 3)
    expect(reader.offsets(0)).toEqual([1, 2, 3])
  })

  it('reads all topics that match a pattern', async () => {
    const prefix = bench().on.uniqueName('pattern')
    for (const name of [`${prefix}-a`, `${prefix}-b`, `other-${prefix}`]) await bench().on.createTopic(name, 2)
    const reader = await bench().joined({ groupId: bench().group(), topics: [new RegExp(`^${prefix}-`)] })
    const read = reader.assignment.map(({ topic, partition }) => `${topic}[${partition}]`).sort()
    expect(read).toEqual([`${prefix}-a[0]`, `${prefix}-a[1]`, `${prefix}-b[0]`, `${prefix}-b[1]`])
  })

  it('fails when a topic is unknown, and says what to do', async () => {
    const topic = bench().on.uniqueName('absent')
    const groupId = bench().group()
    const reader = bench().reader({ groupId, topics: [topic] })
    await bench().on.until(() => reader.failure !== undefined)
    const text = `Cannot read ${topic} as group ${groupId}: the topic does not exist; create it, or correct its name`
    expect(reader.failure?.message).toBe(text)
    expect(errorClassOf(reader.failure)).toBe('fatal')
    expect(reader.told).not.toContain('assigned')
  })

  it('fails when no topic matches a pattern', async () => {
    const pattern = new RegExp(`^${bench().on.uniqueName('absent')}-`)
    const reader = bench().reader({ groupId: bench().group(), topics: [pattern] })
    await bench().on.until(() => reader.failure !== undefined)
    expect(reader.failure?.message).toContain(`Cannot read ${pattern}: no topic matches`)
    expect(errorClassOf(reader.failure)).toBe('fatal')
  })

  it("never calls back from within a consumer's method", async () => {
    const topic = await bench().topic(2)
    await bench().fill(topic, 0, 5)
    const reader = await bench().joined({ groupId: bench().group(), topics: [topic] })
    reader.pause(topic, 0)
    reader.seek(topic, 0, 0)
    reader.resume(topic, 0)
    await bench().on.until(() => reader.seen.length >= 5)
    await bench().commit(reader, topic, 0, 5)
    await bench().leave(reader)
    expect(reader.nested).toEqual([])
  })

  it('calls nothing after it left', async () => {
    const topic = await bench().topic(1)
    const reader = await bench().joined({ groupId: bench().group(), topics: [topic] })
    await bench().leave(reader)
    const told = reader.told.length
    await bench().fill(topic, 0, 5)
    await bench().pass(500)
    expect([reader.told.length, reader.seen.length]).toEqual([told, 0])
  })
}
