import type { OperatorHealth } from './events.ts'
import type { Message, Origin } from './message.ts'

/** An operator that works on messages. */
export interface Worker {
  /** Whether it does so now, or will try some again: by itself it lets go of them. */
  readonly isBusy: boolean
}

/** An operator that keeps messages which failed until their next try. */
export interface Holder extends Worker {
  /** The messages that only wait for a next try, theirs or that of one before them. */
  waiting(): Iterable<Message<unknown>>
  /** The source goes on, or partitions have ended: looks again at what waits. */
  look(): void
  /** Says how it stands. */
  health(): OperatorHealth
}

/**
 * The operators that hold messages of one source. They are asked only while a rebalance or the end waits for what is in
 * flight, so that a message on its way pays nothing for it.
 */
export class Holders {
  /** Whether a rebalance or the end is under way: nothing that failed is tried again before it is over. */
  isStopped = false
  /** Those that keep nothing for a next try. */
  readonly workers = new Set<Worker>()
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

  /** Whether an operator will let go of messages by itself. */
  get isBusy(): boolean {
    for (const { isBusy } of [...this.all, ...this.workers]) if (isBusy) return true
    return false
  }

  look(): void {
    for (const holder of [...this.all]) holder.look()
  }

  /** How each stands. */
  health(): readonly OperatorHealth[] {
    return [...this.all].map((holder) => holder.health())
  }

  /**
   * Counts the fetched messages that only wait. One of which several were made waits as soon as one of these does: it
   * can't settle before.
   */
  countWaiting(): number {
    let count = 0
    for (const { size } of this.slotsWaiting().values()) count += size
    return count
  }

  /** Whether a fetched message only waits. */
  isWaiting(origin: Origin, slot: number): boolean {
    return this.slotsWaiting().get(origin)?.has(slot) === true
  }

  private slotsWaiting(): ReadonlyMap<Origin, ReadonlySet<number>> {
    const slots = new Map<Origin, Set<number>>()
    for (const holder of this.all) for (const message of holder.waiting()) this.note(message, slots)
    return slots
  }

  private note(message: Message<unknown>, slots: Map<Origin, Set<number>>): void {
    const { origin, token } = message
    // An operator may hold messages of several sources, and of partitions that have ended.
    if (message.isSpent || origin.isEnded || origin.holders !== this) return
    const slot = token.rootOf(message.slot)
    // One that was stuck may have been settled over the operator's head.
    if (!origin.isOpen(slot)) return
    const ofPartition = slots.get(origin) ?? new Set()
    slots.set(origin, ofPartition.add(slot))
  }
}
