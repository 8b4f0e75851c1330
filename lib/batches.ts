import type { Observable, ObservableInput, Subscriber } from 'rxjs'
import { Again } from './again.ts'
import { backoff } from './backoff.ts'
import type { Clock, Timer } from './clock.ts'
import { Due } from './due.ts'
import { FatalError, fatalAt, messageOf, PermanentError } from './errors.ts'
import type { OperatorHealth } from './events.ts'
import type { Holder, Holders } from './holders.ts'
import { Holds } from './holds.ts'
import { LaneQueue } from './laneQueue.ts'
import { type Lane, Lanes } from './lanes.ts'
import { type Message, type Origin, spentText } from './message.ts'
import { OpenLanes } from './openLanes.ts'
import { operate } from './operate.ts'
import { type Counts, operatorHealth } from './operatorHealth.ts'
import type { AllPerBatchOptions, Batch, Outcome } from './perBatch.ts'
import { type Entry, isFenced, Request, type RequestHost, timeLeft } from './request.ts'
import { Resting } from './resting.ts'

type Prepare<A, R> = (value: A, message: Message<A>) => R
type Send<A, R, B> = (requests: readonly R[], batch: Batch<A>) => ObservableInput<readonly Outcome<B>[]>
/** The outcome of a request, where it is known without asking. */
type Known<A, R, B> = (request: R, message: Message<A>) => Outcome<B> | undefined

/** The batches of one subscription of `perBatch`: which are under way, and what waits for the next. */
export class Batches<A, R, B> implements RequestHost<A, R, B>, Holder {
  readonly options: AllPerBatchOptions<R>
  readonly send: Send<A, R, B>
  private readonly prepare: Prepare<A, R>
  private readonly out: Subscriber<Message<B>>
  private readonly known: Known<A, R, B> | undefined
  /** The lanes that what is known may not overtake in. */
  private readonly openLanes = new OpenLanes()
  private readonly queue: LaneQueue<Entry<A, R>>
  private readonly lanes: Lanes
  private readonly open = new Set<Request<A, R, B>>()
  /** What failed of a batch; it holds its lanes, but no place. */
  private readonly resting = new Resting<Entry<A, R>>()
  private clock: Clock | undefined
  /** Of the sources that it has messages of; more than one where sources are merged. */
  private readonly sources = new Set<Holders>()
  private latest: Holders | undefined
  private readonly due: Due
  /** Whether what waits is sent although it fills no batch. */
  private isDue = false
  private isDispatching = false
  private readonly holds = new Holds()
  private readonly counts: Counts = { done: 0, failed: 0, lastError: null }
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
    this.queue = new LaneQueue(options.repeats)
    this.lanes = new Lanes(options.order)
    this.due = new Due(options.batch.wait, () => this.flush())
  }

  subscribe(source: Observable<Message<A>>): void {
    const add = operate<A, never>((message) => this.add(message))
    this.out.add(() => this.close())
    this.out.add(
      add(source).subscribe({
        error: (error) => this.out.error(error),
        complete: () => {
          this.sourceDone = true
          this.due.disarm()
          this.flush()
          this.completeIfDone()
        },
      }),
    )
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
    return held
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
    this.waits()
    this.completeIfDone()
  }

  waits(): void {
    for (const source of this.sources) source.waits()
  }

  get isBusy(): boolean {
    return this.open.size > 0 || !this.resting.isEmpty
  }

  *waiting(): Iterable<Message<A>> {
    for (const { message } of this.resting) yield message
    let isStuck = this.queue.length === 0 || this.open.size >= this.options.concurrency
    for (const request of this.open) {
      if (!request.isWaiting) isStuck = false
      else for (const { message } of request.unsettled) yield message
    }
    // What a request under way, or a free place, can let through soon does not wait.
    if (isStuck) for (const { message } of this.queue) yield message
  }

  health(): OperatorHealth {
    return operatorHealth(this.options.name, this.counts, this.open, [...this.resting, ...this.queue])
  }

  look(): void {
    this.drop(this.resting.remove(isFenced))
    for (const request of [...this.open]) request.look()
    this.dispatch()
    this.completeIfDone()
  }

  fatal(error: unknown, message: Message<A>): void {
    this.out.error(fatalAt(message, error))
  }

  failed(error: unknown): void {
    this.counts.lastError = error
  }

  isOver({ failures, deadline }: Entry<A, R>): boolean {
    if (failures >= (this.options.retry.attempts ?? Number.POSITIVE_INFINITY)) return true
    return deadline !== undefined && deadline <= this.now
  }

  giveUp(entries: readonly Entry<A, R>[]): void {
    entries[0]?.message.origin.slice(() => {
      for (const entry of entries) {
        if (this.out.closed) entry.message.abandon()
        else this.settleOne(entry, { error: entry.error })
      }
    })
  }

  heldFor(entries: readonly Entry<A, R>[]): number {
    let held = 0
    for (const { server } of entries) if (server !== undefined) held = Math.max(held, this.holds.left(server, this.now))
    return held
  }

  pauseAfter(entries: readonly Entry<A, R>[], retryAfter: number): number {
    const { message, failures } = entries[0] as Entry<A, R>
    for (const { server } of entries)
      if (retryAfter > 0 && server !== undefined) this.holds.note(server, this.now + retryAfter)
    const pause = backoff(this.options.retry, failures, () => message.origin.random())
    return Math.max(pause, retryAfter, this.heldFor(entries))
  }

  admit(go: () => void): Timer | undefined {
    return this.options.rateLimit?.admit(this, this.clock as Clock, go)
  }

  get parks(): boolean {
    return this.options.serverOf !== undefined
  }

  park(entries: Entry<A, R>[], ms: number): void {
    const { clock } = (entries[0] as Entry<A, R>).message.origin
    this.resting.add(entries, Math.min(ms, timeLeft(entries, clock)), clock, () => this.dispatch())
  }

  private get now(): number {
    return this.clock?.now() ?? 0
  }

  private add(message: Message<A>): void {
    const request = this.prepare(message.value, message)
    const { serverOf, holdAll } = this.options
    const server = serverOf === undefined ? (holdAll ? '' : undefined) : serverOf(request)
    const lane = this.lanes.of(message)
    if (this.known !== undefined) {
      if (this.passes(message, request, lane, this.known)) return
      this.openLanes.enter(lane)
    }
    if (message.origin.holders !== this.latest) this.meet(message.origin)
    this.queue.add({
      message,
      request,
      lane,
      row: undefined,
      server,
      failures: 0,
      error: undefined,
      deadline: undefined,
    })
    if (this.queue.length >= this.options.batch.max) this.dispatch()
    else if (!this.isDue) this.due.arm(message.origin)
  }

  /** What is known waits for no batch, unless an older message of its lane does. */
  private passes(message: Message<A>, request: R, lane: Lane | undefined, known: Known<A, R, B>): boolean {
    const outcome = this.openLanes.has(lane) ? undefined : known(request, message)
    if (outcome === undefined || (outcome !== 'drop' && 'error' in outcome)) return false
    this.succeed(message, outcome)
    return true
  }

  /** Lets a source know that it has messages of it. */
  private meet({ holders, clock }: Origin): void {
    this.clock ??= clock
    this.latest = holders
    this.sources.add(holders)
    holders.add(this)
  }

  private flush(): void {
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
    this.due.taken()
    return entries
  }

  private settleOne(entry: Entry<A, R>, outcome: Outcome<B>): void {
    this.release(entry)
    if (outcome !== 'drop' && 'error' in outcome) this.refuse(entry, outcome.error)
    else this.succeed(entry.message, outcome)
  }

  private succeed(message: Message<A>, outcome: { readonly value: B } | 'drop'): void {
    this.counts.done++
    if (outcome === 'drop') message.ack()
    // A view that was spent before it came here: the pipe is wrong, not the message.
    else if (message.isSpent) this.out.error(new FatalError(spentText(message)))
    else this.out.next(message.with(outcome.value))
  }

  private release(entry: Entry<A, R>): void {
    if (this.known !== undefined) this.openLanes.leave(entry.lane)
    if (this.queue.release(entry)) this.isDue = true
  }

  /** Lets what failed wait. */
  private rest(again: Again<A, R>): void {
    const { entries } = again
    if (entries.length === 0) return
    if (this.out.closed) return abandon(entries)
    this.park(entries, this.pauseAfter(entries, again.retryAfter))
  }

  private refuse({ message, failures, deadline }: Entry<A, R>, error: unknown): void {
    const { classify, name, totalTimeout } = this.options
    const kind = classify(error)
    this.counts.failed++
    if (kind === 'fatal') {
      this.fatal(error, message)
      message.abandon()
    } else if (kind === 'permanent') message.nack(error)
    else {
      const late = deadline !== undefined && deadline <= this.now ? ` in ${totalTimeout} ms` : ''
      const text = `${name} gave up after ${failures} tries${late}: ${messageOf(error)}`
      message.nack(new PermanentError(text, { cause: error }))
    }
  }

  private completeIfDone(): void {
    const idle = this.open.size === 0 && this.resting.isEmpty && this.queue.isEmpty
    if (this.sourceDone && idle) this.out.complete()
  }

  /** Torn down: whatever is unsettled is given up. */
  private close(): void {
    this.due.disarm()
    for (const request of this.open) request.abandon()
    abandon(this.resting.clear())
    abandon(this.queue)
    for (const source of this.sources) source.remove(this)
  }
}

function abandon(entries: Iterable<Entry<unknown, unknown>>): void {
  for (const { message } of entries) message.abandon()
}
