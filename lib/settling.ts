import type { Clock, Timer } from './clock.ts'

/** Waits until nobody works on a message any more, or the patience is at its end. */
export class Settling {
  private readonly clock: Clock
  private readonly inFlight: () => number
  private readonly countWaiting: () => number
  private waiters = new Map<() => void, Timer>()
  /** Of those in flight, how many only waited for a next try when they were last counted. */
  private waiting = 0

  /**
   * @param inFlight the number of messages in flight
   * @param countWaiting of these, those that only wait for a next try; asked as seldom as can be
   */
  constructor(clock: Clock, inFlight: () => number, countWaiting: () => number) {
    this.clock = clock
    this.inFlight = inFlight
    this.countWaiting = countWaiting
  }

  /** Calls `done` when nobody works on a message, or after `ms`. */
  wait(ms: number, done: () => void): void {
    if (this.isSettled(Number.POSITIVE_INFINITY)) return done()
    const giveUp = () => {
      this.waiters.delete(done)
      done()
    }
    this.waiters.set(done, this.clock.schedule(giveUp, ms))
  }

  /** Something has settled: tells who waits; false while something is in flight. */
  check(): boolean {
    const isSettled = this.waiters.size === 0 ? this.inFlight() === 0 : this.isSettled(this.waiting)
    if (isSettled) this.tell()
    return isSettled
  }

  /** Some messages have begun to wait for a next try. */
  look(): void {
    if (this.waiters.size > 0 && this.isSettled(Number.POSITIVE_INFINITY)) this.tell()
  }

  /** Counts what waits only when that can make a difference: `most` messages wait, as far as we know. */
  private isSettled(most: number): boolean {
    const inFlight = this.inFlight()
    if (inFlight === 0) return true
    if (inFlight > most) return false
    this.waiting = this.countWaiting()
    return inFlight <= this.waiting
  }

  private tell(): void {
    const { waiters } = this
    this.waiters = new Map()
    for (const timer of waiters.values()) timer.unsubscribe()
    for (const done of waiters.keys()) done()
  }
}
