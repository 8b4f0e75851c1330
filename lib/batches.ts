import type { Observable, ObservableInput, Subscriber } from 'rxjs'
import { backoff } from './backoff.ts'
import type { Clock, Timer } from './clock.ts'
import { FatalError, messageOf, PermanentError } from './errors.ts'
import { LaneQueue } from './laneQueue.ts'
import { type Lane, laneOf } from './lanes.ts'
import type { Message } from './message.ts'
import { operate } from './operate.ts'
import type { AllPerBatchOptions, Batch, Outcome } from './perBatch.ts'
import { type Entry, Request, type RequestHost, retryAfterOf } from './request.ts'
import { Resting } from './resting.ts'

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
  /** What failed of a batch; it holds its lanes, but no place. */
  private readonly resting = new Resting<Entry<A, R>>()
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
    const again: Entry<A, R>[] = []
    const held = new Set<Lane>()
    entries[0]?.message.origin.slice(() => {
      for (const [i, entry] of entries.entries()) {
        const outcome = outcomes[i] as Outcome<B>
        if (this.out.closed) entry.message.abandon()
        else if (this.isTriedAgain(entry, outcome, held)) again.push(entry)
        else this.settleOne(entry, outcome)
      }
    })
    if (again.length > 0) this.rest(again, entries, outcomes)
  }

  drop(entries: readonly Entry<A, R>[]): void {
    for (const entry of entries) {
      this.release(entry)
      entry.message.abandon()
    }
  }

  done(request: Request<A, R, B>): void {
    this.open.delete(request)
    this.dispatch()
    this.completeIfDone()
  }

  fatal(error: unknown): void {
    this.out.error(error instanceof Error ? error : new FatalError(String(error)))
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

  /** The wait is over. */
  private disarm(): void {
    this.timer?.unsubscribe()
    this.timer = undefined
    this.isArmed = false
  }

  private readonly flush = (): void => {
    this.disarm()
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
    const again = this.resting.shift()
    if (again !== undefined) return again
    const { max } = this.options.batch
    if (!this.isDue && this.queue.length < max) return []
    const entries = this.queue.take(max)
    if (this.queue.length > 0) return entries
    this.isDue = false
    // The timer was for a message that is on its way now. A quiet source has no timer, and calls anyway.
    if (this.timer !== undefined) this.disarm()
    return entries
  }

  /**
   * Whether an entry waits for its next try: because its failure may pass, or because one before it in its lane does,
   * which would otherwise come after it.
   */
  private isTriedAgain(entry: Entry<A, R>, outcome: Outcome<B>, held: Set<Lane>): boolean {
    const { classify, retry } = this.options
    if (outcome === 'drop' || !('error' in outcome)) return entry.lane !== undefined && held.has(entry.lane)
    if (classify(outcome.error) !== 'transient') return false
    if (++entry.failures >= (retry.attempts ?? Number.POSITIVE_INFINITY)) return false
    if (entry.lane !== undefined) held.add(entry.lane)
    return true
  }

  private settleOne(entry: Entry<A, R>, outcome: Outcome<B>): void {
    const { message } = entry
    this.release(entry)
    if (outcome === 'drop') message.ack()
    else if ('error' in outcome) this.refuse(entry, outcome.error)
    // A view that was spent before it came here: the pipe is wrong, not the message.
    else if (message.isSpent) this.fatal(new FatalError(spentText(this.options.name, message)))
    else this.out.next(message.with(outcome.value))
  }

  private release(entry: Entry<A, R>): void {
    if (this.queue.release(entry)) this.isDue = true
  }

  /** Lets what failed wait; it is tried again together, as one batch. */
  private rest(again: readonly Entry<A, R>[], entries: readonly Entry<A, R>[], outcomes: readonly Outcome<B>[]): void {
    if (this.out.closed) {
      for (const { message } of again) message.abandon()
      return
    }
    const [{ message, failures }] = again as [Entry<A, R>]
    const { origin } = message
    const asked = Math.max(0, ...entries.map((_, i) => retryAfterOf(errorIn(outcomes[i]))))
    const pause = backoff(this.options.retry, failures, () => origin.random())
    this.resting.add(again, Math.max(pause, asked, this.hold(asked)), origin.clock, () => this.dispatch())
  }

  private refuse({ message, failures }: Entry<A, R>, error: unknown): void {
    const { classify, name } = this.options
    const kind = classify(error)
    if (kind === 'fatal') {
      this.fatal(error)
      message.abandon()
    } else if (kind === 'permanent') message.nack(error)
    else
      message.nack(new PermanentError(`${name} gave up after ${failures} tries: ${messageOf(error)}`, { cause: error }))
  }

  private completeIfDone(): void {
    const idle = this.open.size === 0 && this.resting.isEmpty && this.queue.isEmpty
    if (this.sourceDone && idle) this.out.complete()
  }

  /** Torn down: whatever is unsettled is given up. */
  private close(): void {
    this.disarm()
    for (const request of this.open) request.abandon()
    for (const { message } of this.resting.clear()) message.abandon()
    for (const { message } of this.queue.clear()) message.abandon()
  }
}

function errorIn(outcome: Outcome<unknown> | undefined): unknown {
  return outcome !== undefined && outcome !== 'drop' && 'error' in outcome ? outcome.error : undefined
}

function spentText(name: string, { topic, partition, offset }: Message<unknown>): string {
  return `Cannot pass on ${topic}[${partition}]@${offset}: it was settled or handed on while ${name} had it; use fork() to give one message to two branches`
}
