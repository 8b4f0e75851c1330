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
  /** The offsets of transactions that are open, ascending. */
  private readonly open = new Set<number>()

  constructor(topic: string, partition: number) {
    this.topic = topic
    this.partition = partition
  }

  /** Gives the message's offset. */
  append({ key, value, headers }: Unplaced, timestamp: number): number {
    const offset = this.end++
    this.messages.push(headers ? { offset, timestamp, key, value, headers } : { offset, timestamp, key, value })
    this.wake()
    return offset
  }

  /** Where reading ends: before the first message of a transaction that is open. */
  get stableEnd(): number {
    for (const offset of this.open) return offset
    return this.end
  }

  /** The messages that can be read, and those behind them that are of no open transaction. */
  get committed(): readonly StoredMessage[] {
    return this.messages.filter(({ offset }) => !this.open.has(offset))
  }

  /** Takes note that messages are of a transaction. */
  hold(offset: number): void {
    this.open.add(offset)
  }

  /** A transaction has ended; its marker takes an offset. */
  settle(offsets: readonly number[], isCommitted: boolean): void {
    for (const offset of offsets) {
      const wasOpen = this.open.delete(offset)
      if (wasOpen && !isCommitted) this.messages.splice(this.indexOf(offset), 1)
    }
    this.skip(1)
  }

  /** Leaves offsets without messages. */
  skip(count: number): void {
    this.end += count
    this.wake()
  }

  /** Deletes the messages before an offset. */
  trim(before: number): void {
    this.messages.splice(0, this.indexOf(before))
    for (const offset of this.open) if (offset < before) this.open.delete(offset)
    this.start = Math.min(before, this.end)
    this.wake()
  }

  /** Forgets the messages from an offset on: the next to be produced gets it. */
  truncate(from: number): void {
    if (from >= this.end) return
    this.messages.splice(this.indexOf(from))
    for (const offset of this.open) if (offset >= from) this.open.delete(offset)
    this.end = Math.max(from, this.start)
    this.wake()
  }

  /** The offset of the first message that is not older than an instant, in ms; the end when there is none. */
  offsetAt(instant: number): number {
    return this.messages.find(({ timestamp }) => timestamp >= instant)?.offset ?? this.end
  }

  /** Gives the messages from `position` on, at most `max`, and where they end: a slice, no copies. */
  read(position: number, max: number): Fetched {
    const { messages, stableEnd } = this
    const from = this.indexOf(position)
    const to = Math.min(from + max, this.indexOf(stableEnd))
    return { messages: messages.slice(from, to), nextOffset: Math.min(messages[to]?.offset ?? this.end, stableEnd) }
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
