import type { Entry } from './entry.ts'
import { LaneQueue } from './laneQueue.ts'
import { type Lane, Lanes } from './lanes.ts'

/**
 * A lane queue a partition, so that a batch has messages of as few partitions as it can. Those of one are of about one
 * time, those of two may be hours apart, which costs whoever asks for times as much as two batches.
 */
export class PartitionQueue<E extends Entry<unknown, unknown>> {
  /** The one that a batch was taken of stands last. A partition that comes back finds its own: its lanes go on. */
  private readonly queues = new Map<Lane | undefined, LaneQueue<E>>()
  private readonly partitions = new Lanes('partition')
  private readonly repeats: boolean
  /** Counted, because it is asked for at every message, and there may be hundreds of partitions. */
  private ready = 0

  constructor(repeats: boolean) {
    this.repeats = repeats
  }

  /** Entries that a batch could take now, or at least look at. */
  get length(): number {
    return this.ready
  }

  get isEmpty(): boolean {
    for (const queue of this.queues.values()) if (!queue.isEmpty) return false
    return true
  }

  add(entry: E): void {
    const partition = this.partitions.of(entry.message)
    const queue = this.queues.get(partition) ?? new LaneQueue<E>(this.repeats)
    this.queues.set(partition, queue)
    queue.add(entry)
    this.ready++
  }

  /** Takes up to `max`; what is half of that is not filled up with messages of another partition. */
  take(max: number): E[] {
    const taken: E[] = []
    for (const [partition, queue] of [...this.queues]) {
      if (taken.length * 2 >= max) break
      this.queues.delete(partition)
      this.queues.set(partition, queue)
      const before = queue.length
      taken.push(...queue.take(max - taken.length))
      this.ready += queue.length - before
    }
    return taken
  }

  release(entry: E): boolean {
    const isFree = this.queues.get(this.partitions.of(entry.message))?.release(entry) ?? false
    if (isFree) this.ready++
    return isFree
  }

  *[Symbol.iterator](): IterableIterator<E> {
    for (const queue of this.queues.values()) yield* queue
  }
}
