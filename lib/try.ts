import { from, type Observable, type ObservableInput, Subscription, take, throwError } from 'rxjs'
import type { Clock, Timer } from './clock.ts'
import type { Entry } from './entry.ts'
import { FatalError, TransientError } from './errors.ts'
import type { Message } from './message.ts'
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
  private readonly batch: Asked<A>
  private timer: Timer | undefined

  constructor(asker: Asker<A, R, B>, entries: readonly Entry<A, R>[], host: TryHost<B>) {
    this.asker = asker
    this.entries = entries
    this.host = host
    this.batch = new Asked(entries.map(({ message }) => message))
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
        // It is heard after an answer that came at once, too: an error is not made for each of these.
        complete: () => this.isStopped || this.fail(new FatalError(`${name} got no outcomes; send() has to emit them`)),
      }),
    )
  }

  /** Ends it without an answer; nothing is told. */
  stop(): void {
    this.end()
    this.batch.abort()
  }

  /** What is sent may tear the pipe down and answer all the same, before there is a subscription to end. */
  private get isStopped(): boolean {
    return this.answer.closed
  }

  private ask(): Observable<readonly Outcome<B>[]> {
    const { asker, entries, batch } = this
    const requests = entries.map(({ request }) => request)
    try {
      return from(asker.send(requests, batch)).pipe(take(1))
    } catch (error) {
      return throwError(() => error)
    }
  }

  private end(): void {
    this.timer?.unsubscribe()
    this.answer.unsubscribe()
  }

  private succeed(outcomes: readonly Outcome<B>[]): void {
    if (this.isStopped) return
    // What has answered is not aborted.
    this.end()
    this.host.answered(outcomes)
  }

  private fail(error: unknown): void {
    if (this.isStopped) return
    this.stop()
    this.host.failed(error)
  }
}

/**
 * What `send` is told of a try.
 *
 * Not a literal with a getter: V8 makes a hidden class for each of these, in the old generation, which holds the getter
 * and so all messages of the try, until a full collection.
 */
class Asked<A> implements Batch<A> {
  readonly messages: readonly Message<A>[]
  private controller: AbortController | undefined
  private isAborted = false

  constructor(messages: readonly Message<A>[]) {
    this.messages = messages
  }

  get signal(): AbortSignal {
    this.controller ??= new AbortController()
    // Whoever comes for it late, after something else that took time, has to hear as well that the time is up.
    if (this.isAborted) this.controller.abort()
    return this.controller.signal
  }

  /** @internal */
  abort(): void {
    this.isAborted = true
    this.controller?.abort()
  }
}
