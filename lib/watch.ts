import { type AlarmAction, leakText, stalledText, stuckText } from './alarms.ts'
import type { Position, RawMessage } from './broker.ts'
import type { Timer } from './clock.ts'
import type { Delivery } from './delivery.ts'
import { FatalError, PermanentError } from './errors.ts'
import { type LeakHost, Leaks } from './leaks.ts'
import type { Partition } from './partition.ts'
import { Stalled, type StalledHost } from './stalled.ts'
import { Stuck, type StuckHost } from './stuck.ts'

/** Between two looks at what is in flight, in ms. */
const LOOK = 1000

/**
 * Looks at what is in flight, once a second while there is something new: for messages that nobody holds any more, for
 * one that is worked on for too long, and for a source that can't go on. With nothing new it looks once more when one
 * of these is due, and then no more.
 */
export class Watch<A> implements LeakHost, StuckHost, StalledHost {
  private readonly delivery: Delivery<A>
  private readonly leaks = new Leaks(this)
  private readonly oldest = new Stuck(this)
  private readonly stall = new Stalled(this)
  private timer: Timer | undefined
  private dueAt = 0
  private soon = false
  /** ms for which the process stood still, so that nothing was worked on. */
  private stoodStill = 0

  constructor(delivery: Delivery<A>) {
    this.delivery = delivery
  }

  /** Whether it looks within a second anyway. */
  get isSoon(): boolean {
    return this.soon
  }

  get isStalled(): boolean {
    return this.stall.isStalled
  }

  /** Whether an oldest message is stuck that does not only wait for a next try: a restart would not help that one. */
  get isStuck(): boolean {
    const { holders } = this.delivery
    for (const partition of this.assignment)
      if (this.oldest.isStuck(partition, this.now) && !holders.isWaiting(partition, partition.tracker.head)) return true
    return false
  }

  /** How long a partition's oldest message in flight has been the oldest, in ms. */
  ageOf(partition: Partition<unknown>): number {
    return this.oldest.ageOf(partition, this.now)
  }

  /** Something was delivered, or else happened: looks, unless it does so within a second anyway. */
  touch(): void {
    if (this.soon) return
    for (const { tracker } of this.assignment) if (tracker.pending > 0) return this.look()
  }

  /** Something was acked: what comes next is the oldest from now on. */
  acked(): void {
    if (!this.soon) this.arm(LOOK)
  }

  /** Looks no more. */
  close(): void {
    this.timer?.unsubscribe()
    this.timer = undefined
    this.soon = false
  }

  // What the stations ask for, and find

  get maxProcessing(): number {
    return this.delivery.host.options.maxProcessing
  }

  get backPressure() {
    return this.delivery.backPressure
  }

  get moves(): number {
    return this.delivery.assignment.moves
  }

  get isHalted(): boolean {
    return this.delivery.isHalted
  }

  get isBusy(): boolean {
    return this.delivery.holders.isBusy
  }

  get assignment(): Iterable<Partition<unknown>> {
    return this.delivery.assignment
  }

  leaked(partition: Partition<unknown>, slot: number, copy: RawMessage): void {
    const { groupId, counts, host } = this.delivery
    const { onLeak, calledAt } = host.options
    const place = placeOf(partition, slot)
    const error = alarmError(onLeak, leakText(place))
    counts.leaked++
    host.tell({ type: 'leaked', groupId, place, error, stack: calledAt })
    this.act(onLeak, partition, slot, error, copy)
  }

  stuck(partition: Partition<unknown>, slot: number, ageMs: number): void {
    const { groupId, host, holders } = this.delivery
    const place = placeOf(partition, slot)
    const isWaiting = holders.isWaiting(partition, slot)
    // A transient failure is tried again for ever, by design.
    const action = isWaiting ? 'warn' : host.options.onStuck
    const error = alarmError(action, stuckText(place, ageMs, isWaiting))
    host.tell({ type: 'stuck', groupId, place, ageMs, isWaiting, error })
    this.act(action, partition, slot, error, this.leaks.rawOf(partition, slot))
  }

  stalled(partition: Partition<unknown>, sinceMs: number): void {
    const { groupId, host, maxInFlight, maxBytes, backPressure, assignment } = this.delivery
    const place = placeOf(partition, partition.tracker.head)
    const stall = { place, sinceMs, inFlight: assignment.inFlight, maxInFlight, bytes: backPressure.bytes, maxBytes }
    host.tell({ type: 'stalled', groupId, ...stall, error: new PermanentError(stalledText(stall)) })
  }

  private act(
    action: AlarmAction,
    { tracker }: Partition<unknown>,
    slot: number,
    error: Error,
    raw: RawMessage | undefined,
  ): void {
    if (action !== 'warn' && raw !== undefined) tracker.settle(slot, 'nacked', error, raw)
  }

  /** The time, as far as the process has seen it go by. */
  private get now(): number {
    return this.delivery.clock.now() - this.stoodStill
  }

  private look(): void {
    this.close()
    const { now } = this
    let isMore = false
    let next = Number.POSITIVE_INFINITY
    for (const partition of this.assignment) {
      partition.held.weigh()
      if (this.leaks.look(partition)) isMore = true
      next = Math.min(next, this.oldest.look(partition, now))
    }
    next = Math.min(next, this.stall.look(now))
    if (isMore) this.arm(LOOK)
    else if (next < Number.POSITIVE_INFINITY) this.arm(next - now)
  }

  private arm(ms: number): void {
    this.close()
    const { clock } = this.delivery
    this.soon = ms <= LOOK
    this.dueAt = clock.now() + ms
    this.timer = clock.schedule(() => {
      // A laptop slept, or the process was stopped: no work has taken this long.
      const late = clock.now() - this.dueAt
      if (late > LOOK) this.stoodStill += late
      this.look()
    }, ms)
  }
}

function placeOf({ topic, partition, tracker }: Partition<unknown>, slot: number): Position {
  return { topic, partition, offset: tracker.offsetOf(slot) }
}

/** A source stops at a fatal error, whatever its `onNack` says. */
function alarmError(action: AlarmAction, text: string): Error {
  return action === 'stop' ? new FatalError(text) : new PermanentError(text)
}
