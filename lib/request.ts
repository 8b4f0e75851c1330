import type { Timer } from './clock.ts'
import { type Entry, isFenced, timeLeft } from './entry.ts'
import { FatalError } from './errors.ts'
import type { Outcome } from './perBatch.ts'
import { Portions } from './portions.ts'
import type { RequestHost } from './requestHost.ts'
import { retryAfterOf } from './tries.ts'
import { Try, type TryHost } from './try.ts'

/** One batch, from its first try to the outcomes of all its messages: says when it is tried, and what of it. */
export class Request<A, R, B> implements TryHost<B> {
  private readonly host: RequestHost<A, R, B>
  private readonly entries: Portions<Entry<A, R>>
  private isStepping = false
  /** Whether nothing is asked now: its entries wait for their next try. */
  isWaiting = false
  /** Of what it waits for. */
  private timer: Timer | undefined
  private latest: Try<A, R, B> | undefined

  constructor(host: RequestHost<A, R, B>, entries: readonly Entry<A, R>[]) {
    this.host = host
    this.entries = new Portions(entries)
  }

  /** Makes one try, as soon as it may. */
  start(isAdmitted = false): void {
    this.timer = undefined
    this.isWaiting = false
    this.dropFenced()
    if (this.now.length === 0) return this.next()
    if (this.isHeldUp) return this.waits()
    this.giveUp()
    if (this.now.length === 0) return this.next()
    const held = this.host.tries.heldFor(this.now)
    if (held > 0) return this.wait(held)
    if (!isAdmitted) this.timer = this.host.admit(() => this.start(true))
    if (this.timer === undefined) this.try()
    else this.waits()
  }

  /** Gives up; whoever is still unsettled is told so. */
  abandon(): void {
    this.timer?.unsubscribe()
    this.latest?.stop()
    for (const { message } of this.entries.takeAll()) message.abandon()
  }

  get unsettled(): readonly Entry<A, R>[] {
    return this.entries.all
  }

  /** Of these, those that nothing is asked for now. */
  get waiting(): readonly Entry<A, R>[] {
    return this.isWaiting ? this.unsettled : this.entries.later
  }

  /** Looks again, while it waits, whether its partitions are there and whether it may try again. */
  look(): void {
    if (!this.isWaiting) return
    this.dropFenced()
    if (this.now.length === 0) this.timer?.unsubscribe()
    else if (this.timer !== undefined) return
    this.start()
  }

  answered(outcomes: readonly Outcome<B>[]): void {
    if (!Array.isArray(outcomes) || outcomes.length !== this.now.length) {
      const got = Array.isArray(outcomes) ? `${outcomes.length} outcomes` : `${outcomes}, not outcomes,`
      const counts = `${got} for ${this.now.length} messages`
      const wrong = new FatalError(`${this.host.options.name} got ${counts}; send() has to give one for each`)
      return this.host.fatal(wrong, this.head.message)
    }
    const [only] = outcomes as [Outcome<B>]
    // Those behind it may be of its lane, so one of a row is tried again in its place.
    if (this.entries.areSingle && only !== 'drop' && 'error' in only) this.failed(only.error)
    else this.settle(outcomes)
  }

  failed(error: unknown): void {
    this.host.failed(error)
    const kind = this.host.options.classify(error)
    if (kind === 'fatal') this.host.fatal(error, this.head.message)
    else if (kind === 'transient') this.tryAgain(error)
    else if (this.now.length === 1) this.settle([{ error }])
    else this.tryEach()
  }

  private get now(): readonly Entry<A, R>[] {
    return this.entries.now
  }

  private get head(): Entry<A, R> {
    return this.now[0] as Entry<A, R>
  }

  private get clock() {
    return this.head.message.origin.clock
  }

  /** A rebalance or the end has to come to a moment in which nothing is asked. */
  private get isHeldUp(): boolean {
    return this.head.failures > 0 && this.now.some(({ message }) => message.origin.holders.isStopped)
  }

  private try(): void {
    const { timeout, totalTimeout } = this.host.options
    if (totalTimeout < Number.POSITIVE_INFINITY) this.setDeadlines(totalTimeout)
    this.latest = new Try(this.host, this.now, this)
    this.latest.start(this.clock, Math.min(timeout, timeLeft(this.now, this.clock)))
  }

  private setDeadlines(totalTimeout: number): void {
    const end = this.clock.now() + totalTimeout
    for (const entry of this.now) entry.deadline ??= end
  }

  private tryAgain(error: unknown): void {
    for (const entry of this.now) {
      entry.failures++
      entry.error = error
    }
    this.giveUp()
    if (this.now.length > 1 && isTooLarge(error)) this.entries.halve()
    if (this.now.length === 0) this.next()
    else this.wait(this.host.tries.pauseAfter(this.now, retryAfterOf(error)))
  }

  /** One bad message must not fail the others: they are tried one by one, in order. */
  private tryEach(): void {
    this.entries.part(1)
    // What failed was the batch: the time of each begins with its own first try.
    for (const entry of this.entries.later) entry.deadline = undefined
    this.next()
  }

  private settle(outcomes: readonly Outcome<B>[]): void {
    const { later } = this.entries
    const held = new Set(this.host.settle(this.entries.takeNow(), outcomes, later))
    if (held.size > 0) this.entries.later = this.entries.later.filter((entry) => !held.has(entry))
    this.next()
  }

  /** Goes on with the rest, or is done. */
  private next(): void {
    // A server that answers at once would have each answer make the next try, one inside the other.
    if (this.isStepping) return
    this.isStepping = true
    while (this.entries.advance()) this.start()
    this.isStepping = false
    if (this.now.length === 0) this.host.done(this)
  }

  /** Lets go of those that have had all their tries, or all their time. */
  private giveUp(): void {
    const over = this.entries.takeIf((entry) => this.host.tries.isOver(entry))
    if (over.length > 0) this.host.giveUp(over)
  }

  /** Nothing more is done for a message whose partition was taken away meanwhile. */
  private dropFenced(): void {
    const fenced = this.entries.takeIf(isFenced)
    if (fenced.length > 0) this.host.drop(fenced)
  }

  private wait(ms: number): void {
    const wait = Math.min(ms, timeLeft(this.now, this.clock))
    if (this.host.parks && this.entries.later.length === 0) return this.park(wait)
    this.timer = this.clock.schedule(() => this.start(), wait)
    this.waits()
  }

  private park(ms: number): void {
    this.host.park(this.entries.takeNow(), ms)
    this.next()
  }

  private waits(): void {
    this.isWaiting = true
    this.host.waits()
  }
}

/** Whether fewer messages at a time might have succeeded. */
function isTooLarge(error: unknown): boolean {
  return ((error ?? {}) as { tooLarge?: unknown }).tooLarge === true
}
