import type { RawMessage } from './broker.ts'
import type { Held } from './held.ts'
import type { Tracker } from './tracker.ts'

const NOTHING: readonly RawMessage[] = []

interface Fetched {
  readonly messages: readonly RawMessage[]
  readonly nextOffset: number
  readonly bytes: number
}

/** What is fetched of a partition and not yet delivered: the client's own batches and a cursor, no copy. */
export class Backlog {
  /** Bytes of the batches of which nothing is delivered yet. */
  bytes = 0
  private readonly held: Held
  private messages = NOTHING
  private cursor = 0
  private nextOffset = 0
  private later: Fetched[] = []
  private waiting = 0

  constructor(held: Held) {
    this.held = held
  }

  get length(): number {
    return this.messages.length - this.cursor + this.waiting
  }

  get isEmpty(): boolean {
    return this.length === 0 && this.later.length === 0
  }

  add(messages: readonly RawMessage[], nextOffset: number): void {
    const bytes = bytesOf(messages)
    this.later.push({ messages, nextOffset, bytes })
    this.waiting += messages.length
    this.bytes += bytes
  }

  /** Whether there is a next message. At the end of a batch the tracker learns that nothing lies before its end. */
  hasNext(tracker: Tracker): boolean {
    while (this.cursor >= this.messages.length) {
      tracker.advance(this.nextOffset)
      const fetched = this.later.shift()
      if (fetched === undefined) {
        this.clear()
        return false
      }
      this.begin(fetched)
    }
    return true
  }

  next(): RawMessage {
    return this.messages[this.cursor++] as RawMessage
  }

  /** Lets go of what is delivered before a slot, as far as `next` is past it. */
  forget(before: number, next: number): void {
    this.held.forget(before)
    // The rest of a batch is copied: only when nothing more of it went out since the last look.
    if (before < next || this.cursor === 0) return
    this.messages = this.messages.slice(this.cursor)
    this.cursor = 0
    this.held.forgetDelivered(this.messages)
  }

  clear(): void {
    this.held.end()
    this.messages = NOTHING
    this.cursor = 0
    this.nextOffset = 0
    this.later = []
    this.waiting = 0
    this.bytes = 0
  }

  private begin({ messages, nextOffset, bytes }: Fetched): void {
    this.held.end()
    this.held.begin(messages, bytes)
    this.messages = messages
    this.nextOffset = nextOffset
    this.waiting -= messages.length
    this.bytes -= bytes
    this.cursor = 0
  }
}

/** Of keys and values: what else a message has is small, and costs more to count. */
function bytesOf(messages: readonly RawMessage[]): number {
  let sum = 0
  for (const { key, value } of messages) {
    if (key !== null) sum += key.length
    if (value !== null) sum += value.length
  }
  return sum
}
