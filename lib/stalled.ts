import type { BackPressure } from './backPressure.ts'
import type { Partition } from './partition.ts'

/** How long nothing may settle while there is no room for more, in ms. */
const PATIENCE = 10_000
/** How often it is looked again while an operator waits for an answer. */
const LOOKS = 6

/** What it looks at, and whom it tells. */
export interface StalledHost {
  readonly backPressure: BackPressure
  /** Grows with each delivery and with each settlement. */
  readonly moves: number
  /** Whether nothing is delivered now: paused, or in a rebalance, or at the end. */
  readonly isHalted: boolean
  /** Whether an operator works on messages: it lets go of them by itself. */
  readonly isBusy: boolean
  readonly assignment: Iterable<Partition<unknown>>
  stalled(partition: Partition<unknown>, sinceMs: number): void
}

/**
 * Notices that a buffer of the user's own, such as `bufferCount(5000)`, holds all that may be in flight and waits for
 * more: there is no room, and for long nothing was delivered and nothing settled.
 */
export class Stalled {
  private readonly host: StalledHost
  private moves = -1
  private since = 0
  private looks = 0
  private told = false

  constructor(host: StalledHost) {
    this.host = host
  }

  /** Whether it is so now. */
  get isStalled(): boolean {
    return this.told && this.moves === this.host.moves && this.fullPartition() !== undefined
  }

  /** Looks; gives when to look again. */
  look(now: number): number {
    const { moves } = this.host
    if (moves !== this.moves) {
      this.moves = moves
      this.since = now
      this.looks = 0
      this.told = false
    }
    const full = this.fullPartition()
    if (full === undefined || this.told || this.looks === LOOKS) return Number.POSITIVE_INFINITY
    const due = this.since + PATIENCE * (this.looks + 1)
    if (now < due) return due
    this.looks++
    // It may never get an answer; for that there is `stuck`.
    if (this.host.isBusy) return this.look(now)
    this.told = true
    this.host.stalled(full, now - this.since)
    return Number.POSITIVE_INFINITY
  }

  private fullPartition(): Partition<unknown> | undefined {
    const { isHalted, backPressure } = this.host
    if (isHalted) return undefined
    for (const partition of this.host.assignment) {
      // What waits for its next try settles by itself, and then there is room.
      const holdsAll = partition.full && partition.inFlight > 0 && partition.resting === 0
      if (holdsAll || (backPressure.isHeavy && partition.inFlight > 0)) return partition
    }
    return undefined
  }
}
