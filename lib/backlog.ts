import type { RawMessage } from './broker.ts'
import type { Tracker } from './tracker.ts'

const NOTHING: readonly RawMessage[] = []

interface Fetched {
  readonly messages: readonly RawMessage[]
  readonly nextOffset: number
}

/** What is fetched of a partition and not yet delivered: the client's own batches and a cursor, no copy. */
export class Backlog {
  private messages = NOTHING
  private cursor = 0
  private nextOffset = 0
  private later: Fetched[] = []
  private waiting = 0

  get length(): number {
    return this.messages.length - this.cursor + this.waiting
  }

  get isEmpty(): boolean {
    return this.length === 0 && this.later.length === 0
  }

  add(messages: readonly RawMessage[], nextOffset: number): void {
    this.later.push({ messages, nextOffset })
    this.waiting += messages.length
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
      this.messages = fetched.messages
      this.nextOffset = fetched.nextOffset
      this.waiting -= fetched.messages.length
      this.cursor = 0
    }
    return true
  }

  next(): RawMessage {
    return this.messages[this.cursor++] as RawMessage
  }

  clear(): void {
    this.messages = NOTHING
    this.cursor = 0
    this.nextOffset = 0
    this.later = []
    this.waiting = 0
  }
}
