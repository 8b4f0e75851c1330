import { type Observable, Subject, Subscription } from 'rxjs'
import type { Broker, Position, TopicPartition } from './broker.ts'
import { FatalError } from './errors.ts'
import type { SourceEvent, SourceHealth } from './events.ts'
import { expectBroker } from './expect.ts'
import type { Member } from './members.ts'
import { isMessage, type Message } from './message.ts'
import { onSignals } from './signals.ts'

/** How {@link run} treats the process it runs in. */
export interface RunOptions {
  /** Whether SIGTERM and SIGINT drain; false in an app that has its own handling. @default true */
  readonly signals?: boolean
}

/** Pipelines that run. */
export interface Running {
  /**
   * Resolves when all have ended in order; rejects with the first error, once the others have drained. Await or catch
   * it: Node ends a process that leaves a rejection unhandled.
   */
  readonly closed: Promise<void>
  /** What the sources tell beside their messages, from now on: log `nacked` and `trouble`. Completes with the run. */
  readonly events: Observable<SourceEvent>
  /** Delivers no more, lets what is in flight settle, commits, leaves the groups. Resolves like `closed`. */
  drain(): Promise<void>
  /** How each source stands: its state, its partitions with their lag, its counts. */
  health(): readonly SourceHealth[]
  /** Delivers nothing until {@link Running.resume}; the groups are not left. */
  pause(): void
  /** Goes on after {@link Running.pause}. */
  resume(): void
  /** Goes on reading a partition at another offset, and commits the new place. @throws Error when none of the sources has the partition */
  seek(position: Position): void
}

type Pipelines = Observable<unknown> | readonly Observable<unknown>[]

/** A pipe that ends without `ack()` is refused when compiled. */
type Acked<P> = P extends readonly Observable<unknown>[]
  ? { readonly [K in keyof P]: Acked<P[K]> }
  : P extends Observable<infer T>
    ? AckedValue<T>
    : unknown

type AckedValue<T> = [T] extends [never]
  ? unknown
  : [T] extends [Message<unknown>]
    ? 'this pipe ends without ack()'
    : unknown

/**
 * Runs pipelines until they are drained: SIGTERM and SIGINT do that, `drain()` does, and so does an error of one of
 * them for the others. Never ends the process: it ends by itself when nothing is left to do.
 *
 * ```ts
 * const running = run(kafka, saveActivities(kafka, redis))
 * await running.closed
 * ```
 *
 * @param kafka the broker that the pipelines read from
 * @param pipelines one or several, each subscribed at once
 * @throws TypeError when `kafka` is not a broker
 */
export function run<const P extends Pipelines>(kafka: Broker, pipelines: P & Acked<P>, options?: RunOptions): Running
export function run(kafka: Broker, pipelines: Pipelines, options: RunOptions = {}): Running {
  expectBroker(kafka, 'consume')
  const all = 'length' in pipelines ? pipelines : [pipelines]
  return new Run(kafka, all, options.signals ?? true)
}

class Run implements Running {
  readonly closed: Promise<void>
  readonly events: Observable<SourceEvent>
  private readonly subject = new Subject<SourceEvent>()
  private readonly subscriptions = new Subscription()
  private readonly stopListening: () => void
  private members: readonly Member[] = []
  private openPipelines = 0
  private openMembers = 0
  /** Whether a member has left messages behind that were in flight. */
  private isStuck = false
  private isDraining = false
  /** Before that, one that ends at once must not end the run. */
  private isSubscribed = false
  private failure: { readonly error: unknown } | undefined
  private resolve!: () => void
  private reject!: (error: unknown) => void

  constructor(kafka: Broker, pipelines: readonly Observable<unknown>[], signals: boolean) {
    this.events = this.subject.asObservable()
    this.closed = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
    this.stopListening = signals ? onSignals(() => this.drainAll()) : () => {}
    this.openPipelines = pipelines.length
    for (const pipeline of pipelines) this.subscribe(kafka, pipeline)
    if (this.members.length === 0 && this.openPipelines > 0) {
      this.failure ??= { error: new FatalError(STRANGERS) }
      this.abandonPipelines()
    }
    this.isSubscribed = true
    if (this.failure !== undefined) this.drainAll()
    this.endIfDone()
  }

  drain(): Promise<void> {
    this.drainAll()
    return this.closed
  }

  health(): readonly SourceHealth[] {
    return this.members.map((member) => member.health())
  }

  pause(): void {
    for (const member of this.members) member.pause()
  }

  resume(): void {
    for (const member of this.members) member.resume()
  }

  seek(position: Position): void {
    const owner = this.members.find((member) => member.health().partitions.some((one) => isAt(one, position)))
    if (owner === undefined)
      throw new Error(`Cannot seek ${position.topic}[${position.partition}]: no source of this run has it now`)
    owner.seek(position)
  }

  private subscribe(kafka: Broker, pipeline: Observable<unknown>): void {
    const subscription = new Subscription()
    kafka.members.claim(
      (member) => this.follow(member, subscription),
      () => {
        subscription.add(
          pipeline.subscribe({
            next: (value) => this.expectSettled(value),
            error: (error) => {
              this.failure ??= { error }
              subscription.unsubscribe()
            },
            complete: () => subscription.unsubscribe(),
          }),
        )
      },
    )
    // After its teardown, which gives up what nobody will settle: a drain would wait for that.
    subscription.add(() => this.endPipeline())
    this.subscriptions.add(subscription)
  }

  /** Also a member that follows another, when a pipe subscribes its source again: by retry(), or by repeat(). */
  private follow(member: Member, pipeline: Subscription): void {
    this.members = [...this.members.filter((other) => other.source !== member.source || !isClosed(other)), member]
    this.openMembers++
    member.listen((event) => {
      this.subject.next(event)
      if (event.type === 'closed') this.endMember(event, pipeline)
    })
    if (this.isDraining) pipeline.unsubscribe()
  }

  private expectSettled(value: unknown): void {
    if (!isMessage(value) || value.isSpent) return
    this.failure ??= { error: new FatalError(`Cannot finish ${value.id}: this pipe ends without ack()`) }
    this.abandonPipelines()
    this.drainAll()
  }

  private drainAll(): void {
    this.isDraining = true
    this.stopListening()
    for (const member of this.members) member.drain()
  }

  private endPipeline(): void {
    if (this.failure !== undefined) this.drainAll()
    if (this.openPipelines > 0) this.openPipelines--
    this.endIfDone()
  }

  private endMember({ workedOn, failure }: { workedOn: number; failure: Error | null }, pipeline: Subscription): void {
    this.openMembers--
    // A failure is the pipe's own to deal with: it errors, or begins again. One that has completed can't.
    this.isStuck ||= workedOn > 0 && failure === null
    if (failure !== null && pipeline.closed) this.failure ??= { error: failure }
    // What did not settle in time holds its pipeline open, perhaps for ever.
    if (this.isStuck && this.openMembers === 0) this.abandonPipelines()
    this.endIfDone()
  }

  private abandonPipelines(): void {
    this.openPipelines = 0
    this.subscriptions.unsubscribe()
  }

  /** With the last pipeline and the last member all is committed and left. */
  private endIfDone(): void {
    if (!this.isSubscribed || this.openPipelines > 0 || this.openMembers > 0) return
    this.stopListening()
    this.subject.complete()
    if (this.failure === undefined) this.resolve()
    else this.reject(this.failure.error)
  }
}

const STRANGERS =
  'Cannot run these pipelines: none of them reads a topic of the broker that run() was given; use the same broker in fromTopic() and in run()'

function isClosed(member: Member): boolean {
  return member.health().state === 'closed'
}

function isAt(one: TopicPartition, other: TopicPartition): boolean {
  return one.topic === other.topic && one.partition === other.partition
}
