import type { Assignment } from './assignment.ts'
import type { RawMessage, TopicPartition } from './broker.ts'
import type { Clock, Timer } from './clock.ts'
import { refuse } from './expect.ts'
import type { Partition } from './partition.ts'

/**
 * How far a source reads before it completes.
 *
 * - `'end'`: each partition up to the end it had when this subscription was first given it
 * - a `Date`: up to its first message at or after that instant, or to that end when there is none; not in the future
 * - a number: so many messages in all
 */
export type Until = 'end' | Date | number

/** How often it is looked, at most, whether something still waits for a next try, in ms. */
const LOOK = 1000

/** How often it is looked again while an operator waits for an answer, and nothing is settled. */
const LOOKS = 6

/** What bounds are set for. */
export interface BoundsHost {
  readonly clock: Clock
  readonly assignment: Assignment<unknown>
  /** Whether an operator works on messages, or some wait for their turn: what holds them lets go by itself. */
  readonly isBusy: boolean
  /** Fetches a partition again from where it was cut off. */
  refetch(partition: Partition<unknown>): void
  /** Whether a message that failed waits for its next try. */
  readonly isWaiting: boolean
  /** All is read and settled, or waits for nothing but the end. */
  finish(): void
}

/**
 * Cuts off what lies beyond the end of a bounded read, and knows when all before it is read and settled. Works on whole
 * fetched batches: the messages on their way pay nothing.
 */
export class Bounds {
  private readonly host: BoundsHost
  private readonly until: Until
  /** ms without a settlement, once all is delivered, until what is in flight must be in a buffer that only the end empties. */
  private readonly patience: number
  /** By partition; kept when one goes and comes back. */
  private readonly ends = new Map<string, number>()
  private isAssigned = false
  private timer: Timer | undefined
  private moves = 0
  private looks = 0

  constructor(host: BoundsHost, until: Until, patience: number) {
    this.host = host
    this.until = until
    this.patience = Math.max(patience, LOOK)
  }

  /** An assignment has begun. */
  begin(): void {
    this.isAssigned = true
    for (const partition of this.host.assignment) {
      const end = this.endOf(partition)
      partition.isCut = partition.tracker.next >= end
    }
    this.check()
  }

  /** The assignment ends: what it has read says nothing of what the next will have. */
  suspend(): void {
    this.isAssigned = false
  }

  /** A partition goes on elsewhere; in another log, maybe, with another end. */
  moved(partition: Partition<unknown>, isAnother: boolean): void {
    if (isAnother) this.ends.delete(keyOf(partition))
    partition.isCut = partition.tracker.next >= this.endOf(partition)
  }

  /** Gives a partition what was fetched of it, up to its end. */
  add(partition: Partition<unknown>, messages: readonly RawMessage[], nextOffset: number): void {
    if (partition.isCut) return
    const count = this.countOf(partition, messages)
    const isCut = count < messages.length
    const next = isCut ? Number((messages[count] as RawMessage).offset) : nextOffset
    const end = Math.min(next, this.endOf(partition))
    partition.add(isCut ? messages.slice(0, count) : messages, end)
    partition.isCut = isCut || end >= this.endOf(partition)
  }

  /** Something was delivered or settled: ends the read when all is. */
  check(): void {
    if (!this.isAssigned) return
    if (!this.isDelivered) return this.refill()
    if (this.isSettled) this.finish()
    else if (this.timer === undefined) this.wait()
  }

  private wait(): void {
    this.moves = this.host.assignment.moves
    this.timer = this.host.clock.schedule(() => this.look(), this.patience)
  }

  /** What waits for a next try needs the stream; what waits in a user's buffer needs its end. */
  private look(): void {
    this.timer = undefined
    const { host } = this
    const isMoving = host.assignment.moves !== this.moves || host.isWaiting
    if (isMoving || !host.isBusy) this.looks = 0
    else if (++this.looks === LOOKS) return
    if (isMoving || host.isBusy || !this.isAssigned || !this.isDelivered) this.check()
    else this.finish()
  }

  /** Waits no more. */
  clear(): void {
    this.timer?.unsubscribe()
    this.isAssigned = false
  }

  private finish(): void {
    this.clear()
    this.host.finish()
  }

  /** Some of what was counted was not delivered: it was acked already, under another assignment. */
  private refill(): void {
    if (typeof this.until !== 'number' || this.backlog() > 0) return
    for (const partition of this.host.assignment) {
      if (!partition.isCut) continue
      partition.isCut = false
      this.host.refetch(partition)
    }
  }

  private get isSettled(): boolean {
    for (const { tracker, barrier } of this.host.assignment)
      if (tracker.pending > 0 || barrier?.isClean === false) return false
    return true
  }

  private get isDelivered(): boolean {
    if (typeof this.until === 'number') return this.delivered() >= this.until
    for (const partition of this.host.assignment)
      if (partition.isEnded || partition.tracker.next < this.endOf(partition)) return false
    return true
  }

  /** How many of the messages are to be delivered. */
  private countOf(partition: Partition<unknown>, messages: readonly RawMessage[]): number {
    if (typeof this.until === 'number') return Math.max(0, this.until - this.delivered() - this.backlog())
    const end = this.endOf(partition)
    const from = this.until instanceof Date ? this.until.getTime() : Number.POSITIVE_INFINITY
    const found = messages.findIndex(({ offset, timestamp }) => Number(offset) >= end || Number(timestamp) >= from)
    if (found < 0) return messages.length
    if (Number(messages[found]?.offset) < end) this.ends.set(keyOf(partition), Number(messages[found]?.offset))
    return found
  }

  private endOf(partition: Partition<unknown>): number {
    if (typeof this.until === 'number') return Number.POSITIVE_INFINITY
    const key = keyOf(partition)
    // A place past the end is no end: the broker will tell that it is not in the log.
    const { tracker, highWatermark } = partition
    const end = this.ends.get(key) ?? (tracker.next > highWatermark ? Number.POSITIVE_INFINITY : highWatermark)
    this.ends.set(key, end)
    return end
  }

  private delivered(): number {
    let sum = this.host.assignment.past.settled
    for (const { tracker } of this.host.assignment) sum += tracker.delivered
    return sum
  }

  private backlog(): number {
    let sum = 0
    for (const { feed } of this.host.assignment) sum += feed.backlog
    return sum
  }
}

/** Refuses what says no end. */
export function expectUntil(until: unknown, now: number): void {
  if (until === 'end' || until === Number.POSITIVE_INFINITY) return
  if (Number.isInteger(until) && (until as number) >= 1) return
  if (!(until instanceof Date) || Number.isNaN(until.getTime()))
    refuse('until', "'end', a Date, or an integer >= 1", until)
  // Nobody can say that no message of before it will come.
  if (until.getTime() > now) refuse('until', 'a Date that is not in the future', until.toISOString())
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}
