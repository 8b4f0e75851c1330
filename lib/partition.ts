import { setMaxListeners } from 'node:events'
import type { Barrier } from './barrier.ts'
import type { AssignedPartition, RawMessage, TopicPartition } from './broker.ts'
import type { Clock } from './clock.ts'
import { CommitState, type CommitStateHost } from './commitState.ts'
import { Feed } from './feed.ts'
import { Held } from './held.ts'
import type { Holders } from './holders.ts'
import type { Order } from './lanes.ts'
import type { Message, Outlet, Verdict } from './message.ts'
import { type LanedOwner, SourceLanes, trackerOf } from './sourceLanes.ts'
import type { Tracker } from './tracker.ts'

/** The limit of {@link Tracker.span}, in units of `maxInFlight`. */
const SPAN = 10

/** The subscription that a partition delivers to. */
export interface PartitionHost<A> extends CommitStateHost {
  readonly groupId: string
  readonly clock: Clock
  readonly maxInFlight: number
  readonly holders: Holders
  readonly order: Order
  random(): number
  onQuiet(flush: () => void): boolean
  slice(work: () => void): void
  decode(topic: string, value: Uint8Array | null): A
  deliver(message: Message<A>): void
  acked(partition: Partition<A>): void
  /** Something can be emitted that could not before. */
  wake(): void
  /** What cuts a partition into transactions, if it is to be. */
  barrierOf(partition: Partition<A>): Barrier | undefined
  refused(refusal: Refusal<A>): void
  cameLate(): void
}

/** A message that was not acked; its slot stays open until its host decides. */
export interface Refusal<A> {
  readonly partition: Partition<A>
  readonly slot: number
  readonly verdict: Verdict
  readonly error: unknown
  readonly raw: RawMessage
}

/** One assigned partition: what is fetched and not yet delivered, and what is delivered and not yet acked. */
export class Partition<A> implements LanedOwner {
  readonly topic: string
  readonly partition: number
  readonly groupId: string
  readonly clock: Clock
  readonly maxInFlight: number
  readonly holders: Holders
  readonly tracker: Tracker
  /** What is fetched and not yet delivered. */
  readonly feed: Feed<A>
  /** The fetched batches of which a message is in flight. */
  readonly held: Held
  /** What is committed of it, and what is to be. */
  readonly commits: CommitState
  /** What cuts it into transactions. */
  readonly barrier: Barrier | undefined
  /** Until how many messages are delivered in all; then the barrier is closed. */
  limit = Number.POSITIVE_INFINITY
  highWatermark: number
  /** Whether the consumer was told to fetch no more. */
  paused = false
  /** Whether what comes now lies beyond the end of a bounded read. */
  isCut = false
  /** Messages in {@link Tracker.pending} that nobody works on: they wait for a next try, for their turn, or for the end. */
  resting = 0
  /** Messages that were not delivered, because they had been acked before a restart. */
  skippedAcked = 0
  private readonly host: PartitionHost<A>
  private controller: AbortController | undefined
  private ended = false

  constructor(host: PartitionHost<A>, assigned: Omit<AssignedPartition, 'logStart'>) {
    this.host = host
    const { topic, partition } = assigned
    this.topic = topic
    this.partition = partition
    this.groupId = host.groupId
    this.clock = host.clock
    this.maxInFlight = host.maxInFlight
    this.holders = host.holders
    const lanes = host.order === 'none' ? undefined : new SourceLanes(host.order)
    this.tracker = trackerOf(this, assigned.position, lanes)
    this.held = new Held(this.tracker)
    this.feed = new Feed(this, host, lanes)
    this.highWatermark = assigned.highWatermark
    this.commits = new CommitState(host, this.tracker, assigned)
    this.barrier = host.barrierOf(this)
  }

  /** Bytes of what is fetched and not settled, at most. */
  get bytes(): number {
    return this.feed.bytes + this.held.bytes
  }

  /** Whether a message was given out, and nobody has settled it. */
  isOpen(slot: number): boolean {
    return this.tracker.isOpen(slot) && !this.feed.isReady(slot)
  }

  /** Messages somebody works on. */
  get inFlight(): number {
    return this.tracker.pending - this.resting
  }

  get full(): boolean {
    const { pending, span, delivered } = this.tracker
    return pending >= this.maxInFlight || span >= this.maxInFlight * SPAN || delivered >= this.limit
  }

  get outlet(): Outlet | undefined {
    return this.barrier
  }

  get isEnded(): boolean {
    return this.ended
  }

  get signal(): AbortSignal {
    this.controller ??= this.newController()
    return this.controller.signal
  }

  random(): number {
    return this.host.random()
  }

  onQuiet(flush: () => void): boolean {
    return this.host.onQuiet(flush)
  }

  slice(work: () => void): void {
    this.host.slice(work)
  }

  acked(): void {
    this.host.acked(this)
  }

  released(): void {
    this.host.wake()
  }

  refused(slot: number, verdict: Verdict, error: unknown, raw: RawMessage): void {
    this.host.refused({ partition: this, slot, verdict, error, raw })
  }

  cameLate(): void {
    this.host.cameLate()
  }

  /** Takes the place of a partition that was read elsewhere, and has its own place committed. */
  follow({ commits, paused, barrier }: Partition<A>, offset: number): void {
    this.commits.follow(commits)
    this.paused = paused
    if (barrier !== undefined) this.barrier?.follow(barrier, offset)
  }

  /** Takes the place of a partition whose transaction failed. */
  repeat({ paused, barrier }: Partition<A>): void {
    this.paused = paused
    if (barrier === undefined) return
    this.barrier?.follow(barrier)
    this.tracker.follow(barrier.attempts)
  }

  add(messages: readonly RawMessage[], nextOffset: number): void {
    if (this.ended) return
    const unacked = this.commits.unacked(messages)
    this.skippedAcked += messages.length - unacked.length
    this.feed.add(unacked, nextOffset)
  }

  /** Delivers a refused message once more. */
  redeliver({ slot, raw }: Refusal<A>): void {
    this.tracker.again(slot)
    this.feed.emitOne(slot, raw)
  }

  /** Ends the assignment: late settlements do nothing, and work under way is told to stop. */
  end(): void {
    this.ended = true
    this.feed.end()
    this.held.clear()
    this.tracker.fence()
    this.resting = 0
    this.controller?.abort(endText(this))
  }

  private newController(): AbortController {
    const controller = new AbortController()
    // One signal for all messages of the assignment: Node would take the eleventh in flight for a leak.
    setMaxListeners(0, controller.signal)
    if (this.ended) controller.abort(endText(this))
    return controller
  }
}

function endText({ topic, partition }: TopicPartition): Error {
  return new Error(`The assignment of ${topic}[${partition}] has ended`)
}
