import { first, from, type ObservableInput, Subscription, throwError } from 'rxjs'
import { backoff } from './backoff.ts'
import type { Timer } from './clock.ts'
import { FatalError, messageOf, PermanentError, TransientError } from './errors.ts'
import type { Laned } from './laneQueue.ts'
import type { Message } from './message.ts'
import type { AllPerBatchOptions, Batch, Outcome } from './perBatch.ts'

/** A message on its way through `perBatch`. */
export interface Entry<A, R> extends Laned {
  readonly message: Message<A>
  readonly request: R
  /** Tries that failed. */
  failures: number
}

/** Whom a request tells. */
export interface RequestHost<A, R, B> {
  readonly options: AllPerBatchOptions
  send(requests: readonly R[], batch: Batch<A>): ObservableInput<readonly Outcome<B>[]>
  /** Each entry has its outcome. */
  settle(entries: readonly Entry<A, R>[], outcomes: readonly Outcome<B>[]): void
  /** No message can succeed. */
  fatal(error: Error): void
  /** The request is through with all its entries. */
  done(request: Request<A, R, B>): void
  /** Takes note that the server wants to be left alone; gives how long it still does, in ms. */
  hold(retryAfter: number): number
}

/** One batch, from its first try to the outcomes of all its messages. */
export class Request<A, R, B> {
  private readonly host: RequestHost<A, R, B>
  private entries: readonly Entry<A, R>[]
  /** Entries that are tried one by one, after those under way. */
  private rest: readonly Entry<A, R>[] = []
  private timer: Timer | undefined
  private answer = new Subscription()
  private controller: AbortController | undefined

  constructor(host: RequestHost<A, R, B>, entries: readonly Entry<A, R>[]) {
    this.host = host
    this.entries = entries
  }

  start(): void {
    const held = this.host.hold(0)
    if (held > 0) return this.wait(held)
    const { timeout } = this.host.options
    this.timer = this.clock.schedule(() => this.fail(new TransientError(`No answer within ${timeout} ms`)), timeout)
    this.answer = new Subscription()
    this.answer.add(
      this.ask()
        .pipe(first())
        .subscribe({
          next: (outcomes) => this.answered(outcomes),
          error: (error) => this.fail(error),
        }),
    )
  }

  /** Gives up; whoever is still unsettled is told so. */
  abandon(): void {
    this.stop()
    for (const { message } of [...this.entries, ...this.rest]) message.abandon()
  }

  private get clock() {
    return (this.entries[0] as Entry<A, R>).message.origin.clock
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
    try {
      return from(
        host.send(
          this.entries.map(({ request }) => request),
          batch,
        ),
      )
    } catch (error) {
      return throwError(() => error)
    }
  }

  private answered(outcomes: readonly Outcome<B>[]): void {
    this.controller = undefined
    this.stop()
    if (outcomes.length !== this.entries.length) {
      const counts = `${outcomes.length} outcomes for ${this.entries.length} messages`
      return this.host.fatal(new FatalError(`${this.host.options.name} got ${counts}; send() has to give one for each`))
    }
    this.settle(outcomes)
  }

  private fail(error: unknown): void {
    this.stop()
    const kind = this.host.options.classify(error)
    if (kind === 'fatal') this.host.fatal(error instanceof Error ? error : new FatalError(String(error)))
    else if (kind === 'transient') this.tryAgain(error)
    else if (this.entries.length === 1) this.settle([{ error }])
    else {
      // One bad message must not fail the others: they are tried one by one, in order.
      this.rest = this.entries
      this.next()
    }
  }

  private tryAgain(error: unknown): void {
    const { name, retry } = this.host.options
    const [head] = this.entries as [Entry<A, R>]
    for (const entry of this.entries) entry.failures++
    if (head.failures >= (retry.attempts ?? Number.POSITIVE_INFINITY)) {
      const gaveUp = new PermanentError(`${name} gave up after ${head.failures} tries: ${messageOf(error)}`, {
        cause: error,
      })
      return this.settle(this.entries.map(() => ({ error: gaveUp })))
    }
    const pause = backoff(retry, head.failures, () => head.message.origin.random())
    this.wait(Math.max(pause, retryAfterOf(error), this.host.hold(retryAfterOf(error))))
  }

  private settle(outcomes: readonly Outcome<B>[]): void {
    const { entries } = this
    this.entries = []
    this.host.settle(entries, outcomes)
    if (this.rest.length > 0) this.next()
    else this.host.done(this)
  }

  private next(): void {
    const [head, ...rest] = this.rest as [Entry<A, R>, ...Entry<A, R>[]]
    this.entries = [head]
    this.rest = rest
    this.start()
  }

  private wait(ms: number): void {
    this.timer = this.clock.schedule(() => this.start(), ms)
  }

  private stop(): void {
    this.timer?.unsubscribe()
    this.timer = undefined
    this.answer.unsubscribe()
    this.controller?.abort()
    this.controller = undefined
  }
}

/** How long a failure asks to wait, in ms. */
export function retryAfterOf(error: unknown): number {
  const { retryAfter } = (error ?? {}) as { retryAfter?: unknown }
  return typeof retryAfter === 'number' && retryAfter > 0 ? retryAfter : 0
}
