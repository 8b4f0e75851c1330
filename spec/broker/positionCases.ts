import { expect, it } from 'vitest'
import type { Bench } from './harness.ts'

/** How a member says what it wants next: pause, resume and seek. */
export function positionCases(bench: () => Bench): void {
  it('delivers nothing of a paused partition, and goes on without a gap when it is resumed', async () => {
    const topic = await bench().topic(2)
    const reader = await bench().joined({ groupId: bench().group(), topics: [topic] })
    reader.pause(topic, 0)
    await bench().fill(topic, 0, 10)
    await bench().fill(topic, 1, 10)
    await bench().on.until(() => reader.offsets(1).length >= 10)
    await bench().pass(500)
    expect(reader.offsets(0)).toEqual([])
    reader.resume(topic, 0)
    await bench().on.until(() => reader.offsets(0).length >= 10)
    expect(reader.offsets(0)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  it('goes on without a gap or a repeat after it was paused in the middle', async () => {
    const topic = await bench().topic(1)
    const reader = await bench().joined({ groupId: bench().group(), topics: [topic] })
    await bench().fill(topic, 0, 5)
    await bench().on.until(() => reader.seen.length >= 5)
    reader.pause(topic, 0)
    await bench().fill(topic, 0, 5, 5)
    await bench().pass(500)
    reader.resume(topic, 0)
    await bench().on.until(() => reader.seen.length >= 10)
    expect(reader.offsets(0)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })

  it('delivers nothing more once it is paused within a batch', async () => {
    const topic = await bench().topic(1)
    for (let i = 0; i < 4; i++) await bench().fill(topic, 0, 1000, i * 1000)
    const reader = bench().reader({ groupId: bench().group(), topics: [topic] })
    reader.onBatch = () => reader.pause(topic, 0)
    await bench().on.until(() => reader.batches.length > 0)
    await bench().pass(500)
    expect(reader.batches.length).toBe(1)
    while (reader.seen.length < 4000) {
      const before = reader.seen.length
      reader.resume(topic, 0)
      await bench().on.until(() => reader.seen.length > before)
    }
    expect(reader.offsets(0)).toEqual(Array.from({ length: 4000 }, (_, i) => i))
  })

  it('begins where it is told to seek as soon as it is assigned', async () => {
    const topic = await bench().topic(1)
    await bench().fill(topic, 0, 6)
    const reader = bench().reader({ groupId: bench().group(), topics: [topic] })
    reader.onAssigned = () => reader.seek(topic, 0, 4)
    await bench().on.until(() => reader.seen.length >= 2)
    expect(reader.offsets(0)).toEqual([4, 5])
  })

  it('goes on from where it is told to seek within a batch', async () => {
    const topic = await bench().topic(1)
    await bench().fill(topic, 0, 3)
    const reader = bench().reader({ groupId: bench().group(), topics: [topic] })
    reader.onBatch = () => {
      reader.onBatch = undefined
      reader.seek(topic, 0, 1)
    }
    await bench().on.until(() => reader.seen.length >= 5)
    expect(reader.offsets(0)).toEqual([0, 1, 2, 1, 2])
  })

  it('goes on from where it is told to seek', async () => {
    const topic = await bench().topic(1)
    const reader = await bench().joined({ groupId: bench().group(), topics: [topic] })
    await bench().fill(topic, 0, 6)
    await bench().on.until(() => reader.seen.length >= 6)
    reader.seek(topic, 0, 3)
    await bench().on.until(() => reader.seen.length >= 9)
    expect(reader.offsets(0)).toEqual([0, 1, 2, 3, 4, 5, 3, 4, 5])
  })

  it('skips what lies before the place it is told to seek', async () => {
    const topic = await bench().topic(1)
    const reader = await bench().joined({ groupId: bench().group(), topics: [topic] })
    reader.pause(topic, 0)
    await bench().fill(topic, 0, 6)
    reader.seek(topic, 0, 4)
    reader.resume(topic, 0)
    await bench().on.until(() => reader.seen.length >= 2)
    expect(reader.offsets(0)).toEqual([4, 5])
  })
}
