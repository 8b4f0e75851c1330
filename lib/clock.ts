/**
 * Where the toolkit reads the time and sets its one-shot timers, in ms.
 *
 * RxJS's `asyncScheduler` and `TestScheduler` are clocks as they are, which is what lets a whole pipeline run in
 * virtual time.
 */
export interface Clock {
  /** The time, in ms since 1970. */
  now(): number
  /** Does work once, after `ms` (0 when left out). */
  schedule(work: () => void, ms?: number): Timer
}

/** A scheduled piece of work; `unsubscribe` cancels it. */
export interface Timer {
  unsubscribe(): void
}

/** `setTimeout` takes more than this, 24.8 days, for no wait at all. */
const LONGEST = 2 ** 31 - 1

/** The machine's own clock. A delay of 0 is the next macrotask: `setTimeout` would wait a whole millisecond. */
export const systemClock: Clock = {
  now: Date.now,
  schedule(work, ms = 0) {
    if (ms > 0) {
      const timeout = setTimeout(work, Math.min(ms, LONGEST))
      return { unsubscribe: () => clearTimeout(timeout) }
    }
    const immediate = setImmediate(work)
    return { unsubscribe: () => clearImmediate(immediate) }
  },
}
