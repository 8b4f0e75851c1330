import { Backlog } from './backlog.ts'
import type { RawMessage } from './broker.ts'
import { Message } from './message.ts'
import type { Partition, PartitionHost } from './partition.ts'
import type { SourceLanes } from './sourceLanes.ts'

/** How often it looks at the clock: every 128 messages. */
const LOOK = 127

/** What a feed delivers in. */
interface Slice {
  /** Whether it has come to its end before its time, by what was delivered. */
  readonly halted: boolean
}

/** What is fetched of a partition and not yet delivered, and its delivery: each message once, and in its turn. */
export class Feed<A> {
  private readonly partition: Partition<A>
  private readonly host: PartitionHost<A>
  /** Where its messages keep an order. */
  private readonly lanes: SourceLanes | undefined
  private readonly fetched: Backlog
  private looks = 0

  constructor(partition: Partition<A>, host: PartitionHost<A>, lanes: SourceLanes | undefined) {
    this.partition = partition
    this.host = host
    this.lanes = lanes
    this.fetched = new Backlog(partition.held)
  }

  /** Messages fetched and not yet delivered. */
  get backlog(): number {
    return this.fetched.length
  }

  /** Bytes of the batches of which nothing is delivered yet. */
  get bytes(): number {
    return this.fetched.bytes
  }

  /** Whether there is something that was not looked at: messages, or the news that there are none. */
  get hasNext(): boolean {
    return !this.fetched.isEmpty || (this.lanes?.hasReady ?? false)
  }

  /** Whether a message waits for the one before it in its lane. */
  get isWaiting(): boolean {
    return this.lanes?.isWaiting ?? false
  }

  /** Whether a message's turn has come, and it is still to be delivered. */
  isReady(slot: number): boolean {
    return this.lanes?.isReady(slot) === true
  }

  add(messages: readonly RawMessage[], nextOffset: number): void {
    this.fetched.add(messages, nextOffset)
  }

  /** Delivers until nothing is left or the limit is reached, or it is halted; false when the time was up first. */
  emit(slice: Slice, deadline: number): boolean {
    const { tracker } = this.partition
    tracker.listening = false
    try {
      if (this.lanes !== undefined) return this.emitLaned(this.lanes, slice, deadline)
      while (this.fetched.hasNext(tracker)) {
        if (this.partition.full || slice.halted) return true
        this.deliver(this.fetched.next())
        if ((++this.looks & LOOK) === 0 && this.host.clock.now() >= deadline) return false
      }
      return true
    } finally {
      tracker.listening = true
    }
  }

  /** Delivers a tracked message: also one that was refused, once more. */
  emitOne(slot: number, raw: RawMessage): void {
    const { tracker, topic } = this.partition
    let value: A
    try {
      value = this.host.decode(topic, raw.value)
    } catch (error) {
      tracker.settle(slot, 'nacked', error, raw)
      return
    }
    this.host.deliver(new Message(value, raw, tracker, slot))
  }

  /** Forgets what is fetched and not delivered: reading goes on from the tracker's `next`. */
  discard(): void {
    this.fetched.clear()
  }

  /** Lets go of the messages delivered before a slot; whoever works on them holds them. */
  forget(before: number): void {
    this.fetched.forget(before, this.partition.tracker.delivered)
  }

  /** Nothing is delivered any more, nor waits for its turn. */
  end(): void {
    this.discard()
    this.lanes?.clear()
  }

  /** Delivers a fetched message, or has it wait for its turn. */
  private deliver(raw: RawMessage): void {
    const { tracker } = this.partition
    const offset = Number(raw.offset)
    // Fetched twice: two fetchers may own a partition for a moment when its leader moves.
    if (offset < tracker.next) return
    const slot = tracker.track(offset)
    if (this.lanes === undefined || this.lanes.admit(slot, raw)) this.emitOne(slot, raw)
    else this.partition.resting++
  }

  /** As {@link emit}; what waited for its turn comes first, and is within the limit already. */
  private emitLaned(lanes: SourceLanes, slice: Slice, deadline: number): boolean {
    const { partition, host } = this
    while (!slice.halted) {
      const turn = host.holders.isStopped ? undefined : lanes.next()
      if (turn !== undefined) {
        partition.resting--
        this.emitOne(turn.slot, turn.raw)
      } else if (!this.fetched.hasNext(partition.tracker) || partition.full) return true
      else this.deliver(this.fetched.next())
      if ((++this.looks & LOOK) === 0 && host.clock.now() >= deadline) return false
    }
    return true
  }
}
