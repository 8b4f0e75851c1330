import { from, type ObservableInput, Subscription, take, throwError, throwIfEmpty } from 'rxjs'
import type { Clock, Timer } from './clock.ts'
import type { Entry } from './entry.ts'
import { FatalError, TransientError } from './errors.ts'
import type { AllPerBatchOptions, Batch, Outcome } from './perBatch.ts'

/** What asks a server. */
export interface Asker<A, R, B> {
  readonly options: AllPerBatchOptions<R>
  send(requests: readonly R[], batch: Batch<A>): ObservableInput<readonly Outcome<B>[]>
}

/** Whom a try tells how it ended. */
export interface TryHost<B> {
  answered(outcomes: readonly Outcome<B>[]): void
  failed(error: unknown): void
}

/** One try of some entries: they are asked for once, and it ends with the answer, a failure or its time. */
export class Try<A, R, B> {
  private readonly asker: Asker<A, R, B>
  private readonly entries: readonly Entry<A, R>[]
  private readonly host: TryHost<B>
  private readonly answer = new Subscription()
  private timer: Timer | undefined
  private controller: AbortController | undefined

  constructor(asker: Asker<A, R, B>, entries: readonly Entry<A, R>[], host: TryHost<B>) {
    this.asker = asker
    this.entries = entries
    this.host = host
  }

  /** @param most how long it may take, in ms */
  start(clock: Clock, most: number): void {
    const { name } = this.asker.options
    const late = () => this.fail(new TransientError(`${name} got no answer within ${most} ms`, { tooLarge: true }))
    this.timer = clock.schedule(late, most)
    this.answer.add(
      this.ask().subscribe({
        next: (outcomes) => this.succeed(outcomes),
        error: (error) => this.fail(error),
      }),
    )
  }

  /** Ends it without an answer; nothing is told. */
  stop(): void {
    this.timer?.unsubscribe()
    this.answer.unsubscribe()
    this.controller?.abort()
    this.controller = undefined
  }

  /** What is sent may tear the pipe down and answer all the same, before there is a subscription to end. */
  private get isStopped(): boolean {
    return this.answer.closed
  }

  private ask() {
    const { asker, entries } = this
    const signal = () => {
      this.controller ??= new AbortController()
      return this.controller.signal
    }
    const batch: Batch<A> = {
      messages: entries.map(({ message }) => message),
      get signal() {
        return signal()
      },
    }
    const { name } = asker.options
    const requests = entries.map(({ request }) => request)
    try {
      return from(asker.send(requests, batch)).pipe(
        take(1),
        throwIfEmpty(() => new FatalError(`${name} got no outcomes; send() has to emit them`)),
      )
    } catch (error) {
      return throwError(() => error)
    }
  }

  private succeed(outcomes: readonly Outcome<B>[]): void {
    if (this.isStopped) return
    // What has answered is not aborted.
    this.controller = undefined
    this.stop()
    this.host.answered(outcomes)
  }

  private fail(error: unknown): void {
    if (this.isStopped) return
    this.stop()
    this.host.failed(error)
  }
}
