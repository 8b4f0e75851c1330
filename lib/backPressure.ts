import type { Consumer } from './broker.ts'
import type { Partition } from './partition.ts'

/** Whom a back-pressure works for. */
export interface BackPressureHost {
  /** Messages of a partition in flight at most. */
  readonly maxInFlight: number
  /** Bytes of all messages fetched and not settled, above which no more are fetched. */
  readonly maxBytes: number
  readonly assignment: Iterable<Partition<unknown>>
}

/**
 * Fetches no more while there is enough: of a partition whose backlog is more than half of its window, and of all of
 * them while what is fetched weighs more than `maxBytes`, until it weighs half. What is fetched is delivered all the
 * same, so a batch that weighs more by itself passes.
 */
export class BackPressure {
  private readonly host: BackPressureHost
  private readonly consumer: Consumer
  private heavy = false

  constructor(host: BackPressureHost, consumer: Consumer) {
    this.host = host
    this.consumer = consumer
  }

  /** Whether all are held back for their weight: then each ack may make a difference. */
  get isHeavy(): boolean {
    return this.heavy
  }

  /** Bytes fetched and not settled, as batches: one counts until its last message is settled. */
  get bytes(): number {
    for (const partition of this.host.assignment) partition.held.weigh()
    return this.roughBytes
  }

  /** Pauses what has enough, and resumes what has room; `halted`: pauses only, because nothing is delivered now. */
  look(halted: boolean): void {
    this.weigh()
    for (const partition of this.host.assignment) {
      const isMuch =
        this.heavy || partition.isCut || partition.isEnded || partition.feed.backlog > this.host.maxInFlight / 2
      if (!partition.paused && isMuch) {
        partition.paused = true
        this.consumer.pause(partition)
      } else if (partition.paused && !isMuch && !halted) {
        partition.paused = false
        this.consumer.resume(partition)
      }
    }
  }

  /** What is behind an unsettled message is looked through only when it may make a difference. */
  private weigh(): void {
    const limit = this.heavy ? this.host.maxBytes / 2 : this.host.maxBytes
    this.heavy = this.roughBytes > limit && this.bytes > limit
  }

  private get roughBytes(): number {
    let sum = 0
    for (const { bytes } of this.host.assignment) sum += bytes
    return sum
  }
}
