import type { Observable, ObservableInput, Subscriber } from 'rxjs'
import { backoff } from './backoff.ts'
import type { Clock, Timer } from './clock.ts'
import { messageOf, PermanentError } from './errors.ts'
import { LaneQueue } from './laneQueue.ts'
import { laneOf } from './lanes.ts'
import type { Message } from './message.ts'
import { operate } from './operate.ts'
import type { AllPerBatchOptions, Batch, Outcome } from './perBatch.ts'
import { Queue } from './queue.ts'
import { type Entry, Request, type RequestHost, retryAfterOf } from './request.ts'

type Prepare<A, R> = (value: A, message: Message<A>) => R
type Send<A, R, B> = (requests: readonly R[], batch: Batch<A>) => ObservableInput<readonly Outcome<B>[]>

/** The batches of one subscription of `perBatch`: which are under way, and what waits for the next. */
export class Batches<A, R, B> implements RequestHost<A, R, B> {
  readonly options: AllPerBatchOptions
  readonly send: Send<A, R, B>
  private readonly prepare: Prepare<A, R>
  private readonly out: Subscriber<Message<B>>
  private readonly queue: LaneQueue<Entry<A, R>>
  private readonly open = new Set<Request<A, R, B>>()
  /** Entries that failed alone and wait for their next try; they hold their lanes, but no place. */
  private readonly resting = new Map<Entry<A, R>, Timer>()
  /** Those whose wait is over. */
  private readonly again = new Queue<Entry<A, R>>()
  private clock: Clock | undefined
  private timer: Timer | undefined
  private isArmed = false
  /** Whether what waits is sent although it fills no batch. */
  private isDue = false
  private isDispatching = false
  private heldUntil = 0
  private sourceDone = false

  constructor(prepare: Prepare<A, R>, send: Send<A, R, B>, options: AllPerBatchOptions, out: Subscriber<Message<B>>) {
    this.prepare = prepare
    this.send = send
    this.options = options
    this.out = out
    this.queue = new LaneQueue(options.repeats)
  }

  subscribe(source: Observable<Message<A>>): void {
    const add = operate<A, never>((message) => this.add(message))
    this.out.add(() => this.close())
    this.out.add(
      add(source).subscribe({
        error: (error) => this.out.error(error),
        complete: () => {
          this.sourceDone = true
          this.flush()
          this.completeIfDone()
        },
      }),
    )
  }

  settle(entries: readonly Entry<A, R>[], outcomes: readonly Outcome<B>[]): void {
    const [head] = entries
    try {
      head?.message.origin.slice(() => {
        for (const [i, entry] of entries.entries()) this.settleOne(entry, outcomes[i] as Outcome<B>)
      })
    } catch (error) {
      // A view that was spent before it came here: the pipe is wrong, not the message.
      this.out.error(error)
    }
  }

  done(request: Request<A, R, B>): void {
    this.open.delete(request)
    this.dispatch()
    this.completeIfDone()
  }

  fatal(error: Error): void {
    this.out.error(error)
  }

  hold(retryAfter: number): number {
    const now = this.clock?.now() ?? 0
    if (this.options.holdAll && retryAfter > 0) this.heldUntil = Math.max(this.heldUntil, now + retryAfter)
    return this.heldUntil - now
  }

  private add(message: Message<A>): void {
    const request = this.prepare(message.value, message)
    this.clock ??= message.origin.clock
    this.queue.add({ message, request, lane: laneOf(message, this.options.order), failures: 0 })
    if (this.queue.length >= this.options.batch.max) this.dispatch()
    else if (!this.isDue && !this.isArmed) this.arm(message)
  }

  /** Sees that the first of a batch does not wait for ever. */
  private arm({ origin }: Message<A>): void {
    this.isArmed = true
    if (!origin.onQuiet(this.flush)) this.timer = origin.clock.schedule(this.flush, this.options.batch.wait)
  }

  private readonly flush = (): void => {
    this.timer?.unsubscribe()
    this.timer = undefined
    this.isArmed = false
    this.isDue = true
    this.dispatch()
  }

  /** Sends what can be sent. */
  private dispatch(): void {
    // A server that answers at once would have each answer send the next batch, one inside the other.
    if (this.isDispatching) return
    this.isDispatching = true
    while (this.open.size < this.options.concurrency && !this.out.closed) {
      const entries = this.nextEntries()
      if (entries.length === 0) break
      const request = new Request(this, entries)
      this.open.add(request)
      request.start()
    }
    this.isDispatching = false
  }

  private nextEntries(): readonly Entry<A, R>[] {
    const alone = this.again.shift()
    if (alone !== undefined) return [alone]
    const { max } = this.options.batch
    if (!this.isDue && this.queue.length < max) return []
    const entries = this.queue.take(max)
    if (this.queue.length === 0) this.isDue = false
    return entries
  }

  private settleOne(entry: Entry<A, R>, outcome: Outcome<B>): void {
    if (outcome !== 'drop' && 'error' in outcome && this.tryAgain(entry, outcome.error)) return
    this.queue.release(entry)
    if (this.queue.length > 0) this.isDue = true
    if (outcome === 'drop') entry.message.ack()
    else if ('error' in outcome) this.refuse(entry, outcome.error)
    else this.out.next(entry.message.with(outcome.value))
  }

  /** Lets an entry whose failure may pass wait for its next try, alone; false when there is none. */
  private tryAgain(entry: Entry<A, R>, error: unknown): boolean {
    const { classify, retry } = this.options
    if (classify(error) !== 'transient' || ++entry.failures >= (retry.attempts ?? Number.POSITIVE_INFINITY))
      return false
    const { clock } = entry.message.origin
    const pause = backoff(retry, entry.failures, () => entry.message.origin.random())
    const wait = Math.max(pause, retryAfterOf(error), this.hold(retryAfterOf(error)))
    const timer = clock.schedule(() => {
      this.resting.delete(entry)
      this.again.push(entry)
      this.dispatch()
    }, wait)
    this.resting.set(entry, timer)
    return true
  }

  private refuse({ message, failures }: Entry<A, R>, error: unknown): void {
    const { classify, name } = this.options
    const kind = classify(error)
    if (kind === 'fatal') this.fatal(error as Error)
    else if (kind === 'permanent') message.nack(error)
    else
      message.nack(new PermanentError(`${name} gave up after ${failures} tries: ${messageOf(error)}`, { cause: error }))
  }

  private completeIfDone(): void {
    const idle = this.open.size === 0 && this.resting.size === 0 && this.again.length === 0 && this.queue.isEmpty
    if (this.sourceDone && idle) this.out.complete()
  }

  /** Torn down: whatever is unsettled is given up. */
  private close(): void {
    this.timer?.unsubscribe()
    for (const request of this.open) request.abandon()
    for (const [entry, timer] of this.resting) {
      timer.unsubscribe()
      entry.message.abandon()
    }
    for (let entry = this.again.shift(); entry !== undefined; entry = this.again.shift()) entry.message.abandon()
    for (const { message } of this.queue.clear()) message.abandon()
  }
}
