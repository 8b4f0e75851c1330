import type { Message } from '../../../lib/message.ts'

/** How a message that was delivered and is not done stands. */
export interface Open {
  readonly offset: number
  /** What the source gave out; undefined for one that could not be decoded. */
  message: Message<unknown> | undefined
  /** In somebody's hands, given up by them, on its way to the dead letters, or waiting for a next try or the end. */
  state: 'held' | 'abandoned' | 'sending' | 'resting' | 'done'
  attempt: number
}

/** One assignment of a partition, as it should be: what was fetched, delivered, acked in it. The plainest thing there is. */
export class Lot {
  readonly partition: number
  /** Where reading began. */
  readonly base: number
  /** What the group had committed, and what the source heard of since. */
  known: number | null
  /** Whether reading was moved here, so that a commit may go back. */
  readonly isSought: boolean
  readonly open = new Map<number, Open>()
  readonly acked = new Set<number>()
  /** Offsets fetched and not yet delivered. */
  queue: number[] = []
  /** One past all that was fetched. */
  fetched: number
  /** One past the last delivered. */
  delivered: number
  low: number
  isLive = true
  /** What counts as committed while nothing is: of a partition that was empty, nothing, so that its start is. */
  readonly start: number

  constructor(partition: number, base: number, known: number | null, isSought: boolean, isEmpty: boolean) {
    this.partition = partition
    this.base = base
    this.known = known
    this.isSought = isSought
    this.fetched = base
    this.delivered = base
    this.low = base
    this.start = isEmpty ? -1 : base
  }

  get isDirty(): boolean {
    return this.low !== (this.known ?? this.start)
  }

  /** Messages that somebody works on. */
  get inFlight(): number {
    let count = 0
    for (const { state } of this.open.values()) if (state !== 'resting') count++
    return count
  }

  /** The oldest message that is not done. */
  get oldest(): number {
    let oldest = Number.POSITIVE_INFINITY
    for (const offset of this.open.keys()) if (offset < oldest) oldest = offset
    return oldest
  }

  fetch(offsets: readonly number[], nextOffset: number): void {
    for (const offset of offsets) if (offset >= this.fetched) this.queue.push(offset)
    this.fetched = Math.max(this.fetched, nextOffset)
  }

  /** The message is done: its offset may be committed. */
  done(offset: number): void {
    const open = this.open.get(offset)
    if (open !== undefined) open.state = 'done'
    this.open.delete(offset)
    this.acked.add(offset)
  }
}
