import type { Message, Origin } from './message.ts'

/** An operator that keeps messages which failed until their next try. */
export interface Holder {
  /** The messages that only wait for a next try, theirs or that of one before them. */
  waiting(): Iterable<Message<unknown>>
  /** The source goes on, or partitions have ended: looks again at what waits. */
  look(): void
}

/**
 * The operators that hold messages of one source. They are asked only while a rebalance or the end waits for what is in
 * flight, so that a message on its way pays nothing for it.
 */
export class Holders {
  /** Whether a rebalance or the end is under way: nothing that failed is tried again before it is over. */
  isStopped = false
  private readonly all = new Set<Holder>()
  private readonly onWait: () => void

  /** @param onWait hears that some messages have begun to wait */
  constructor(onWait: () => void = () => {}) {
    this.onWait = onWait
  }

  add(holder: Holder): void {
    this.all.add(holder)
  }

  remove(holder: Holder): void {
    this.all.delete(holder)
  }

  /** A holder says that some of its messages have begun to wait. */
  waits(): void {
    if (this.isStopped) this.onWait()
  }

  look(): void {
    for (const holder of [...this.all]) holder.look()
  }

  /**
   * Counts the fetched messages that only wait. One of which several were made waits as soon as one of these does: it
   * can't settle before.
   */
  countWaiting(): number {
    const slots = new Map<Origin, Set<number>>()
    for (const holder of this.all) for (const message of holder.waiting()) this.note(message, slots)
    let count = 0
    for (const { size } of slots.values()) count += size
    return count
  }

  private note(message: Message<unknown>, slots: Map<Origin, Set<number>>): void {
    const { origin, token } = message
    // An operator may hold messages of several sources, and of partitions that have ended.
    if (message.isSpent || origin.isEnded || origin.holders !== this) return
    const ofPartition = slots.get(origin) ?? new Set()
    slots.set(origin, ofPartition.add(token.rootOf(message.slot)))
  }
}
