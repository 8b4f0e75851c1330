import type { Lane } from './lanes.ts'
import { Queue } from './queue.ts'

/** What stands in a lane queue. Without a lane it waits for nobody. */
export interface Laned {
  readonly lane: Lane | undefined
}

/** The entries of one lane. */
interface Row<E> {
  /** Those that wait. Most lanes never have any. */
  behind: Queue<E> | undefined
  /** How many of the lane are in a batch under way. */
  inBatch: number
  /** The batch they are in. */
  batch: number
}

/**
 * Entries waiting to be sent in batches, so that those of one lane keep their order: a lane is never in two batches
 * under way. O(1) for each entry, whatever the number of lanes.
 */
export class LaneQueue<E extends Laned> {
  /** Entries not looked at yet, in order of arrival. */
  private readonly arrived = new Queue<E>()
  private readonly lanes = new Map<Lane, Row<E>>()
  /** Lanes that are in no batch any more, and have entries waiting. */
  private readonly free = new Queue<Row<E>>()
  private readonly repeats: boolean
  private batch = 0

  /** @param repeats whether one batch may hold several entries of a lane */
  constructor(repeats: boolean) {
    this.repeats = repeats
  }

  /** Entries that a batch could take now, or at least look at. */
  get length(): number {
    return this.arrived.length + this.free.length
  }

  get isEmpty(): boolean {
    return this.arrived.length === 0 && this.lanes.size === 0
  }

  add(entry: E): void {
    this.arrived.push(entry)
  }

  /** Takes up to `max` entries for one batch. */
  take(max: number): E[] {
    const taken: E[] = []
    this.batch++
    // What waited in its lane came before whatever of that lane has arrived since.
    while (taken.length < max && this.free.length > 0) this.takeWaiting(this.free.shift() as Row<E>, max, taken)
    while (taken.length < max && this.arrived.length > 0) this.takeArrived(this.arrived.shift() as E, taken)
    return taken
  }

  /** An entry that was taken is settled; true when that frees its lane for those that wait there. */
  release({ lane }: E): boolean {
    const found = lane === undefined ? undefined : this.lanes.get(lane)
    if (found === undefined || --found.inBatch > 0) return false
    const hasMore = lengthOf(found) > 0
    if (hasMore) this.free.push(found)
    else this.lanes.delete(lane as Lane)
    return hasMore
  }

  /** All that wait: those in their lanes, then those not looked at. */
  *[Symbol.iterator](): IterableIterator<E> {
    for (const { behind } of this.lanes.values()) if (behind !== undefined) yield* behind
    yield* this.arrived
  }

  private takeWaiting(row: Row<E>, max: number, taken: E[]): void {
    row.batch = this.batch
    do {
      taken.push(row.behind?.shift() as E)
      row.inBatch++
    } while (this.repeats && taken.length < max && lengthOf(row) > 0)
  }

  private takeArrived(entry: E, taken: E[]): void {
    if (entry.lane === undefined) {
      taken.push(entry)
      return
    }
    const row = this.lanes.get(entry.lane)
    if (row === undefined) this.lanes.set(entry.lane, { behind: undefined, inBatch: 1, batch: this.batch })
    else if (this.repeats && row.batch === this.batch && lengthOf(row) === 0) row.inBatch++
    else {
      row.behind ??= new Queue()
      row.behind.push(entry)
      return
    }
    taken.push(entry)
  }
}

function lengthOf({ behind }: Row<unknown>): number {
  return behind?.length ?? 0
}
