import type { Lane } from './lanes.ts'
import { Queue } from './queue.ts'

/** Rows of idle lanes kept at least: to make one anew costs as much as all else that is done for an entry. */
const KEPT = 4096

/** What stands in a lane queue. Without a lane it waits for nobody. */
export interface Laned {
  readonly lane: Lane | undefined
  /** While it is in a batch: what the queue knows of its lane. */
  row: LaneRow | undefined
  /** While it waits in its lane: the one behind it. */
  next: Laned | undefined
}

/** The entries of one lane. */
export interface LaneRow {
  /** The first of those that wait, each of which knows the next: an array for each lane would cost as much as they do. */
  first: Laned | undefined
  last: Laned | undefined
  /** How many of the lane are in a batch under way. */
  inBatch: number
  /** The batch they are in. */
  batch: number
}

/**
 * Entries waiting to be sent in batches, so that those of one lane keep their order: a lane is never in two batches
 * under way. Amortised O(1) for each entry, whatever the number of lanes.
 */
export class LaneQueue<E extends Laned> {
  /** Entries not looked at yet, in order of arrival. */
  private readonly arrived = new Queue<E>()
  private readonly rows = new Map<Lane, LaneRow>()
  /** Lanes that are in a batch, or have entries waiting. */
  private busy = 0
  /** Lanes that are in no batch any more, and have entries waiting. */
  private readonly free = new Queue<LaneRow>()
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
    return this.arrived.length === 0 && this.busy === 0
  }

  add(entry: E): void {
    this.arrived.push(entry)
  }

  /** Takes up to `max` entries for one batch. */
  take(max: number): E[] {
    const taken: E[] = []
    this.batch++
    if (this.rows.size > KEPT && this.rows.size > 2 * this.busy) this.forgetIdle()
    // What waited in its lane came before whatever of that lane has arrived since.
    this.takeWaiting(max, taken)
    while (taken.length < max && this.arrived.length > 0) this.takeArrived(this.arrived.shift() as E, taken)
    return taken
  }

  /** An entry that was taken is settled; true when that frees its lane for those that wait there. */
  release({ row }: E): boolean {
    if (row === undefined || --row.inBatch > 0) return false
    if (isIdle(row)) this.busy--
    else this.free.push(row)
    return !isIdle(row)
  }

  /** All that wait: those in their lanes, then those not looked at. */
  *[Symbol.iterator](): IterableIterator<E> {
    for (const { first } of this.rows.values()) for (let one = first; one !== undefined; one = one.next) yield one as E
    yield* this.arrived
  }

  /**
   * Takes what waits in the free lanes: one of each, then the second of each, and so on. So what arrived together is
   * taken together, as it would be without lanes; look-ups whose instants are close together cost less.
   */
  private takeWaiting(max: number, taken: E[]): void {
    const rows: LaneRow[] = []
    while (taken.length < max && this.free.length > 0) {
      const row = this.free.shift() as LaneRow
      this.takeBehind(row, taken)
      rows.push(row)
    }
    if (this.repeats) this.takeRounds(rows, max, taken)
  }

  private takeRounds(rows: readonly LaneRow[], max: number, taken: E[]): void {
    let left = rows.filter(hasWaiting)
    while (taken.length < max && left.length > 0) {
      for (const row of left.slice(0, max - taken.length)) this.takeBehind(row, taken)
      left = left.filter(hasWaiting)
    }
  }

  private takeBehind(row: LaneRow, taken: E[]): void {
    const entry = shift(row) as E
    row.batch = this.batch
    row.inBatch++
    entry.row = row
    taken.push(entry)
  }

  private takeArrived(entry: E, taken: E[]): void {
    if (entry.lane !== undefined && !this.enters(entry, this.rowOf(entry.lane))) return
    taken.push(entry)
  }

  /** Puts an entry into the present batch, or behind those of its lane; false when it has to wait there. */
  private enters(entry: E, row: LaneRow): boolean {
    if (isIdle(row)) {
      this.busy++
      row.batch = this.batch
    } else if (!this.repeats || row.batch !== this.batch || row.first !== undefined) {
      append(row, entry)
      return false
    }
    entry.row = row
    row.inBatch++
    return true
  }

  private rowOf(lane: Lane): LaneRow {
    const found = this.rows.get(lane)
    if (found !== undefined) return found
    const row: LaneRow = { first: undefined, last: undefined, inBatch: 0, batch: 0 }
    this.rows.set(lane, row)
    return row
  }

  private forgetIdle(): void {
    for (const [lane, row] of this.rows) if (isIdle(row)) this.rows.delete(lane)
  }
}

function isIdle({ inBatch, first }: LaneRow): boolean {
  return inBatch === 0 && first === undefined
}

function append(row: LaneRow, entry: Laned): void {
  if (row.first === undefined) row.first = entry
  else (row.last as Laned).next = entry
  row.last = entry
}

function shift(row: LaneRow): Laned {
  const entry = row.first as Laned
  row.first = entry.next
  if (row.first === undefined) row.last = undefined
  // What has gone must hold nobody: it may be in the old generation by now, and keep all that came after it.
  entry.next = undefined
  return entry
}

function hasWaiting({ first }: LaneRow): boolean {
  return first !== undefined
}
