import type {
  AssignedPartition,
  Broker,
  Consumer,
  ConsumerHandler,
  Position,
  RawMessage,
  TopicPartition,
} from './broker.ts'
import type { Clock } from './clock.ts'
import { type CommitHost, Committer } from './commit.ts'
import { Emission, type EmissionHost } from './emission.ts'
import type { CommitError } from './errors.ts'
import type { SourceEvent, SourceHealth } from './events.ts'
import { type DeliveryTotals, healthOf } from './health.ts'
import type { Member } from './members.ts'
import type { Message } from './message.ts'
import { Partition, type PartitionHost, type Refusal } from './partition.ts'
import { Refusals } from './refusals.ts'
import type { SourceOptions } from './sourceOptions.ts'
import type { Topics } from './topics.ts'

/** Where a delivery ends up; an RxJS subscriber is one. */
export interface Sink<A> {
  next(message: Message<A>): void
  error(error: unknown): void
  complete(): void
}

/**
 * One subscription of a topic: a member of its group that delivers messages, takes their settlements back, commits,
 * and holds back while too many are in flight. Knows no RxJS, so that a later one changes few files.
 */
export class Delivery<A> implements Member, ConsumerHandler, PartitionHost<A>, CommitHost, EmissionHost<A> {
  readonly groupId: string
  readonly reads: string
  readonly clock: Clock
  readonly maxInFlight: number
  readonly commitInterval: number
  readonly totals: DeliveryTotals = { delivered: 0, nacked: 0, skipped: 0, deadLettered: 0, late: 0, commits: 0 }
  state: SourceHealth['state'] = 'joining'
  lastTrouble: Error | null = null
  readonly broker: Broker
  private readonly topics: Topics<A>
  private readonly options: Required<SourceOptions>
  private readonly sink: Sink<A>
  private readonly onClosed: () => void
  private readonly emission = new Emission<A>(this)
  private readonly refusals: Refusals<A>
  private readonly consumer: Consumer
  private readonly committer: Committer
  private readonly listeners: ((event: SourceEvent) => void)[] = []
  private assignment = new Map<string, Partition<A>>()
  private userPaused = false
  private waiting: (() => void)[] = []

  /** Joins the group. @throws Error when the group is read from already, with other topics */
  constructor(
    broker: Broker,
    topics: Topics<A>,
    options: Required<SourceOptions>,
    sink: Sink<A>,
    onClosed: () => void,
  ) {
    this.broker = broker
    this.topics = topics
    this.options = options
    this.sink = sink
    this.onClosed = onClosed
    this.groupId = options.groupId
    this.reads = topics.text
    this.clock = broker.clock
    this.maxInFlight = options.maxInFlight
    this.commitInterval = options.commitInterval
    this.refusals = new Refusals(this, options.onNack)
    broker.members.add(this)
    this.consumer = broker.consume({ ...options, topics: topics.names }, this)
    this.committer = new Committer(this, this.consumer)
  }

  // What the consumer tells

  assigned(partitions: readonly AssignedPartition[]): void {
    if (this.isEnding) return
    const before = this.assignment
    this.assignment = new Map()
    for (const assigned of partitions) {
      const old = before.get(keyOf(assigned))
      this.assignment.set(keyOf(assigned), old?.isContinuedBy(assigned) ? old : new Partition(this, assigned))
    }
    const retained: Partition<A>[] = []
    for (const [key, partition] of before) {
      if (this.assignment.get(key) === partition) retained.push(partition)
      else this.retire(partition)
    }
    for (const partition of retained) this.takeUp(partition)
    this.state = this.userPaused ? 'paused' : 'reading'
    this.lastTrouble = null
    this.emission.halted = this.userPaused
    this.committer.resume()
    this.tell({
      type: 'assigned',
      groupId: this.groupId,
      partitions: partitions.map(placeOf),
      retained: retained.map(placeOf),
    })
  }

  batch(from: TopicPartition, messages: readonly RawMessage[], nextOffset: number, highWatermark: number): void {
    const partition = this.assignment.get(keyOf(from))
    if (partition === undefined || this.state === 'rebalancing' || this.isEnding) return
    partition.add(messages, nextOffset)
    partition.highWatermark = highWatermark
    this.lastTrouble = null
    if (this.emission.halted) this.hold()
    else this.emission.pump()
  }

  revoking(partitions: readonly TopicPartition[], done: () => void): void {
    if (this.isEnding) return done()
    const since = this.clock.now()
    this.state = 'rebalancing'
    this.stopEmitting()
    this.whenSettled(() => {
      this.committer.flush(() => {
        if (!this.isEnding) this.committer.suspend()
        const event = { drainMs: this.clock.now() - since, unsettled: this.inFlight }
        this.tell({ type: 'revoked', groupId: this.groupId, partitions: partitions.map(placeOf), ...event })
        done()
      })
    })
  }

  lost(partitions: readonly TopicPartition[]): void {
    for (const place of partitions) {
      const partition = this.assignment.get(keyOf(place))
      if (partition === undefined) continue
      this.assignment.delete(keyOf(place))
      this.retire(partition)
    }
    if (!this.isEnding && this.assignment.size === 0) this.state = 'joining'
    this.tell({ type: 'lost', groupId: this.groupId, partitions: partitions.map(placeOf) })
    this.checkSettled()
  }

  trouble(error: Error): void {
    this.lastTrouble = error
    this.tell({ type: 'trouble', groupId: this.groupId, error })
  }

  failed(error: Error): void {
    if (this.state === 'closed') return
    this.close()
    this.sink.error(error)
  }

  // What its user asks for

  /** Ends in order: nothing more is delivered, what is in flight settles, commits, and the group is left. */
  drain(failure?: Error): void {
    if (this.isEnding) return
    this.state = 'draining'
    this.stopEmitting()
    if (failure === undefined) this.emission.slice(() => this.sink.complete())
    this.whenSettled(() => this.leave(failure))
  }

  /** Ends at once: what is unsettled is given up; what is acked is still committed, in the background. */
  abandon(): void {
    if (this.isEnding) return
    this.state = 'draining'
    this.emission.halted = true
    for (const partition of this.assignment.values()) partition.end()
    this.leave()
  }

  pause(): void {
    this.userPaused = true
    if (this.state !== 'reading') return
    this.state = 'paused'
    this.emission.halted = true
  }

  resume(): void {
    this.userPaused = false
    if (this.state !== 'paused') return
    this.state = 'reading'
    this.emission.halted = false
    this.emission.wake()
  }

  seek(position: Position): void {
    const old = this.assignment.get(keyOf(position))
    if (old === undefined)
      throw new Error(`Cannot seek ${position.topic}[${position.partition}]: it is not assigned to this member`)
    const { committed, highWatermark } = old
    this.retire(old)
    this.assignment.set(
      keyOf(position),
      new Partition(this, { ...placeOf(position), committed, highWatermark, position: position.offset }),
    )
    this.consumer.seek(position)
    this.committer.touch()
  }

  health(): SourceHealth {
    return healthOf(this)
  }

  listen(listener: (event: SourceEvent) => void): void {
    this.listeners.push(listener)
  }

  // What its parts need

  get isEnding(): boolean {
    return this.state === 'draining' || this.state === 'closed'
  }

  get isReading(): boolean {
    return this.state === 'reading'
  }

  partitions(): Iterable<Partition<A>> {
    return this.assignment.values()
  }

  random(): number {
    return this.broker.random()
  }

  onQuiet(flush: () => void): boolean {
    return this.emission.onQuiet(flush)
  }

  slice(work: () => void): void {
    this.emission.slice(work)
  }

  decode(topic: string, value: Uint8Array | null): A {
    return this.topics.decode(topic, value)
  }

  deliver(message: Message<A>): void {
    this.sink.next(message)
  }

  acked(partition: Partition<A>): void {
    if (partition.backlog > 0) this.emission.wake()
    // At the end of a slice all this is looked at once, for all its acks.
    if (this.emission.isBusy) return
    this.committer.touch()
    if (partition.inFlight === 0) this.checkSettled()
  }

  refused(refusal: Refusal<A>): void {
    this.refusals.add(refusal)
  }

  emitted(): void {
    this.hold()
    this.committer.touchIfDue()
    this.checkSettled()
  }

  committed(offsets: readonly Position[]): void {
    this.totals.commits++
    this.tell({ type: 'committed', groupId: this.groupId, offsets })
  }

  commitFailed(error: CommitError): void {
    this.tell({ type: 'commitFailed', groupId: this.groupId, error })
    if (error.kind === 'fatal') this.drain(error)
  }

  tell(event: SourceEvent): void {
    for (const listener of this.listeners) listener(event)
  }

  /** Fetches no more of a partition while its backlog is more than half of its window. */
  private hold(): void {
    for (const partition of this.assignment.values()) {
      const isMuch = partition.backlog > this.maxInFlight / 2
      if (!partition.paused && isMuch) {
        partition.paused = true
        this.consumer.pause(partition)
      } else if (partition.paused && !isMuch && !this.emission.halted) {
        partition.paused = false
        this.consumer.resume(partition)
      }
    }
  }

  private stopEmitting(): void {
    this.emission.halted = true
    for (const partition of this.assignment.values()) partition.discard()
    // Batches that wait in operators for more messages are told that none will come.
    this.emission.slice(() => {})
  }

  /** A partition that came back goes on where it stood; the consumer has unpaused it. */
  private takeUp(partition: Partition<A>): void {
    partition.paused = false
    this.consumer.seek({ ...placeOf(partition), offset: partition.tracker.next })
  }

  private get inFlight(): number {
    let sum = 0
    for (const partition of this.assignment.values()) sum += partition.inFlight
    return sum
  }

  private checkSettled(): void {
    if (this.inFlight > 0) return
    this.committer.idle()
    const waiting = this.waiting
    this.waiting = []
    for (const done of waiting) done()
  }

  private whenSettled(done: () => void): void {
    if (this.inFlight === 0) return done()
    const timer = this.clock.schedule(() => {
      this.waiting = this.waiting.filter((other) => other !== settled)
      done()
    }, this.options.drainTimeout)
    const settled = () => {
      timer.unsubscribe()
      done()
    }
    this.waiting.push(settled)
  }

  private leave(failure?: Error): void {
    this.committer.flush(() => {
      this.consumer.leave(() => {
        if (this.state === 'closed') return
        this.close()
        if (failure !== undefined) this.sink.error(failure)
      })
    })
  }

  private close(): void {
    this.state = 'closed'
    this.emission.halted = true
    const unsettled = this.inFlight
    for (const partition of this.assignment.values()) this.retire(partition)
    this.assignment.clear()
    this.committer.suspend()
    this.broker.members.remove(this)
    this.tell({ type: 'closed', groupId: this.groupId, unsettled })
    this.onClosed()
  }

  private retire(partition: Partition<A>): void {
    this.totals.delivered += partition.tracker.delivered
    partition.end()
    this.totals.late += partition.tracker.late
  }
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}

function placeOf({ topic, partition }: TopicPartition): TopicPartition {
  return { topic, partition }
}
