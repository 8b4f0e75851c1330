import type { RawMessage } from './broker.ts'
import { type Lane, laneOfKey, type Order } from './lanes.ts'
import { Queue } from './queue.ts'
import { Tracker, type TrackerOwner } from './tracker.ts'

/** A message that is tracked and waits for its turn to be delivered. */
export interface Turn {
  readonly slot: number
  readonly raw: RawMessage
}

/**
 * Has one message of a lane delivered at a time: the next follows when it is settled for good, so that nothing overtakes
 * it, not even while it is tried again. One for each assigned partition of a source with an order.
 */
export class SourceLanes {
  private readonly order: Order
  /** For each lane that has a message in flight, those behind it; most lanes never have any. */
  private readonly lanes = new Map<Lane, Queue<Turn> | undefined>()
  /** The lanes of the messages in flight. */
  private readonly slots = new Map<number, Lane>()
  /** Those whose turn has come. */
  private readonly ready = new Queue<Turn>()

  constructor(order: Order) {
    this.order = order
  }

  get hasReady(): boolean {
    return this.ready.length > 0
  }

  /** Whether a message waits for its turn. */
  get isWaiting(): boolean {
    if (this.hasReady) return true
    for (const behind of this.lanes.values()) if (behind !== undefined && behind.length > 0) return true
    return false
  }

  /** Whether a message's turn has come, and it is still to be delivered. */
  isReady(slot: number): boolean {
    for (const turn of this.ready) if (turn.slot === slot) return true
    return false
  }

  /** Takes a message that is to be delivered; false when it has to wait for its turn. */
  admit(slot: number, raw: RawMessage): boolean {
    const lane = this.laneOf(raw)
    if (lane === undefined) return true
    if (!this.lanes.has(lane)) {
      this.lanes.set(lane, undefined)
      this.slots.set(slot, lane)
      return true
    }
    const behind = this.lanes.get(lane) ?? new Queue<Turn>()
    behind.push({ slot, raw })
    this.lanes.set(lane, behind)
    return false
  }

  /** A message is settled for good; true when that makes another ready. */
  release(slot: number): boolean {
    const lane = this.slots.get(slot)
    if (lane === undefined) return false
    this.slots.delete(slot)
    const next = this.lanes.get(lane)?.shift()
    if (next === undefined) {
      this.lanes.delete(lane)
      return false
    }
    this.slots.set(next.slot, lane)
    this.ready.push(next)
    return true
  }

  /** The next whose turn has come. */
  next(): Turn | undefined {
    return this.ready.shift()
  }

  clear(): void {
    this.lanes.clear()
    this.slots.clear()
    this.ready.clear()
  }

  private laneOf({ key }: RawMessage): Lane | undefined {
    if (this.order === 'partition') return 0
    return key === null ? undefined : laneOfKey(key)
  }
}

/** Whose messages have lanes. */
export interface LanedOwner extends TrackerOwner {
  /** A message is settled, and with it its lane is free for the next. */
  released(): void
}

/** The tracker of a partition, with lanes or without. */
export function trackerOf(owner: LanedOwner, position: number, lanes: SourceLanes | undefined): Tracker {
  return lanes === undefined ? new Tracker(owner, position) : new LanedTracker(owner, position, lanes)
}

/** A tracker that frees the lane of what is settled. A class of its own, so that one without lanes pays nothing. */
class LanedTracker extends Tracker {
  private readonly owner: LanedOwner
  private readonly lanes: SourceLanes

  constructor(owner: LanedOwner, position: number, lanes: SourceLanes) {
    super(owner, position)
    this.owner = owner
    this.lanes = lanes
  }

  protected override done(slot: number): void {
    const isReady = this.lanes.release(slot)
    super.done(slot)
    if (isReady) this.owner.released()
  }
}
