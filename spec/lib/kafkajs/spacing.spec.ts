import { beforeEach, describe, expect, it } from 'vitest'
import { Spacing } from '../../../lib/kafkajs/spacing.ts'
import { HandClock } from '../../support/handClock.ts'

describe('the spacing of fetches', () => {
  let clock: HandClock
  let spacing: Spacing

  beforeEach(() => {
    clock = new HandClock()
    spacing = new Spacing(clock, 25)
  })

  /** How long a fetch that is wanted now has to wait, in ms. */
  async function waits(broker = 1, isBehind = false): Promise<number> {
    const from = clock.now()
    let begun = false
    spacing.turn(broker, isBehind).then(() => {
      begun = true
    })
    for (await Promise.resolve(), await Promise.resolve(); !begun; await Promise.resolve(), await Promise.resolve())
      clock.pass(1)
    return clock.now() - from
  }

  it('lets the first fetch begin at once', async () => {
    expect(await waits()).toBe(0)
  })

  it('lets a fetch begin an interval after the one before', async () => {
    await waits()
    clock.pass(10)
    expect(await waits()).toBe(15)
    expect(await waits()).toBe(25)
  })

  it('does not hold the fetch after one that waited as long for its first message', async () => {
    await waits()
    clock.pass(30)
    expect(await waits()).toBe(0)
  })

  it('does not hold whoever is behind', async () => {
    await waits()
    expect(await waits(1, true)).toBe(0)
  })

  it('counts for each broker by itself', async () => {
    await waits(1)
    expect(await waits(2)).toBe(0)
    expect(await waits(1)).toBe(25)
  })

  it('holds no fetch for longer when the clock is set back', async () => {
    clock.pass(1000)
    await waits()
    const past = new HandClock()
    Object.assign(clock, { now: () => past.now(), schedule: past.schedule.bind(past), pass: past.pass.bind(past) })
    expect(await waits()).toBe(25)
  })
})
