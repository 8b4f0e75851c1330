import { Assignment } from './assignment.ts'
import { BackPressure, type BackPressureHost } from './backPressure.ts'
import { Barriers } from './barriers.ts'
import { Bounds, type BoundsHost } from './bounds.ts'
import type { AssignedPartition, Broker, Consumer, Position, RawMessage, TopicPartition } from './broker.ts'
import type { Clock } from './clock.ts'
import { type CommitHost, Committer, type Committing } from './commit.ts'
import { Emission, type EmissionHost } from './emission.ts'
import type { CommitError } from './errors.ts'
import type { SourceEvent } from './events.ts'
import { Holders } from './holders.ts'
import type { Message } from './message.ts'
import type { Partition } from './partition.ts'
import { Passage } from './passage.ts'
import { Refusals } from './refusals.ts'
import { Settling } from './settling.ts'
import type { AllSourceOptions } from './sourceOptions.ts'
import type { Topics } from './topics.ts'
import { Watch } from './watch.ts'

/** Whom a delivery works for. */
export interface DeliveryHost<A> {
  readonly broker: Broker
  readonly topics: Topics<A>
  readonly options: AllSourceOptions
  next(message: Message<A>): void
  /** Ends the subscription in order; with an error when there is one. */
  drain(failure?: Error): void
  tell(event: SourceEvent): void
  trouble(error: Error): void
}

/**
 * What flows, and when: takes what is fetched, emits it, holds back while too many messages are in flight, and has what
 * is settled committed. Each message goes out, and its settlement comes back, by its {@link Passage}.
 */
export class Delivery<A> implements CommitHost, EmissionHost<A>, BackPressureHost, BoundsHost {
  readonly groupId: string
  readonly clock: Clock
  readonly maxInFlight: number
  readonly maxBytes: number
  keepAcks: boolean
  readonly commitInterval: number
  readonly holders = new Holders(() => this.settling.look())
  readonly assignment: Assignment<A>
  readonly emission = new Emission<A>(this)
  readonly refusals: Refusals<A>
  readonly committer: Committing
  readonly backPressure: BackPressure
  readonly watch = new Watch<A>(this)
  /** Of a bounded read. */
  readonly bounds: Bounds | undefined
  readonly counts = { nacked: 0, skipped: 0, deadLettered: 0, commits: 0, leaked: 0, late: 0 }
  readonly host: DeliveryHost<A>
  private readonly consumer: Consumer
  private readonly settling: Settling

  constructor(host: DeliveryHost<A>, consumer: Consumer) {
    const { options, broker } = host
    const { commit, until, drainTimeout } = options
    this.host = host
    this.consumer = consumer
    this.groupId = options.groupId
    this.clock = broker.clock
    this.maxInFlight = Math.min(options.maxInFlight, commit?.max ?? options.maxInFlight)
    this.maxBytes = options.maxBytes
    this.keepAcks = options.keepAcks
    this.commitInterval = options.commitInterval
    this.assignment = new Assignment(new Passage(this))
    this.refusals = new Refusals(this, options.onNack)
    this.committer = commit === undefined ? new Committer(this, consumer) : new Barriers(this, consumer, commit)
    this.backPressure = new BackPressure(this, consumer)
    this.bounds = until === Number.POSITIVE_INFINITY ? undefined : new Bounds(this, until, drainTimeout)
    this.settling = new Settling(
      broker.clock,
      () => this.assignment.inFlight,
      () => this.holders.countWaiting(),
    )
  }

  /** Whether nothing is delivered now. */
  get isHalted(): boolean {
    return this.emission.halted || !this.consumer.isCertain
  }

  get isCertain(): boolean {
    return this.consumer.isCertain
  }

  /** Takes what was fetched, and emits it unless halted, or other work comes first. */
  add(from: TopicPartition, messages: readonly RawMessage[], nextOffset: number, highWatermark: number): void {
    const partition = this.assignment.get(from)
    if (partition === undefined) return
    if (this.bounds === undefined) partition.add(messages, nextOffset)
    else this.bounds.add(partition, messages, nextOffset)
    partition.highWatermark = highWatermark
    if (this.isHalted || this.emission.isSpent) this.holdBack()
    else this.emission.pump()
  }

  /** Goes on at another offset, as another assignment: what is fetched is forgotten, what is in flight comes too late. */
  restart(position: Position, highWatermark?: number): void {
    const partition = this.assignment.seek(position, highWatermark)
    this.goOnAt(position, partition, highWatermark !== undefined)
  }

  /** Reads a partition again whose transaction failed. */
  repeat(assigned: AssignedPartition): void {
    const { topic, partition, position } = assigned
    const next = this.assignment.repeat(assigned)
    if (next !== undefined) this.goOnAt({ topic, partition, offset: position }, next, false)
  }

  /** Goes on at a later offset, as over a gap: what is fetched and in flight keeps its place. */
  skipTo(position: Position, highWatermark: number): void {
    this.consumer.seek(position)
    this.add(position, [], position.offset, highWatermark)
  }

  /** Emits from now on. */
  start(): void {
    this.emission.halted = false
    this.holdBack()
    this.refusals.goOn()
    for (const partition of this.assignment) if (partition.feed.hasNext) return this.emission.wake()
  }

  /** Emits no more; what is fetched is kept. */
  halt(): void {
    this.emission.halted = true
  }

  /** Emits no more and forgets what is fetched; tells batches that wait in operators that no more will come. */
  stop(): void {
    this.halt()
    this.holders.isStopped = true
    this.bounds?.suspend()
    for (const partition of this.assignment) partition.feed.discard()
    this.emission.slice(() => {})
  }

  /** A rebalance is over: what failed meanwhile is tried again, unless its partition is gone. */
  goOn(): void {
    this.holders.isStopped = false
    this.refusals.goOn()
    this.holders.look()
  }

  /** Partitions have ended: operators let go of their messages, nobody waits for them, and others may have the room. */
  ended(): void {
    this.holders.look()
    this.holdBack()
    this.checkSettled()
  }

  /** Ends the assignment: nothing is delivered, tried again or committed any more. */
  close(): void {
    this.halt()
    this.bounds?.clear()
    this.assignment.remove([...this.assignment])
    this.committer.suspend()
    this.refusals.clear()
    this.watch.close()
    this.ended()
  }

  /** Messages that somebody works on now. */
  get workedOn(): number {
    return this.assignment.inFlight - this.holders.countWaiting()
  }

  /** Fetches no more of what there is enough of. */
  holdBack(): void {
    this.backPressure.look(this.isHalted)
  }

  /** Does work once no message is on its way down. */
  whenQuiet(work: () => void): void {
    if (this.emission.isBusy) this.emission.onQuiet(work)
    else this.emission.slice(work)
  }

  /** Calls `done` when what is in flight has settled, or after `drainTimeout`. */
  whenSettled(done: () => void): void {
    this.settling.wait(this.host.options.drainTimeout, done)
  }

  // For its bounds

  get isBusy(): boolean {
    for (const partition of this.assignment) if (partition.feed.isWaiting) return true
    return this.holders.isBusy
  }

  get isWaiting(): boolean {
    return this.refusals.isWaiting || this.holders.countWaiting() > 0
  }

  refetch(partition: Partition<A>): void {
    const { topic, tracker } = partition
    this.consumer.seek({ topic, partition: partition.partition, offset: tracker.next })
    this.holdBack()
  }

  finish(): void {
    this.host.drain()
  }

  // For its emission and its committer

  emitted(): void {
    this.holdBack()
    this.committer.touchIfDue()
    this.watch.touch()
    // Messages would else live until more of their partition is fetched, and so outlive the young generation.
    for (const { held } of this.assignment) held.release()
    this.checkSettled()
  }

  committed(offsets: readonly Position[]): void {
    for (const position of offsets) this.assignment.get(position)?.commits.confirm(position.offset)
    this.counts.commits++
    this.host.tell({ type: 'committed', groupId: this.groupId, offsets })
  }

  commitFailed(error: CommitError): void {
    this.host.tell({ type: 'commitFailed', groupId: this.groupId, error })
    if (error.kind === 'metadata') this.keepAcks = false
    if (error.kind === 'fatal') this.host.drain(error)
  }

  /** Tells who waits for what has settled, and commits while nothing is in flight. */
  checkSettled(): void {
    if (this.settling.check()) this.committer.idle()
    this.bounds?.check()
  }

  private goOnAt(position: Position, partition: Partition<A>, isAnotherLog: boolean): void {
    this.bounds?.moved(partition, isAnotherLog)
    this.consumer.seek(position)
    this.emitted()
    this.ended()
  }
}
