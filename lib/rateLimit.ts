import type { Clock, Timer } from './clock.ts'
import { expectInteger, expectKnown, refuse } from './expect.ts'
import { Queue } from './queue.ts'

/** How many requests there may be. */
export interface RateLimitOptions {
  /** Requests in any `interval`. */
  readonly count: number
  /** In ms. */
  readonly interval: number
}

/** A limit to how often something is asked; made by {@link rateLimit}. */
export interface RateLimit {
  /**
   * Undefined when a request of `holder` may go off now. Otherwise it has a place in the row: `go` is called when its
   * turn comes, unless it is given up before.
   * @internal
   */
  admit(holder: object, clock: Clock, go: () => void): Timer | undefined
}

/**
 * Lets at most `count` requests off in any `interval`, of all operators that are given it: each of their tries is one.
 * They take turns, however many each has waiting. What waits is in flight, so the source is held back by it.
 *
 *     rateLimit({ count: 2, interval: 5 })
 *     asked   (abcde)---------
 *     sent    (ab)-(cd)-e-----
 *
 * ```ts
 * const limit = rateLimit({ count: 100, interval: 1000 })
 * postTo(mails, mailOf, { rateLimit: limit })
 * postTo(texts, textOf, { rateLimit: limit })
 * ```
 *
 * @throws TypeError for a wrong option
 */
export function rateLimit(options: RateLimitOptions): RateLimit {
  expectKnown('rateLimit', options, ['count', 'interval'])
  const { count, interval } = options
  expectInteger('rateLimit.count', count, 1)
  if (count === Number.POSITIVE_INFINITY) refuse('rateLimit.count', 'a finite number', count)
  if (typeof interval !== 'number' || !(interval > 0) || interval === Number.POSITIVE_INFINITY)
    refuse('rateLimit.interval', 'a number of ms > 0', interval)
  return new Row(count, interval)
}

/** Refuses what is no limit. */
export function expectRateLimit(name: string, value: unknown): void {
  if (typeof (value as Partial<RateLimit> | null)?.admit !== 'function')
    refuse(name, 'what rateLimit({ count, interval }) gives', value)
}

/** Who waits: the holders in turn, and of each its requests in theirs. */
class Row implements RateLimit {
  private readonly count: number
  private readonly interval: number
  /** When the last `count` requests went off. */
  private readonly times = new Queue<number>()
  private readonly holders = new Map<object, Set<() => void>>()
  private timer: Timer | undefined

  constructor(count: number, interval: number) {
    this.count = count
    this.interval = interval
  }

  admit(holder: object, clock: Clock, go: () => void): Timer | undefined {
    const now = clock.now()
    // Whoever waits was there first.
    if (this.holders.size === 0 && this.isFree(now)) {
      this.times.push(now)
      return undefined
    }
    const waiting = this.holders.get(holder) ?? new Set()
    this.holders.set(holder, waiting.add(go))
    this.arm(clock)
    return { unsubscribe: () => this.leave(holder, go) }
  }

  private leave(holder: object, go: () => void): void {
    const waiting = this.holders.get(holder)
    if (waiting?.delete(go) && waiting.size === 0) this.holders.delete(holder)
    if (this.holders.size > 0) return
    this.timer?.unsubscribe()
    this.timer = undefined
  }

  private isFree(now: number): boolean {
    while (this.times.length > 0 && this.isPast(now - (this.times.first as number))) this.times.shift()
    return this.times.length < this.count
  }

  /** A clock that was set back would have the requests before that count for as long as it was set back. */
  private isPast(age: number): boolean {
    return age >= this.interval || age < 0
  }

  private arm(clock: Clock): void {
    if (this.timer !== undefined || this.holders.size === 0) return
    const wait = this.isFree(clock.now()) ? 0 : (this.times.first as number) + this.interval - clock.now()
    this.timer = clock.schedule(() => this.release(clock), wait)
  }

  private release(clock: Clock): void {
    // Those let off may come again at once: they find the timer set, and stand in the row.
    while (this.holders.size > 0 && this.isFree(clock.now())) {
      this.times.push(clock.now())
      this.next()()
    }
    this.timer = undefined
    this.arm(clock)
  }

  /** Takes the first of the holder whose turn it is, who then stands at the end. */
  private next(): () => void {
    const [[holder, waiting]] = this.holders as unknown as [[object, Set<() => void>]]
    const [go] = waiting as unknown as [() => void]
    waiting.delete(go)
    this.holders.delete(holder)
    if (waiting.size > 0) this.holders.set(holder, waiting)
    return go
  }
}
