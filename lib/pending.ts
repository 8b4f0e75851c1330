import { Due } from './due.ts'
import { type Entry, timeLeft } from './entry.ts'
import { LaneQueue } from './laneQueue.ts'
import { PartitionQueue } from './partitionQueue.ts'
import type { AllPerBatchOptions } from './perBatch.ts'
import { Resting } from './resting.ts'

/** What waits for the next requests of an operator: entries until they fill a batch or are due, and what failed. */
export class Pending<A, R> {
  /** What no request has taken yet. */
  readonly queue: LaneQueue<Entry<A, R>> | PartitionQueue<Entry<A, R>>
  /** What failed of a batch; it holds its lanes, but no place. */
  readonly resting = new Resting<Entry<A, R>>()
  private readonly max: number
  private readonly wake: () => void
  private readonly due: Due
  /** Whether what waits is sent although it fills no batch. */
  private isDue = false

  /** @param wake called when there may be something to {@link Pending.take} */
  constructor({ batch, repeats, byPartition }: AllPerBatchOptions<R>, wake: () => void) {
    this.queue = byPartition ? new PartitionQueue(repeats) : new LaneQueue(repeats)
    this.max = batch.max
    this.wake = wake
    this.due = new Due(batch.wait, () => this.flush())
  }

  get isEmpty(): boolean {
    return this.resting.isEmpty && this.queue.isEmpty
  }

  *[Symbol.iterator](): IterableIterator<Entry<A, R>> {
    yield* this.resting
    yield* this.queue
  }

  add(entry: Entry<A, R>): void {
    this.queue.add(entry)
    if (this.queue.length >= this.max) this.wake()
    else if (!this.isDue) this.due.arm(entry.message.origin)
  }

  /** The entries of the next request; none when nothing is ready for it. */
  take(): readonly Entry<A, R>[] {
    const again = this.resting.shift()
    if (again !== undefined) return again
    if (!this.isDue && this.queue.length < this.max) return []
    const entries = this.queue.take(this.max)
    if (this.queue.length > 0) return entries
    this.isDue = false
    this.due.taken()
    return entries
  }

  /** An entry that was taken is settled. */
  release(entry: Entry<A, R>): void {
    // Those behind it have waited long enough.
    if (this.queue.release(entry)) this.isDue = true
  }

  /** Keeps entries that failed for `ms`, or for what is left of their time. */
  park(entries: readonly Entry<A, R>[], ms: number): void {
    const { clock } = (entries[0] as Entry<A, R>).message.origin
    this.resting.add([...entries], Math.min(ms, timeLeft(entries, clock)), clock, this.wake)
  }

  /** Has all that waits taken, whether it fills a batch or not. */
  flush(): void {
    this.due.disarm()
    this.isDue = true
    this.wake()
  }

  /** Stops all timers; gives what is left. */
  close(): Entry<A, R>[] {
    this.due.disarm()
    return [...this.resting.clear(), ...this.queue]
  }
}
