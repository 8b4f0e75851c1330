import type { Clock, Timer } from './clock.ts'
import type { Partition } from './partition.ts'

/**
 * The longest synchronous slice of emission, in ms; then other work gets its turn. A turn of Node's event loop
 * may hold two: one as an answer of the broker comes, and one that was due behind it.
 */
const SLICE = 4

/** What an emission serves. */
export interface EmissionHost<A> {
  readonly clock: Clock
  /** Whether the partitions are ours for certain. */
  readonly isCertain: boolean
  readonly assignment: Iterable<Partition<A>>
  /** A slice has ended, and with it all that it caused synchronously. */
  emitted(): void
}

/**
 * Emits the fetched messages of all partitions, in synchronous slices, never from within itself; and knows when the
 * source is quiet, so that no batch waits for a message that can't come.
 */
export class Emission<A> {
  /** Whether nothing is emitted now: before a join, while paused, at the end. */
  halted = true
  /** Whether the time of a slice was up, and other work has not had its turn since. */
  isSpent = false
  private readonly host: EmissionHost<A>
  private busy = false
  private again = false
  private flushes = new Set<() => void>()
  private timer: Timer | undefined

  constructor(host: EmissionHost<A>) {
    this.host = host
  }

  /** Whether what happens now happens within a slice. */
  get isBusy(): boolean {
    return this.busy
  }

  /** Emits what there is, or sees that it is done once the present slice ends. */
  pump(): void {
    if (this.busy) this.again = true
    else if (!this.halted && this.host.isCertain) this.slice(() => this.emitSlice())
  }

  /** Emits soon: many acks of one moment make one emission. */
  wake(): void {
    if (this.busy) this.again = true
    else
      this.timer ??= this.host.clock.schedule(() => {
        this.timer = undefined
        this.isSpent = false
        this.pump()
      }, 0)
  }

  /** Does work that emits; the source is quiet again after it. */
  slice(work: () => void): void {
    if (this.busy) return work()
    this.busy = true
    try {
      work()
      this.flush()
    } finally {
      this.busy = false
    }
    this.host.emitted()
    if (this.again) {
      this.again = false
      this.wake()
    }
  }

  /** Calls `flush` at the end of the present slice, or of the next; false when there is no slice now. */
  onQuiet(flush: () => void): boolean {
    this.flushes.add(flush)
    return this.busy
  }

  private emitSlice(): void {
    const deadline = this.host.clock.now() + SLICE
    do {
      this.again = false
      this.emitAll(deadline)
      this.flush()
    } while (this.again && !this.halted && this.host.clock.now() < deadline)
    this.isSpent = this.again
  }

  private emitAll(deadline: number): void {
    for (const partition of this.host.assignment) {
      if (this.halted) return
      if (!partition.feed.emit(this, deadline)) this.again = true
    }
  }

  private flush(): void {
    while (this.flushes.size > 0) {
      const flushes = this.flushes
      this.flushes = new Set()
      for (const flush of flushes) flush()
    }
  }
}
