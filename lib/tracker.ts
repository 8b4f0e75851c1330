import type { RawMessage } from './broker.ts'
import type { Origin, Token, Verdict } from './message.ts'

const OPEN = 0
const DONE = 1
/** Not acked; what becomes of it is up to the owner. */
const REFUSED = 2
const MASK = 0x3ff

/** Who hears of a tracker's settlements. */
export interface TrackerOwner extends Origin {
  /** A message was acked while the tracker was `listening`. */
  acked(): void
  /** A message was not acked; it is pending until the owner calls {@link Tracker.ack} or {@link Tracker.again}. */
  refused(slot: number, verdict: Verdict, error: unknown, raw: RawMessage): void
  /** A message was settled twice, or after the fence. */
  cameLate(): void
}

/**
 * Knows which messages of a partition are in flight, and up to which offset all are acked: the low watermark.
 *
 * A ring over the messages delivered, not over the range of offsets, so that the gaps of compaction and of
 * transactions cost nothing and need no rule. A slot is a number that only grows; messages are acked in any order in
 * amortised O(1). After Confluent's parallel-consumer and LINE's Decaton; see docs/commits.md.
 */
export class Tracker implements Token {
  /** All offsets below are acked: what may be committed. */
  low: number
  /** One past the last offset delivered or skipped. */
  next: number
  /** Messages delivered and not yet acked. */
  pending = 0
  /** Settlements that came too late, or twice. */
  late = 0
  /** Whether the owner wants to hear of acks. While it emits it looks for itself. */
  listening = true
  readonly origin: TrackerOwner
  /** The slot of the oldest message not yet acked; all below are. */
  head = 0
  private tail = 0
  private mask = MASK
  private offsets = new Float64Array(MASK + 1)
  private states = new Uint8Array(MASK + 1)
  /** Of open messages that were delivered more than once, how often. */
  private readonly attempts = new Map<number, number>()
  private former: ReadonlyMap<number, number> | undefined
  private fenced = false

  constructor(origin: TrackerOwner, position: number) {
    this.origin = origin
    this.low = position
    this.next = position
  }

  /** Messages from the oldest unacked one to the newest delivered: what a crash now would repeat at most. */
  get span(): number {
    return this.tail - this.head
  }

  /** Whether all that was delivered is acked. */
  get isSettled(): boolean {
    return this.head === this.tail
  }

  /** Messages delivered so far. */
  get delivered(): number {
    return this.tail
  }

  /** Takes note of a delivery and gives its slot. Offsets must ascend. */
  track(offset: number): number {
    if (this.head === this.tail) this.low = offset
    if (this.tail - this.head > this.mask) this.grow()
    const index = this.tail & this.mask
    this.offsets[index] = offset
    this.states[index] = OPEN
    this.next = offset + 1
    this.pending++
    return this.tail++
  }

  /** Takes note that nothing lies before `offset`: the end of a fetched batch. */
  advance(offset: number): void {
    if (offset <= this.next) return
    this.next = offset
    if (this.head === this.tail) this.low = offset
  }

  /**
   * What is acked, or holds no message, above the low watermark: from, to (exclusive), from, to …. In proportion to the
   * messages in the ring, so for once a commit, not for once an ack.
   */
  get ackedRanges(): number[] {
    const ranges: number[] = []
    let from = this.low
    for (let slot = this.head; slot < this.tail; slot++) {
      if (this.states[slot & this.mask] === DONE) continue
      const open = this.offsets[slot & this.mask] as number
      if (open > from) ranges.push(from, open)
      from = open + 1
    }
    if (this.next > from) ranges.push(from, this.next)
    return ranges
  }

  settle(slot: number, verdict: Verdict, error: unknown, raw: RawMessage): void {
    if (!this.isOpen(slot)) this.countLate(verdict)
    else if (verdict === 'acked') this.done(slot)
    else {
      this.states[slot & this.mask] = REFUSED
      this.origin.refused(slot, verdict, error, raw)
    }
  }

  /** Counts a message as done, also one that was refused. */
  ack(slot: number): void {
    if (this.isPending(slot)) this.done(slot)
  }

  /** Ends the assignment: whatever is acked from now on comes too late. */
  fence(): void {
    this.fenced = true
    this.pending = 0
    this.attempts.clear()
  }

  idOf(_slot: number, raw: RawMessage): string {
    return `${this.origin.topic}-${this.origin.partition}-${raw.offset}`
  }

  attemptOf(slot: number): number {
    return this.attempts.get(slot) ?? (this.isPending(slot) ? this.former?.get(this.offsetOf(slot)) : undefined) ?? 1
  }

  /** The attempts of open messages that were delivered more than once, by offset. */
  get openAttempts(): ReadonlyMap<number, number> {
    return new Map([...this.attempts].map(([slot, attempt]) => [this.offsetOf(slot), attempt]))
  }

  /** Goes on counting the deliveries of an assignment that failed. */
  follow(attempts: ReadonlyMap<number, number>): void {
    if (attempts.size > 0) this.former = attempts
  }

  rootOf(slot: number): number {
    return slot
  }

  /** Takes note that a refused message is delivered once more. */
  again(slot: number): void {
    if (this.isPending(slot)) this.states[slot & this.mask] = OPEN
    this.attempts.set(slot, this.attemptOf(slot) + 1)
  }

  /** Whether a message that was delivered is not acked. */
  isPending(slot: number): boolean {
    return !this.fenced && slot >= this.head && slot < this.tail && this.states[slot & this.mask] !== DONE
  }

  /** Whether a message that was delivered is settled by nobody. */
  isOpen(slot: number): boolean {
    return !this.fenced && slot >= this.head && this.states[slot & this.mask] === OPEN
  }

  /** The offset of a message that is pending. */
  offsetOf(slot: number): number {
    return this.offsets[slot & this.mask] as number
  }

  protected done(slot: number): void {
    this.states[slot & this.mask] = DONE
    this.pending--
    if (this.attempts.size > 0) this.attempts.delete(slot)
    if (slot === this.head) this.moveLow()
    if (this.listening) this.origin.acked()
  }

  private countLate(verdict: Verdict): void {
    // Whoever is torn down gives up all that it holds, also what is settled or gone.
    if (verdict === 'abandoned') return
    this.late++
    this.origin.cameLate()
  }

  private moveLow(): void {
    const { states, mask, tail } = this
    let head = this.head + 1
    while (head < tail && states[head & mask] === DONE) head++
    this.head = head
    this.low = head === tail ? this.next : (this.offsets[head & mask] as number)
  }

  private grow(): void {
    const mask = this.mask * 2 + 1
    const offsets = new Float64Array(mask + 1)
    const states = new Uint8Array(mask + 1)
    for (let slot = this.head; slot < this.tail; slot++) {
      offsets[slot & mask] = this.offsets[slot & this.mask] as number
      states[slot & mask] = this.states[slot & this.mask] as number
    }
    this.mask = mask
    this.offsets = offsets
    this.states = states
  }
}
