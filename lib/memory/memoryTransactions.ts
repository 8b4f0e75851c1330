import type { OutgoingMessage } from '../broker.ts'
import type { Clock, Timer } from '../clock.ts'
import type { MemoryLog } from './memoryLog.ts'
import type { MemoryTopics } from './memoryTopics.ts'

interface Transactional {
  /** Counts those that have had the id. */
  epoch: number
  /** What the open transaction has written, by partition. */
  readonly writes: Map<MemoryLog, number[]>
  timer: Timer | undefined
}

/** The transactional ids of a memory broker: who has them, and what their open transactions have written. */
export class MemoryTransactions {
  private readonly clock: Clock
  private readonly topics: MemoryTopics
  private readonly ids = new Map<string, Transactional>()

  constructor(clock: Clock, topics: MemoryTopics) {
    this.clock = clock
    this.topics = topics
  }

  /** Has a new producer take an id, and takes back what the one before has open; gives the new one's epoch. */
  take(id: string): number {
    const one = this.ids.get(id) ?? { epoch: 0, writes: new Map(), timer: undefined }
    this.ids.set(id, one)
    this.end(one, false)
    return ++one.epoch
  }

  /** Whether no other has taken the id, and the broker has not taken it back. */
  isCurrent(id: string, epoch: number): boolean {
    return this.ids.get(id)?.epoch === epoch
  }

  /** Writes in the id's transaction, which the broker takes back after `timeout`. @throws as {@link MemoryTopics.append} */
  write(id: string, message: OutgoingMessage, timeout: number): void {
    const one = this.ids.get(id) as Transactional
    const { log, offset } = this.topics.appendOne(message, this.clock.now())
    log.hold(offset)
    one.writes.set(log, [...(one.writes.get(log) ?? []), offset])
    one.timer ??= this.clock.schedule(() => this.take(id), timeout)
  }

  /** Ends the id's transaction, if one is open. */
  settle(id: string, isCommitted: boolean): void {
    this.end(this.ids.get(id) as Transactional, isCommitted)
  }

  private end(one: Transactional, isCommitted: boolean): void {
    one.timer?.unsubscribe()
    one.timer = undefined
    for (const [log, offsets] of one.writes) log.settle(offsets, isCommitted)
    one.writes.clear()
  }
}
