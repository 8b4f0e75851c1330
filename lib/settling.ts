import type { Clock, Timer } from './clock.ts'

/** Waits until nothing is in flight any more, or the patience is at its end. */
export class Settling {
  private readonly clock: Clock
  private readonly inFlight: () => number
  private waiting = new Map<() => void, Timer>()

  constructor(clock: Clock, inFlight: () => number) {
    this.clock = clock
    this.inFlight = inFlight
  }

  /** Calls `done` when nothing is in flight, or after `ms`. */
  wait(ms: number, done: () => void): void {
    if (this.inFlight() === 0) return done()
    const giveUp = () => {
      this.waiting.delete(done)
      done()
    }
    this.waiting.set(done, this.clock.schedule(giveUp, ms))
  }

  /** Something has settled: tells who waits; false while something is in flight. */
  check(): boolean {
    if (this.inFlight() > 0) return false
    const { waiting } = this
    this.waiting = new Map()
    for (const timer of waiting.values()) timer.unsubscribe()
    for (const done of waiting.keys()) done()
    return true
  }
}
