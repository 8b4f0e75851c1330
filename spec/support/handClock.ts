import type { Clock, Timer } from '../../lib/clock.ts'

interface Scheduled extends Timer {
  readonly at: number
  readonly work: () => void
}

/** Virtual time without RxJS, light enough for worlds that live a millisecond. */
export class HandClock implements Clock {
  private time = 0
  /** By time, and by age within one time. */
  private timers: Scheduled[] = []

  now(): number {
    return this.time
  }

  schedule(work: () => void, ms = 0): Timer {
    const timer: Scheduled = { at: this.time + ms, work, unsubscribe: () => this.cancel(timer) }
    let place = this.timers.length
    while (place > 0 && (this.timers[place - 1] as Scheduled).at > timer.at) place--
    this.timers.splice(place, 0, timer)
    return timer
  }

  /** Lets time go on, and does all that is due by then. */
  pass(ms: number): void {
    const to = this.time + ms
    for (let next = this.timers[0]; next !== undefined && next.at <= to; next = this.timers[0]) {
      this.timers.shift()
      this.time = Math.max(this.time, next.at)
      next.work()
    }
    this.time = to
  }

  /** Forgets all timers, as the end of a process does. */
  clear(): void {
    this.timers = []
  }

  get pending(): number {
    return this.timers.length
  }

  private cancel(timer: Scheduled): void {
    const place = this.timers.indexOf(timer)
    if (place >= 0) this.timers.splice(place, 1)
  }
}
