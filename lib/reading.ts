import type {
  AssignedPartition,
  Broker,
  Consumer,
  ConsumerHandler,
  LogRange,
  Position,
  RawMessage,
  TopicPartition,
} from './broker.ts'
import { Delivery, type DeliveryHost } from './delivery.ts'
import type { SourceEvent, SourceHealth } from './events.ts'
import { refuse } from './expect.ts'
import { healthOf } from './health.ts'
import type { Member } from './members.ts'
import type { Message } from './message.ts'
import { missedFrom, outOfRangeError, placeIn } from './outOfRange.ts'
import type { AllSourceOptions } from './sourceOptions.ts'
import type { Topics } from './topics.ts'

/** Where messages end up; an RxJS subscriber is one. */
export interface Sink<A> {
  next(message: Message<A>): void
  error(error: unknown): void
  complete(): void
}

/**
 * One subscription of a topic: a member of its group, from joining to leaving. Knows no RxJS, so that a later one
 * changes few files.
 */
export class Reading<A> implements Member, ConsumerHandler, DeliveryHost<A> {
  readonly groupId: string
  readonly reads: string
  readonly broker: Broker
  readonly topics: Topics<A>
  readonly options: AllSourceOptions
  private sink: Sink<A>
  private readonly onClosed: () => void
  private readonly consumer: Consumer
  private readonly delivery: Delivery<A>
  private readonly listeners: ((event: SourceEvent) => void)[] = []
  private state: SourceHealth['state'] = 'joining'
  private isPaused = false
  private joins = 0
  private lastTrouble: Error | null = null
  /** Messages that were unsettled when it was unsubscribed. */
  private givenUp = 0
  /** Why it ends, when not because it was asked to. */
  private failure: Error | undefined

  /** Joins the group. @throws Error when the group is read from already, with other topics */
  constructor(broker: Broker, topics: Topics<A>, options: AllSourceOptions, sink: Sink<A>, onClosed: () => void) {
    this.broker = broker
    this.topics = topics
    this.options = options
    this.sink = sink
    this.onClosed = onClosed
    this.groupId = options.groupId
    this.reads = topics.text
    broker.members.expectFree(this)
    const { commit } = options
    const transaction = commit && { transaction: { id: commit.id, timeout: commit.timeout } }
    this.consumer = broker.consume({ ...options, ...transaction, topics: topics.names }, this)
    this.delivery = new Delivery(this, this.consumer)
    broker.members.add(this)
  }

  private get isEnding(): boolean {
    return this.state === 'draining' || this.state === 'closed'
  }

  get source(): object {
    return this.topics
  }

  // What the consumer tells

  assigned(assigned: readonly AssignedPartition[]): void {
    if (this.state === 'closed') return
    this.joins++
    const recreated = this.delivery.assignment.recreated(assigned)
    const retained = this.delivery.assignment.replace(assigned)
    for (const partition of retained) {
      // The consumer reads where the group has committed, and has unpaused all.
      partition.paused = false
      this.consumer.seek({ ...placeOf(partition), offset: partition.tracker.next })
    }
    this.lastTrouble = null
    this.delivery.committer.resume()
    // One that drains settles and commits what it still has, and takes nothing new.
    if (!this.isEnding) this.begin()
    this.tell({
      type: 'assigned',
      groupId: this.groupId,
      partitions: assigned.map(placeOf),
      retained: retained.map(placeOf),
    })
    // A drain may have begun before, or just now: what failed is not tried again.
    if (this.isEnding) return this.delivery.ended()
    this.delivery.goOn()
    for (const { place, log } of recreated) this.outOfRange(place, log)
    this.delivery.bounds?.begin()
  }

  batch(from: TopicPartition, messages: readonly RawMessage[], nextOffset: number, highWatermark: number): void {
    if (this.state === 'rebalancing' || this.isEnding) return
    this.lastTrouble = null
    this.delivery.add(from, messages, nextOffset, highWatermark)
  }

  outOfRange(place: Position, log: LogRange): void {
    if (this.isEnding) return
    const { groupId, delivery } = this
    const { onOutOfRange } = this.options
    if (onOutOfRange === 'fail') return this.drain(outOfRangeError(groupId, place, log))
    const to = placeIn(log, onOutOfRange)
    const missed = missedFrom(place, log, to)
    this.tell({ type: 'outOfRange', groupId, place, log: rangeOf(log), to, missed })
    if (missed === null) delivery.restart({ ...place, offset: to }, log.highWatermark)
    else delivery.skipTo({ ...place, offset: to }, log.highWatermark)
  }

  confirmed(): void {
    if (this.state === 'reading') this.delivery.start()
  }

  revoking(partitions: readonly TopicPartition[], done: () => void): void {
    if (this.state === 'closed') return done()
    const { delivery } = this
    const { clock, committer } = delivery
    const since = clock.now()
    const { joins } = this
    if (!this.isEnding) {
      this.state = 'rebalancing'
      delivery.stop()
    }
    delivery.whenSettled(() => {
      committer.flush(() => {
        // By now the partitions may be lost, and others assigned.
        if (joins === this.joins) committer.suspend()
        const event = { drainMs: clock.now() - since, unsettled: delivery.assignment.unsettled }
        this.tell({ type: 'revoked', groupId: this.groupId, partitions: partitions.map(placeOf), ...event })
        done()
      })
    })
  }

  lost(partitions: readonly TopicPartition[]): void {
    const { assignment, committer } = this.delivery
    committer.forget()
    assignment.remove(partitions)
    this.delivery.bounds?.suspend()
    if (!this.isEnding && assignment.isEmpty) {
      this.state = 'joining'
      this.delivery.halt()
    }
    this.tell({ type: 'lost', groupId: this.groupId, partitions: partitions.map(placeOf) })
    this.delivery.ended()
  }

  trouble(error: Error): void {
    this.lastTrouble = error
    this.tell({ type: 'trouble', groupId: this.groupId, error })
  }

  failed(error: Error): void {
    if (this.state === 'closed') return
    if (!this.isEnding) this.failure = error
    const { failure } = this
    // A stream that has completed can't error any more, and one that stops has its error already.
    if (failure !== error) this.trouble(error)
    this.close()
    if (failure !== undefined) this.sink.error(failure)
  }

  // What its user asks for

  drain(failure?: Error): void {
    if (this.isEnding) return this.failLate(failure)
    this.state = 'draining'
    this.failure = failure
    this.delivery.stop()
    // Completing empties every buffer downstream. An error would throw them away, so it comes last.
    if (failure === undefined) this.delivery.whenQuiet(() => this.sink.complete())
    this.delivery.whenSettled(() => this.leave())
  }

  /** Ends at once: what is unsettled is given up; what is acked is still committed, in the background. */
  abandon(): void {
    if (this.isEnding) return
    this.state = 'draining'
    this.delivery.halt()
    this.givenUp = this.delivery.assignment.unsettled
    for (const partition of this.delivery.assignment) partition.end()
    this.delivery.checkSettled()
    this.leave()
  }

  pause(): void {
    this.isPaused = true
    if (this.state !== 'reading') return
    this.state = 'paused'
    this.delivery.halt()
  }

  resume(): void {
    this.isPaused = false
    if (this.state !== 'paused') return
    this.state = 'reading'
    this.delivery.start()
  }

  seek(position: Position): void {
    const { offset } = position
    if (!Number.isInteger(offset) || offset < 0) refuse('offset', 'an integer >= 0', offset)
    this.delivery.restart(position)
  }

  health(): SourceHealth {
    const { groupId, state, lastTrouble } = this
    return healthOf({ groupId, state, trouble: lastTrouble }, this.delivery)
  }

  listen(listener: (event: SourceEvent) => void): void {
    this.listeners.push(listener)
  }

  through(pass: <B>(message: Message<B>) => Message<B>): void {
    const { sink } = this
    this.sink = {
      next: (message) => sink.next(pass(message)),
      error: (error) => sink.error(error),
      complete: () => sink.complete(),
    }
  }

  // What its delivery needs

  next(message: Message<A>): void {
    this.sink.next(message)
  }

  tell(event: SourceEvent): void {
    for (const listener of this.listeners) listener(event)
  }

  /** What would have ended it comes when it ends already: its stream may have completed, but its news can tell. */
  private failLate(failure: Error | undefined): void {
    if (failure === undefined || this.failure !== undefined || this.state === 'closed') return
    this.failure = failure
    this.trouble(failure)
  }

  private begin(): void {
    this.state = this.isPaused ? 'paused' : 'reading'
    if (this.isPaused) this.delivery.holdBack()
    else this.delivery.start()
  }

  private leave(): void {
    if (this.state === 'closed') return
    const { committer } = this.delivery
    committer.flush(() => {
      // A commit that failed is not tried again: it would come after the member has left.
      committer.suspend()
      this.consumer.leave(() => {
        if (this.state === 'closed') return
        this.close()
        if (this.failure !== undefined) this.sink.error(this.failure)
      })
    })
  }

  private close(): void {
    const { workedOn } = this.delivery
    const unsettled = this.givenUp + this.delivery.assignment.unsettled
    this.state = 'closed'
    this.delivery.close()
    this.broker.members.remove(this)
    const failure = this.failure ?? null
    this.tell({ type: 'closed', groupId: this.groupId, unsettled, workedOn, failure })
    this.onClosed()
  }
}

function rangeOf({ logStart, highWatermark }: LogRange): LogRange {
  return { logStart, highWatermark }
}

function placeOf({ topic, partition }: TopicPartition): TopicPartition {
  return { topic, partition }
}
