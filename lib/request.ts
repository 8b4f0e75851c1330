import { from, type ObservableInput, Subscription, take, throwError, throwIfEmpty } from 'rxjs'
import type { Clock, Timer } from './clock.ts'
import { FatalError, TransientError } from './errors.ts'
import type { Laned } from './laneQueue.ts'
import type { Message } from './message.ts'
import type { AllPerBatchOptions, Batch, Outcome } from './perBatch.ts'

/** A message on its way through `perBatch`. */
export interface Entry<A, R> extends Laned {
  readonly message: Message<A>
  readonly request: R
  /** Where the request goes to, when the operator says so. */
  readonly server: string | undefined
  /** Tries that failed. */
  failures: number
  /** What the last of them failed with. */
  error: unknown
  /** When its time for all tries is over; nothing before the first one, or without `totalTimeout`. */
  deadline: number | undefined
}

/** Whom a request tells. */
export interface RequestHost<A, R, B> {
  readonly options: AllPerBatchOptions<R>
  send(requests: readonly R[], batch: Batch<A>): ObservableInput<readonly Outcome<B>[]>
  /**
   * Each entry has its outcome. Gives those of `behind` that have to wait, as one before them in their lane does: they
   * are the host's from now on.
   */
  settle(
    entries: readonly Entry<A, R>[],
    outcomes: readonly Outcome<B>[],
    behind: readonly Entry<A, R>[],
  ): readonly Entry<A, R>[]
  /** Their partitions are gone: another member has these entries now. */
  drop(entries: readonly Entry<A, R>[]): void
  /** No message can succeed; this one is the first that met it. */
  fatal(error: unknown, message: Message<A>): void
  /** Some entries begin to wait for their next try. */
  waits(): void
  /** The request is through with all its entries. */
  done(request: Request<A, R, B>): void
  /** Takes note of a failure. */
  failed(error: unknown): void
  /** Whether an entry has had all its tries, or all its time. */
  isOver(entry: Entry<A, R>): boolean
  /** Lets go of such entries. */
  giveUp(entries: readonly Entry<A, R>[]): void
  /** How long the servers of some entries want to be left alone, in ms. */
  heldFor(entries: readonly Entry<A, R>[]): number
  /** How long entries wait after a failed try, in ms. */
  pauseAfter(entries: readonly Entry<A, R>[], retryAfter: number): number
  /** Undefined when a request may go off now; otherwise `go` is called when it may. */
  admit(go: () => void): Timer | undefined
  /** Whether entries that wait do so without a place. */
  readonly parks: boolean
  /** Tries entries again after `ms`. */
  park(entries: Entry<A, R>[], ms: number): void
}

/** One batch, from its first try to the outcomes of all its messages. */
export class Request<A, R, B> {
  private readonly host: RequestHost<A, R, B>
  private entries: readonly Entry<A, R>[]
  /** Entries that are tried after those under way, so many at a time. */
  private rest: Entry<A, R>[] = []
  private size = Number.POSITIVE_INFINITY
  private isStepping = false
  /** Whether nothing is asked now: its entries wait for their next try. */
  isWaiting = false
  private timer: Timer | undefined
  private answer = new Subscription()
  private controller: AbortController | undefined

  constructor(host: RequestHost<A, R, B>, entries: readonly Entry<A, R>[]) {
    this.host = host
    this.entries = entries
  }

  /** Makes one try, as soon as it may. */
  start(isAdmitted = false): void {
    this.timer = undefined
    this.isWaiting = false
    this.dropFenced()
    if (this.entries.length === 0) return this.next()
    if (this.isHeldUp) return this.waits()
    this.giveUp()
    if (this.entries.length === 0) return this.next()
    const held = this.host.heldFor(this.entries)
    if (held > 0) return this.wait(held)
    if (!isAdmitted) this.timer = this.host.admit(() => this.start(true))
    if (this.timer === undefined) this.try()
    else this.waits()
  }

  private try(): void {
    const { name, timeout, totalTimeout } = this.host.options
    if (totalTimeout < Number.POSITIVE_INFINITY) this.setDeadlines(totalTimeout)
    const most = Math.min(timeout, timeLeft(this.entries, this.clock))
    const late = () => this.fail(new TransientError(`${name} got no answer within ${most} ms`, { tooLarge: true }))
    this.timer = this.clock.schedule(late, most)
    this.answer = new Subscription()
    this.answer.add(
      this.ask().subscribe({
        next: (outcomes) => this.answered(outcomes),
        error: (error) => this.fail(error),
      }),
    )
  }

  /** Gives up; whoever is still unsettled is told so. */
  abandon(): void {
    this.stop()
    const left = this.unsettled
    this.entries = []
    this.rest = []
    for (const { message } of left) message.abandon()
  }

  get unsettled(): readonly Entry<A, R>[] {
    return [...this.entries, ...this.rest]
  }

  /** Of these, those that nothing is asked for now. */
  get waiting(): readonly Entry<A, R>[] {
    return this.isWaiting ? this.unsettled : this.rest
  }

  /** Looks again, while it waits, whether its partitions are there and whether it may try again. */
  look(): void {
    if (!this.isWaiting) return
    this.dropFenced()
    if (this.entries.length === 0) this.stop()
    else if (this.timer !== undefined) return
    this.start()
  }

  /** A rebalance or the end has to come to a moment in which nothing is asked. */
  private get isHeldUp(): boolean {
    return this.head.failures > 0 && this.entries.some(({ message }) => message.origin.holders.isStopped)
  }

  private setDeadlines(totalTimeout: number): void {
    const end = this.clock.now() + totalTimeout
    for (const entry of this.entries) entry.deadline ??= end
  }

  private get head(): Entry<A, R> {
    return this.entries[0] as Entry<A, R>
  }

  private get clock() {
    return this.head.message.origin.clock
  }

  private ask() {
    const { host } = this
    const signal = () => {
      this.controller ??= new AbortController()
      return this.controller.signal
    }
    const batch: Batch<A> = {
      messages: this.entries.map(({ message }) => message),
      get signal() {
        return signal()
      },
    }
    const { name } = host.options
    const requests = this.entries.map(({ request }) => request)
    try {
      return from(host.send(requests, batch)).pipe(
        take(1),
        throwIfEmpty(() => new FatalError(`${name} got no outcomes; send() has to emit them`)),
      )
    } catch (error) {
      return throwError(() => error)
    }
  }

  private answered(outcomes: readonly Outcome<B>[]): void {
    this.controller = undefined
    this.stop()
    if (!Array.isArray(outcomes) || outcomes.length !== this.entries.length) {
      const got = Array.isArray(outcomes) ? `${outcomes.length} outcomes` : `${outcomes}, not outcomes,`
      const counts = `${got} for ${this.entries.length} messages`
      const wrong = new FatalError(`${this.host.options.name} got ${counts}; send() has to give one for each`)
      return this.host.fatal(wrong, this.head.message)
    }
    const [only] = outcomes as [Outcome<B>]
    // Those behind it may be of its lane, so one of a row is tried again in its place.
    if (this.size === 1 && only !== 'drop' && 'error' in only) this.fail(only.error)
    else this.settle(outcomes)
  }

  private fail(error: unknown): void {
    this.stop()
    this.host.failed(error)
    const kind = this.host.options.classify(error)
    if (kind === 'fatal') this.host.fatal(error, this.head.message)
    else if (kind === 'transient') this.tryAgain(error)
    else if (this.entries.length === 1) this.settle([{ error }])
    else {
      // One bad message must not fail the others: they are tried one by one, in order.
      this.part(1)
      // What failed was the batch: the time of each begins with its own first try.
      for (const entry of this.rest) entry.deadline = undefined
      this.next()
    }
  }

  private tryAgain(error: unknown): void {
    for (const entry of this.entries) {
      entry.failures++
      entry.error = error
    }
    this.giveUp()
    if (this.entries.length > 1 && isTooLarge(error)) this.halve()
    if (this.entries.length === 0) this.next()
    else this.wait(this.host.pauseAfter(this.entries, retryAfterOf(error)))
  }

  /**
   * A request that takes too long or too much is so again as long as it is as large. Each failure leaves half of it,
   * down to one, so that it comes to an end. It does not grow again: the next is a new one, of full size.
   */
  private halve(): void {
    this.part(Math.ceil(this.entries.length / 2))
    this.entries = this.rest.splice(0, this.size)
  }

  private part(size: number): void {
    this.rest = [...this.entries, ...this.rest]
    this.entries = []
    this.size = size
  }

  /** Lets go of those that have had all their tries, or all their time. */
  private giveUp(): void {
    const isOver = (entry: Entry<A, R>) => this.host.isOver(entry)
    if (!this.entries.some(isOver)) return
    const over = this.entries.filter(isOver)
    this.entries = this.entries.filter((entry) => !isOver(entry))
    this.host.giveUp(over)
  }

  private settle(outcomes: readonly Outcome<B>[]): void {
    const { entries } = this
    this.entries = []
    const held = new Set(this.host.settle(entries, outcomes, this.rest))
    if (held.size > 0) this.rest = this.rest.filter((entry) => !held.has(entry))
    this.next()
  }

  /** Goes on with the rest, or is done. */
  private next(): void {
    // A server that answers at once would have each answer make the next try, one inside the other.
    if (this.isStepping) return
    this.isStepping = true
    while (this.entries.length === 0 && this.rest.length > 0) {
      this.entries = this.rest.splice(0, this.size)
      this.start()
    }
    this.isStepping = false
    if (this.entries.length === 0) this.host.done(this)
  }

  /** Nothing more is done for a message whose partition was taken away meanwhile. */
  private dropFenced(): void {
    if (!this.entries.some(isFenced)) return
    const fenced = this.entries.filter(isFenced)
    this.entries = this.entries.filter((entry) => !isFenced(entry))
    this.host.drop(fenced)
  }

  private wait(ms: number): void {
    const wait = Math.min(ms, timeLeft(this.entries, this.clock))
    if (this.host.parks && this.rest.length === 0) return this.park(wait)
    this.timer = this.clock.schedule(() => this.start(), wait)
    this.waits()
  }

  private park(ms: number): void {
    const { entries } = this
    this.entries = []
    this.host.park([...entries], ms)
    this.next()
  }

  private waits(): void {
    this.isWaiting = true
    this.host.waits()
  }

  private stop(): void {
    this.timer?.unsubscribe()
    this.timer = undefined
    this.answer.unsubscribe()
    this.controller?.abort()
    this.controller = undefined
  }
}

/** Whether another member has the entry now. */
export function isFenced({ message }: Entry<unknown, unknown>): boolean {
  return message.origin.isEnded
}

/** How long it is until the time of the first of some entries is over, in ms. */
export function timeLeft(entries: readonly Entry<unknown, unknown>[], clock: Clock): number {
  let end = Number.POSITIVE_INFINITY
  for (const { deadline } of entries) if (deadline !== undefined && deadline < end) end = deadline
  return end === Number.POSITIVE_INFINITY ? end : Math.max(0, end - clock.now())
}

/** Whether fewer messages at a time might have succeeded. */
function isTooLarge(error: unknown): boolean {
  return ((error ?? {}) as { tooLarge?: unknown }).tooLarge === true
}

/** How long a failure asks to wait, in ms. */
export function retryAfterOf(error: unknown): number {
  const { retryAfter } = (error ?? {}) as { retryAfter?: unknown }
  return typeof retryAfter === 'number' && retryAfter > 0 ? retryAfter : 0
}
