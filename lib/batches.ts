import type { Observable, ObservableInput, Subscriber } from 'rxjs'
import { Again } from './again.ts'
import type { Timer } from './clock.ts'
import { Crowd } from './crowd.ts'
import { type Entry, isFenced } from './entry.ts'
import type { OperatorHealth } from './events.ts'
import type { Holder } from './holders.ts'
import { type Lane, Lanes } from './lanes.ts'
import type { Message } from './message.ts'
import { OpenLanes } from './openLanes.ts'
import { feedKeeper } from './operate.ts'
import { operatorHealth } from './operatorHealth.ts'
import { Outcomes } from './outcomes.ts'
import { Pending } from './pending.ts'
import type { AllPerBatchOptions, Batch, Outcome } from './perBatch.ts'
import { Request } from './request.ts'
import type { RequestHost } from './requestHost.ts'
import { Sources } from './sources.ts'
import { Tries } from './tries.ts'

type Prepare<A, R> = (value: A, message: Message<A>) => R
type Send<A, R, B> = (requests: readonly R[], batch: Batch<A>) => ObservableInput<readonly Outcome<B>[]>
/** The outcome of a request, where it is known without asking. */
type Known<A, R, B> = (request: R, message: Message<A>) => Outcome<B> | undefined

/** The batches of one subscription of `perBatch`: which are under way, and what waits for the next. */
export class Batches<A, R, B> implements RequestHost<A, R, B>, Holder {
  readonly options: AllPerBatchOptions<R>
  readonly send: Send<A, R, B>
  readonly tries: Tries
  private readonly prepare: Prepare<A, R>
  private readonly out: Subscriber<Message<B>>
  private readonly known: Known<A, R, B> | undefined
  /** The lanes that what is known may not overtake in. */
  private readonly openLanes = new OpenLanes()
  private readonly lanes: Lanes
  private readonly pending: Pending<A, R>
  private readonly open = new Crowd<Request<A, R, B>>()
  private readonly outcomes: Outcomes<A, R, B>
  private readonly sources = new Sources(this)
  private isDispatching = false
  private sourceDone = false

  constructor(
    prepare: Prepare<A, R>,
    send: Send<A, R, B>,
    options: AllPerBatchOptions<R>,
    out: Subscriber<Message<B>>,
    known?: Known<A, R, B>,
  ) {
    this.prepare = prepare
    this.known = known
    this.send = send
    this.options = options
    this.out = out
    this.tries = new Tries(options.retry)
    this.lanes = new Lanes(options.order)
    this.pending = new Pending(options, () => this.dispatch())
    this.outcomes = new Outcomes(options, out)
  }

  subscribe(source: Observable<Message<A>>): void {
    feedKeeper(source, this.out, {
      add: (message) => this.add(message),
      complete: () => {
        this.sourceDone = true
        this.pending.flush()
        this.completeIfDone()
      },
      close: () => this.close(),
    })
  }

  settle(
    entries: readonly Entry<A, R>[],
    outcomes: readonly Outcome<B>[],
    behind: readonly Entry<A, R>[],
  ): readonly Entry<A, R>[] {
    const again = new Again<A, R>(this)
    entries[0]?.message.origin.slice(() => {
      for (let i = 0; i < entries.length; i++) {
        const entry = entries[i] as Entry<A, R>
        const outcome = outcomes[i] as Outcome<B>
        if (outcome !== 'drop' && 'error' in outcome) this.failed(outcome.error)
        if (this.out.closed) entry.message.abandon()
        else if (!again.takes(entry, outcome)) this.settleOne(entry, outcome)
      }
    })
    // Once the pipe is torn down, the request has given them up.
    const held = this.out.closed ? [] : again.takeBehind(behind)
    this.rest(again)
    // The request goes on with the others: what waited in the lanes of these must not wait for them.
    if (behind.length > held.length) this.dispatch()
    return held
  }

  giveUp(entries: readonly Entry<A, R>[]): void {
    entries[0]?.message.origin.slice(() => {
      for (const entry of entries) {
        if (this.out.closed) entry.message.abandon()
        else this.settleOne(entry, { error: entry.error })
      }
    })
  }

  drop(entries: readonly Entry<A, R>[]): void {
    for (const entry of entries) {
      this.release(entry)
      entry.message.abandon()
    }
  }

  fatal(error: unknown, message: Message<A>): void {
    this.outcomes.fatal(error, message)
  }

  failed(error: unknown): void {
    this.outcomes.counts.lastError = error
  }

  done(request: Request<A, R, B>): void {
    this.open.delete(request)
    this.dispatch()
    this.waits()
    this.completeIfDone()
  }

  waits(): void {
    this.sources.waits()
  }

  admit(go: () => void): Timer | undefined {
    return this.options.rateLimit?.admit(this, this.sources.clock, go)
  }

  get parks(): boolean {
    return this.options.serverOf !== undefined
  }

  park(entries: readonly Entry<A, R>[], ms: number): void {
    this.pending.park(entries, ms)
  }

  get isBusy(): boolean {
    return this.open.size > 0 || !this.pending.resting.isEmpty
  }

  *waiting(): Iterable<Message<A>> {
    const { queue, resting } = this.pending
    for (const { message } of resting) yield message
    let isStuck = queue.length === 0 || this.open.size >= this.options.concurrency
    for (const request of this.open) {
      if (!request.isWaiting) isStuck = false
      else for (const { message } of request.unsettled) yield message
    }
    // What a request under way, or a free place, can let through soon does not wait.
    if (isStuck) for (const { message } of queue) yield message
  }

  health(): OperatorHealth {
    return operatorHealth(this.options.name, this.outcomes.counts, this.open, this.pending)
  }

  look(): void {
    this.drop(this.pending.resting.remove(isFenced))
    for (const request of this.open) request.look()
    this.dispatch()
    this.completeIfDone()
  }

  private add(message: Message<A>): void {
    const request = this.prepare(message.value, message)
    const { serverOf, holdAll } = this.options
    const server = serverOf === undefined ? (holdAll ? '' : undefined) : serverOf(request)
    const lane = this.lanes.of(message)
    if (this.known !== undefined && this.passes(message, request, lane, this.known)) return
    // What was just asked of the user's functions may have torn down the pipe.
    if (this.out.closed) return message.abandon()
    if (this.known !== undefined) this.openLanes.enter(lane)
    this.sources.meet(message.origin)
    this.pending.add({
      message,
      request,
      lane,
      row: undefined,
      next: undefined,
      server,
      failures: 0,
      error: undefined,
      deadline: undefined,
    })
  }

  /** What is known waits for no batch, unless an older message of its lane does. */
  private passes(message: Message<A>, request: R, lane: Lane | undefined, known: Known<A, R, B>): boolean {
    const outcome = this.openLanes.has(lane) ? undefined : known(request, message)
    if (outcome === undefined || this.out.closed || (outcome !== 'drop' && 'error' in outcome)) return false
    this.outcomes.succeed(message, outcome)
    return true
  }

  /** Sends what can be sent. */
  private dispatch(): void {
    // A server that answers at once would have each answer send the next batch, one inside the other.
    if (this.isDispatching) return
    this.isDispatching = true
    while (this.open.size < this.options.concurrency && !this.out.closed) {
      const entries = this.pending.take()
      if (entries.length === 0) break
      const request = new Request(this, entries)
      this.open.add(request)
      request.start()
    }
    this.isDispatching = false
  }

  private settleOne(entry: Entry<A, R>, outcome: Outcome<B>): void {
    this.release(entry)
    this.outcomes.settle(entry, outcome)
  }

  private release(entry: Entry<A, R>): void {
    if (this.known !== undefined) this.openLanes.leave(entry.lane)
    this.pending.release(entry)
  }

  /** Lets what failed wait. */
  private rest({ entries, retryAfter }: Again<A, R>): void {
    if (entries.length === 0) return
    if (this.out.closed) return abandon(entries)
    this.park(entries, this.tries.pauseAfter(entries, retryAfter))
  }

  private completeIfDone(): void {
    if (this.sourceDone && this.open.size === 0 && this.pending.isEmpty) this.out.complete()
  }

  /** Torn down: whatever is unsettled is given up. */
  private close(): void {
    for (const request of this.open) request.abandon()
    abandon(this.pending.close())
    this.sources.leave()
  }
}

function abandon(entries: Iterable<Entry<unknown, unknown>>): void {
  for (const { message } of entries) message.abandon()
}
