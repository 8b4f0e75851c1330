import type { Clock } from './clock.ts'

/** Waits until nothing is in flight any more, or the patience is at its end. */
export class Settling {
  private readonly clock: Clock
  private readonly inFlight: () => number
  private waiting: (() => void)[] = []

  constructor(clock: Clock, inFlight: () => number) {
    this.clock = clock
    this.inFlight = inFlight
  }

  /** Calls `done` when nothing is in flight, or after `ms`. */
  wait(ms: number, done: () => void): void {
    if (this.inFlight() === 0) return done()
    const timer = this.clock.schedule(() => {
      this.waiting = this.waiting.filter((other) => other !== settled)
      done()
    }, ms)
    const settled = () => {
      timer.unsubscribe()
      done()
    }
    this.waiting.push(settled)
  }

  /** Something has settled: tells who waits; false while something is in flight. */
  check(): boolean {
    if (this.inFlight() > 0) return false
    const { waiting } = this
    this.waiting = []
    for (const done of waiting) done()
    return true
  }
}
