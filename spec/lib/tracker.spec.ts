import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Tracker } from '../../lib/tracker.ts'
import { holds } from '../support/property.ts'
import { floods, type Step, steps } from '../support/trackerLives.ts'
import { ownerOf, RAW, TrackerModel } from '../support/trackerModel.ts'

/** A tracker with messages delivered at the given offsets; their slots count from 0. */
function trackerAt(offsets: readonly number[]) {
  const heard = { acks: 0, refusals: 0 }
  const tracker = new Tracker(ownerOf(heard), offsets[0] ?? 0)
  for (const offset of offsets) tracker.track(offset)
  return { tracker, heard }
}

/** Lives a tracker's life beside the model, and compares after every step. */
function live(position: number, life: readonly Step[]): void {
  const model = new TrackerModel(position)
  for (const step of life) {
    model.do(step)
    model.check()
  }
}

describe('Tracker', () => {
  it('does what a list of all messages would do, whatever happens in whatever order', { timeout: 60_000 }, () => {
    holds(fc.tuple(fc.nat(50), steps), ([position, life]) => live(position, life), { runs: 20_000 })
  })

  it('does so with thousands in flight', () => {
    holds(fc.tuple(fc.nat(50), floods), ([position, life]) => live(position, life), { runs: 100 })
  })

  it.each([1023, 1024, 1025, 2048, 2049])('takes %i in flight, acked from the newest to the oldest', (count) => {
    const { tracker } = trackerAt(Array.from({ length: count }, (_, offset) => offset))
    for (let slot = count - 1; slot >= 0; slot--) tracker.ack(slot)
    expect([tracker.low, tracker.pending, tracker.late]).toEqual([count, 0, 0])
  })

  it('does not count as acked what was refused, until its owner does', () => {
    const { tracker, heard } = trackerAt([0, 1, 2])
    tracker.settle(1, 'nacked', undefined, RAW)
    tracker.settle(1, 'acked', undefined, RAW)
    expect([heard.refusals, tracker.late, tracker.pending]).toEqual([1, 1, 3])
    tracker.settle(2, 'acked', undefined, RAW)
    expect(tracker.ackedRanges).toEqual([2, 3])
    tracker.ack(1)
    expect(tracker.ackedRanges).toEqual([1, 3])
  })

  it('lets be committed what lies before the oldest message that is not acked', () => {
    const { tracker } = trackerAt([0, 1, 2, 3])
    tracker.ack(2)
    expect(tracker.low).toBe(0)
    tracker.ack(0)
    expect(tracker.low).toBe(1)
    tracker.ack(1)
    expect(tracker.low).toBe(3)
    tracker.ack(3)
    expect(tracker.low).toBe(4)
  })

  it('passes over gaps: the next message decides', () => {
    const { tracker } = trackerAt([5, 9, 20])
    tracker.ack(0)
    expect(tracker.low).toBe(9)
    tracker.ack(1)
    expect(tracker.low).toBe(20)
  })

  it('passes over gaps between messages that were acked before the oldest', () => {
    const { tracker } = trackerAt([5, 9, 20])
    tracker.ack(2)
    tracker.ack(1)
    tracker.ack(0)
    expect(tracker.low).toBe(21)
  })

  it('passes over a gap at the end once all before it is acked', () => {
    const { tracker } = trackerAt([0, 1])
    tracker.advance(6)
    expect(tracker.low).toBe(0)
    tracker.ack(0)
    tracker.ack(1)
    expect([tracker.low, tracker.next]).toEqual([6, 6])
  })

  it('moves on with a gap when nothing is in flight', () => {
    const { tracker } = trackerAt([])
    tracker.advance(4)
    expect(tracker.low).toBe(4)
  })

  it('never goes back to an offset before what it has seen', () => {
    const { tracker } = trackerAt([7])
    tracker.advance(3)
    expect([tracker.low, tracker.next]).toEqual([7, 8])
  })

  it('counts a second settlement as late and does nothing else', () => {
    const { tracker, heard } = trackerAt([0, 1])
    tracker.settle(0, 'acked', undefined, RAW)
    tracker.settle(0, 'acked', undefined, RAW)
    tracker.settle(0, 'nacked', new Error('late'), RAW)
    expect([tracker.late, tracker.low, tracker.pending]).toEqual([2, 1, 1])
    expect(heard).toEqual({ acks: 1, refusals: 0 })
  })

  it('leaves a refused message open until its owner acks it', () => {
    const { tracker, heard } = trackerAt([0, 1])
    tracker.settle(0, 'nacked', new Error('no'), RAW)
    tracker.settle(1, 'acked', undefined, RAW)
    expect([tracker.low, tracker.pending, heard.refusals]).toEqual([0, 1, 1])
    tracker.ack(0)
    expect([tracker.low, tracker.pending]).toEqual([2, 0])
  })

  it('tells its owner of acks only while it listens', () => {
    const { tracker, heard } = trackerAt([0, 1])
    tracker.listening = false
    tracker.ack(0)
    tracker.listening = true
    tracker.ack(1)
    expect(heard.acks).toBe(1)
  })

  it('takes what is given up after the fence for no settlement: whoever was torn down held it in vain', () => {
    const { tracker } = trackerAt([0, 1])
    tracker.fence()
    tracker.settle(0, 'abandoned', undefined, RAW)
    expect(tracker.late).toBe(0)
  })

  it('counts what comes after the fence as late, and holds its place', () => {
    const { tracker } = trackerAt([0, 1, 2])
    tracker.ack(0)
    tracker.fence()
    tracker.settle(1, 'acked', undefined, RAW)
    tracker.settle(2, 'nacked', new Error('late'), RAW)
    expect([tracker.late, tracker.low, tracker.pending]).toEqual([2, 1, 0])
  })

  it('knows how often a message was delivered until it is acked', () => {
    const { tracker } = trackerAt([0])
    tracker.again(0)
    tracker.again(0)
    expect(tracker.attemptOf(0)).toBe(3)
    tracker.ack(0)
    expect(tracker.attemptOf(0)).toBe(1)
  })

  it('names a message by topic, partition and offset', () => {
    const { tracker } = trackerAt([0])
    expect(tracker.idOf(0, { ...RAW, offset: '42' })).toBe('orders-0-42')
  })
})
