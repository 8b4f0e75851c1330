import type { RawMessage } from './broker.ts'
import type { Tracker } from './tracker.ts'

/** Messages that were fetched at once, from the first's delivery on. */
interface Batch {
  messages: readonly RawMessage[]
  /** The slot of the first of `messages`. */
  base: number
  readonly bytes: number
  /** The slots of those delivered: from `first`, before `end`. */
  readonly first: number
  end: number
}

const NOTHING: readonly RawMessage[] = []

const DELIVERING = Number.POSITIVE_INFINITY

/**
 * The batches of a partition of which a message is in flight. They are weighed whole: a client's messages are mostly
 * slices of one buffer, which lives as long as the last of them.
 */
export class Held {
  private readonly tracker: Tracker
  /** The oldest first. */
  private batches: Batch[] = []
  private sum = 0

  constructor(tracker: Tracker) {
    this.tracker = tracker
  }

  /** Bytes of the batches; some of them may be acked by now, if they are not the oldest. */
  get bytes(): number {
    return this.sum
  }

  /** Takes note that a batch is delivered from now on. */
  begin(messages: readonly RawMessage[], bytes: number): void {
    const first = this.tracker.delivered
    this.batches.push({ messages, base: first - this.countOld(messages), bytes, first, end: DELIVERING })
    this.sum += bytes
  }

  /** Takes note that no more of that batch will be delivered. */
  end(): void {
    const last = this.batches.at(-1)
    if (last === undefined || last.end !== DELIVERING) return
    last.end = this.tracker.delivered
    this.release()
  }

  /** Lets go of the oldest batches, once they are settled. */
  release(): void {
    while (this.batches[0] !== undefined && this.batches[0].end <= this.tracker.head)
      this.sum -= (this.batches.shift() as Batch).bytes
  }

  /** Looks for batches that are acked, also behind one that is not. */
  weigh(): void {
    this.batches = this.batches.filter((batch) => this.isHeld(batch))
    this.sum = this.batches.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  /** The message of a slot, unless it was forgotten. */
  rawOf(slot: number): RawMessage | undefined {
    const batch = this.batches.find(({ first, end }) => slot >= first && slot < end)
    const raw = batch?.messages[slot - batch.base]
    return raw !== undefined && Number(raw.offset) === this.tracker.offsetOf(slot) ? raw : undefined
  }

  /** Lets go of the messages before a slot, so that each lives as long as somebody else holds it. */
  forget(before: number): void {
    for (const batch of this.batches) if (batch.end <= before) batch.messages = NOTHING
  }

  /** Lets go of the first messages of the batch that is being delivered: `rest` is the rest of it. */
  forgetDelivered(rest: readonly RawMessage[]): void {
    const last = this.batches.at(-1)
    if (last === undefined || last.end !== DELIVERING) return
    last.messages = rest
    last.base = this.tracker.delivered
  }

  clear(): void {
    this.batches = []
    this.sum = 0
  }

  /** Those fetched twice, which are not delivered again. */
  private countOld(messages: readonly RawMessage[]): number {
    let count = 0
    while (Number(messages[count]?.offset) < this.tracker.next) count++
    return count
  }

  private isHeld({ first, end }: Batch): boolean {
    const { tracker } = this
    if (end === DELIVERING) return true
    for (let slot = Math.max(first, tracker.head); slot < end; slot++) if (tracker.isPending(slot)) return true
    return false
  }
}
