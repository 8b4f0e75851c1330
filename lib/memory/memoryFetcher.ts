import type { AssignedPartition, ConsumerHandler, Position, TopicPartition } from '../broker.ts'
import type { Clock, Timer } from '../clock.ts'
import type { MemoryFaults } from './memoryFaults.ts'
import type { MemoryGroup } from './memoryGroup.ts'
import type { MemoryLog } from './memoryLog.ts'

/** What a fetcher needs of its broker. */
export interface FetcherHost {
  readonly clock: Clock
  readonly faults: MemoryFaults
  /** Messages of a batch at most. */
  readonly batchSize: number
}

/** The member that a fetcher works for. */
export interface FetcherOwner {
  readonly group: MemoryGroup
  readonly fromBeginning: boolean | Date
  readonly handler: ConsumerHandler
}

interface Reading {
  readonly log: MemoryLog
  /** The partition as its member hears of it. */
  readonly place: TopicPartition
  position: number
  paused: boolean
  /** Whether the handler was told that the position is not in the log. */
  isOut: boolean
}

/** The partitions that a member has: where it reads them, and their messages on the way to it. */
export class MemoryFetcher {
  /** Whether nothing is delivered now. */
  halted = true
  private readonly host: FetcherHost
  private readonly owner: FetcherOwner
  private readonly readings = new Map<string, Reading>()
  private timer: Timer | undefined

  constructor(host: FetcherHost, owner: FetcherOwner) {
    this.host = host
    this.owner = owner
  }

  get places(): TopicPartition[] {
    return [...this.readings.values()].map(({ place }) => place)
  }

  /** The partitions as they are told to a member that has just got them. */
  get described(): AssignedPartition[] {
    return [...this.readings.values()].map((reading) => this.describe(reading))
  }

  has(partition: TopicPartition): boolean {
    return this.readings.has(keyOf(partition))
  }

  /** Reads a partition again from what is committed, and tells where that is; undefined when it is not assigned. */
  reset(partition: TopicPartition): AssignedPartition | undefined {
    const reading = this.readings.get(keyOf(partition))
    if (reading === undefined) return undefined
    reading.position = this.positionOf(reading.log)
    reading.isOut = false
    return this.describe(reading)
  }

  /** Has these partitions from now on, each read from what is committed. */
  take(partitions: readonly MemoryLog[]): void {
    this.release()
    for (const log of partitions) {
      const { topic, partition } = log
      const position = this.positionOf(log)
      this.readings.set(keyOf(log), { log, place: { topic, partition }, position, paused: false, isOut: false })
      log.waiting.add(this.wake)
    }
    this.halted = false
    this.wake()
  }

  release(): void {
    this.halted = true
    for (const { log } of this.readings.values()) log.waiting.delete(this.wake)
    this.readings.clear()
  }

  pause(partition: TopicPartition): void {
    const reading = this.readings.get(keyOf(partition))
    if (reading !== undefined) reading.paused = true
  }

  resume(partition: TopicPartition): void {
    const reading = this.readings.get(keyOf(partition))
    if (reading !== undefined) reading.paused = false
    this.wake()
  }

  seek(position: Position): void {
    const reading = this.readings.get(keyOf(position))
    if (reading === undefined) return
    reading.position = position.offset
    reading.isOut = false
    this.wake()
  }

  /** Fetches soon. */
  readonly wake = (): void => {
    if (this.halted || this.timer !== undefined) return
    this.timer = this.host.clock.schedule(() => {
      this.timer = undefined
      this.fetch()
    }, 0)
  }

  /** Gives a batch of each partition, then lets others have their turn. */
  private fetch(): void {
    for (const reading of this.readings.values()) {
      if (!this.halted && !this.host.faults.isDown) this.deliver(reading)
    }
  }

  private deliver(reading: Reading): void {
    const { log, position, paused, place } = reading
    if (paused || reading.isOut) return
    if (position < log.start || position > log.end) return this.outOfRange(reading)
    if (position >= log.stableEnd) return
    const { messages, nextOffset } = log.read(position, this.host.batchSize)
    reading.position = nextOffset
    if (nextOffset < log.stableEnd) this.wake()
    // As a client does, which fetches a message each time: what nobody holds any more then is garbage.
    const copies = messages.map((message) => ({ ...message }))
    this.owner.handler.batch(place, copies, nextOffset, log.end)
  }

  private positionOf(log: MemoryLog): number {
    return this.owner.group.committedOf(log) ?? beginningOf(log, this.owner.fromBeginning)
  }

  private describe({ log, place, position }: Reading): AssignedPartition {
    const { group } = this.owner
    const metadata = group.metadataOf(log)
    const kept = metadata === '' ? {} : { metadata }
    const committed = group.committedOf(log)
    return { ...place, committed, ...kept, position, logStart: log.start, highWatermark: log.end }
  }

  private outOfRange(reading: Reading): void {
    const { log, place, position } = reading
    reading.isOut = true
    this.owner.handler.outOfRange({ ...place, offset: position }, { logStart: log.start, highWatermark: log.end })
  }
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}

function beginningOf(log: MemoryLog, from: boolean | Date): number {
  if (from instanceof Date) return log.offsetAt(from.getTime())
  return from ? log.start : log.end
}
