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

interface Reading {
  readonly log: MemoryLog
  /** The partition as its member hears of it. */
  readonly place: TopicPartition
  position: number
  paused: boolean
}

/** The partitions that a member has: where it reads them, and their messages on the way to it. */
export class MemoryFetcher {
  /** Whether nothing is delivered now. */
  halted = true
  private readonly host: FetcherHost
  private readonly group: MemoryGroup
  private readonly fromBeginning: boolean
  private readonly handler: ConsumerHandler
  private readonly readings = new Map<string, Reading>()
  private timer: Timer | undefined

  constructor(host: FetcherHost, group: MemoryGroup, fromBeginning: boolean, handler: ConsumerHandler) {
    this.host = host
    this.group = group
    this.fromBeginning = fromBeginning
    this.handler = handler
  }

  get places(): TopicPartition[] {
    return [...this.readings.values()].map(({ place }) => place)
  }

  /** The partitions as they are told to a member that has just got them. */
  get described(): AssignedPartition[] {
    return [...this.readings.values()].map(({ log, place, position }) => {
      return { ...place, committed: this.group.committedOf(log), position, highWatermark: log.end }
    })
  }

  has(partition: TopicPartition): boolean {
    return this.readings.has(keyOf(partition))
  }

  /** Has these partitions from now on, each read from what is committed. */
  take(partitions: readonly MemoryLog[]): void {
    this.release()
    for (const log of partitions) {
      const { topic, partition } = log
      const position = this.group.committedOf(log) ?? (this.fromBeginning ? 0 : log.end)
      this.readings.set(keyOf(log), { log, place: { topic, partition }, position, paused: false })
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
    if (reading !== undefined) reading.position = position.offset
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
    if (paused || position >= log.end) return
    const { messages, nextOffset } = log.read(position, this.host.batchSize)
    reading.position = nextOffset
    if (nextOffset < log.end) this.wake()
    this.handler.batch(place, messages, nextOffset, log.end)
  }
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}
