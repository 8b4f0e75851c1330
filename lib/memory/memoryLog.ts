import type { Headers, RawMessage, TopicPartition } from '../broker.ts'

/** A message as the memory broker keeps it. */
export interface StoredMessage extends RawMessage {
  readonly offset: number
  readonly timestamp: number
}

/** A message that has no place yet. */
export interface Unplaced {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: Headers | undefined
}

/** What is read at once. */
export interface Fetched {
  readonly messages: readonly StoredMessage[]
  readonly nextOffset: number
}

/** One partition: messages with ascending offsets, and who waits for more. */
export class MemoryLog implements TopicPartition {
  readonly topic: string
  readonly partition: number
  readonly messages: StoredMessage[] = []
  /** The first offset that is kept. */
  start = 0
  /** The offset that the next message gets. */
  end = 0
  /** Called at every append. */
  readonly waiting = new Set<() => void>()

  constructor(topic: string, partition: number) {
    this.topic = topic
    this.partition = partition
  }

  append({ key, value, headers }: Unplaced, timestamp: number): void {
    const offset = this.end++
    this.messages.push(headers ? { offset, timestamp, key, value, headers } : { offset, timestamp, key, value })
    this.wake()
  }

  /** Leaves offsets without messages. */
  skip(count: number): void {
    this.end += count
    this.wake()
  }

  /** Deletes the messages before an offset. */
  trim(before: number): void {
    this.messages.splice(0, this.indexOf(before))
    this.start = Math.min(before, this.end)
    this.wake()
  }

  /** Forgets the messages from an offset on: the next to be produced gets it. */
  truncate(from: number): void {
    if (from >= this.end) return
    this.messages.splice(this.indexOf(from))
    this.end = Math.max(from, this.start)
    this.wake()
  }

  /** The offset of the first message that is not older than an instant, in ms; the end when there is none. */
  offsetAt(instant: number): number {
    return this.messages.find(({ timestamp }) => timestamp >= instant)?.offset ?? this.end
  }

  /** Gives the messages from `position` on, at most `max`, and where they end: a slice, no copies. */
  read(position: number, max: number): Fetched {
    const { messages } = this
    const from = this.indexOf(position)
    const to = Math.min(from + max, messages.length)
    return { messages: messages.slice(from, to), nextOffset: messages[to]?.offset ?? this.end }
  }

  private wake(): void {
    for (const wake of this.waiting) wake()
  }

  /** Where the first message at or after `offset` is. */
  private indexOf(offset: number): number {
    let from = 0
    // No message lies further in than its offset says: gaps only move messages forward.
    let to = Math.min(offset, this.messages.length)
    while (from < to) {
      const middle = (from + to) >>> 1
      if ((this.messages[middle] as StoredMessage).offset < offset) from = middle + 1
      else to = middle
    }
    return from
  }
}
