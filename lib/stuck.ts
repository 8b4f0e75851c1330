import type { Partition } from './partition.ts'

/** Since when a partition's oldest message in flight is the oldest. */
interface Mark {
  slot: number
  attempt: number
  since: number
  told: boolean
}

/** Whom it tells that a message is stuck. */
export interface StuckHost {
  /** How long a message may be the oldest in flight, in ms. */
  readonly maxProcessing: number
  stuck(partition: Partition<unknown>, slot: number, ageMs: number): void
}

/**
 * Knows how long the oldest message in flight has been so: it is worked on, and the low watermark waits for it. Those
 * behind it may wait in a queue for their turn, so their age says nothing; nor does the oldest's while it was not.
 */
export class Stuck {
  private readonly host: StuckHost
  private readonly marks = new WeakMap<Partition<unknown>, Mark>()

  constructor(host: StuckHost) {
    this.host = host
  }

  /** Looks at a partition; gives when to look again. */
  look(partition: Partition<unknown>, now: number): number {
    const mark = this.markOf(partition, now)
    if (mark === undefined || mark.told) return Number.POSITIVE_INFINITY
    const due = mark.since + this.host.maxProcessing
    if (now < due) return due
    mark.told = true
    this.host.stuck(partition, mark.slot, now - mark.since)
    return Number.POSITIVE_INFINITY
  }

  /** How long the oldest message in flight has been the oldest, in ms; 0 when nothing is in flight. */
  ageOf(partition: Partition<unknown>, now: number): number {
    const mark = this.markOf(partition, now)
    return mark === undefined ? 0 : now - mark.since
  }

  /** Whether an oldest message is stuck now. */
  isStuck(partition: Partition<unknown>, now: number): boolean {
    return this.markOf(partition, now)?.told === true
  }

  private markOf(partition: Partition<unknown>, now: number): Mark | undefined {
    const { tracker } = partition
    const slot = tracker.head
    // One that was refused is not worked on: it waits for a next try, or for its dead letter to be written. Nor is one
    // whose turn has come in a pause.
    if (!partition.isOpen(slot) || tracker.pending === 0) {
      this.marks.delete(partition)
      return undefined
    }
    const attempt = tracker.attemptOf(slot)
    const mark = this.marks.get(partition)
    if (mark?.slot === slot && mark.attempt === attempt) return mark
    const fresh = { slot, attempt, since: now, told: false }
    this.marks.set(partition, fresh)
    return fresh
  }
}
