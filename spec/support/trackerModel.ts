import { expect } from 'vitest'
import type { RawMessage } from '../../lib/broker.ts'
import { Holders } from '../../lib/holders.ts'
import type { Origin } from '../../lib/message.ts'
import { Tracker, type TrackerOwner } from '../../lib/tracker.ts'
import type { Step } from './trackerLives.ts'

interface Delivered {
  readonly offset: number
  readonly slot: number
  state: 'open' | 'refused' | 'acked'
}

/** A tracker beside the plainest thing that does the same: a list of all messages, searched from end to end. */
export class TrackerModel {
  readonly tracker: Tracker
  private readonly delivered: Delivered[] = []
  private seen: number
  private low: number
  private committed: number
  private late = 0
  private fenced = false
  private acks = 0
  private refusals = 0
  private readonly heard = { acks: 0, refusals: 0 }

  constructor(position: number) {
    this.tracker = new Tracker(ownerOf(this.heard), position)
    this.seen = position
    this.low = position
    this.committed = position
  }

  do(step: Step): void {
    if (step.type === 'poll') this.poll(step.gaps, step.tail)
    else if (step.type === 'sweep') this.sweep(step.every)
    else if (step.type === 'commit') this.committed = this.tracker.low
    else if (step.type === 'fence') this.fence()
    else this.settle(step.type, step.pick)
  }

  /** Invariants I1 to I4, and the rest of what a tracker tells. */
  check(): void {
    const { tracker } = this
    if (this.fenced) return expect([tracker.pending, tracker.late]).toEqual([0, this.late])
    const open = this.delivered.filter(({ state }) => state !== 'acked')
    const low = open[0]?.offset ?? this.seen
    const oldest = open[0]?.slot ?? this.delivered.length
    const told = {
      low: tracker.low,
      next: tracker.next,
      pending: tracker.pending,
      span: tracker.span,
      late: tracker.late,
    }
    same(told, { low, next: this.seen, pending: open.length, span: this.delivered.length - oldest, late: this.late })
    same(this.heard, { acks: this.acks, refusals: this.refusals })
    if (tracker.low < this.low) throw new Error(`I2: the low watermark went back from ${this.low} to ${tracker.low}`)
    if (this.committed > tracker.low || tracker.low > tracker.next) throw new Error('I1: committed <= low <= next')
    this.low = tracker.low
  }

  private poll(gaps: readonly number[], tail: number): void {
    if (this.fenced) return
    for (const gap of gaps) {
      const offset = this.seen + gap
      this.delivered.push({ offset, slot: this.tracker.track(offset), state: 'open' })
      this.seen = offset + 1
    }
    this.seen += tail
    this.tracker.advance(this.seen)
  }

  private settle(type: 'ack' | 'nack' | 'again' | 'release', pick: number): void {
    const state = { ack: 'open', nack: 'open', again: 'acked', release: 'refused' }[type]
    const candidates = this.delivered.filter((message) => message.state === state)
    const message = candidates[pick % candidates.length]
    if (message === undefined) return
    if (type === 'release') this.tracker.ack(message.slot)
    else this.tracker.settle(message.slot, type === 'nack' ? 'nacked' : 'acked', undefined, RAW)
    this.note(type, message)
  }

  private sweep(every: number): void {
    const open = this.delivered.filter(({ state }) => state === 'open').reverse()
    for (const message of open.filter((_, i) => i % every === 0)) {
      this.tracker.settle(message.slot, 'acked', undefined, RAW)
      this.note('ack', message)
    }
  }

  private note(type: 'ack' | 'nack' | 'again' | 'release', message: Delivered): void {
    if (type === 'again' || (this.fenced && type !== 'release')) this.late++
    else if (this.fenced) return
    else if (type === 'nack') this.refusals++
    else this.acks++
    if (type !== 'again') message.state = type === 'nack' ? 'refused' : 'acked'
  }

  private fence(): void {
    this.tracker.fence()
    this.fenced = true
  }
}

export const RAW: RawMessage = { offset: 0, timestamp: 0, key: null, value: null }

/** An owner that counts what it hears. */
export function ownerOf(heard: { acks: number; refusals: number }): TrackerOwner {
  const origin: Omit<Origin, 'signal'> & { signal: AbortSignal } = {
    topic: 'orders',
    partition: 0,
    groupId: 'g',
    clock: { now: () => 0, schedule: () => ({ unsubscribe: () => {} }) },
    maxInFlight: 1000,
    isEnded: false,
    isOpen: () => true,
    signal: new AbortController().signal,
    random: () => 0,
    onQuiet: () => false,
    slice: (work) => work(),
    holders: new Holders(),
  }
  return { ...origin, acked: () => heard.acks++, refused: () => heard.refusals++, cameLate: () => {} }
}

/** As `expect(…).toEqual(…)`, which costs too much for a check after every step. */
function same<T extends Record<string, number>>(actual: T, expected: T): void {
  for (const name in expected) if (actual[name] !== expected[name]) expect(actual).toEqual(expected)
}
