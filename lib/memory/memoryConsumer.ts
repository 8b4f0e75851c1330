import type {
  AssignedPartition,
  ConsumeOptions,
  Consumer,
  ConsumerHandler,
  Position,
  TopicPartition,
} from '../broker.ts'
import type { Timer } from '../clock.ts'
import { CommitError } from '../errors.ts'
import { downError } from './memoryFaults.ts'
import type { GroupHost, GroupMember, MemoryGroup } from './memoryGroup.ts'
import type { MemoryLog } from './memoryLog.ts'

/** A commit as the memory broker received it. */
export interface CommitAttempt {
  readonly groupId: string
  readonly generation: number
  readonly offsets: readonly Position[]
  /** Why it was refused, or null. */
  readonly error: CommitError | null
}

/** What a consumer needs of its broker. */
export interface ConsumerHost extends GroupHost {
  readonly batchSize: number
  readonly commits: CommitAttempt[]
  ended(consumer: MemoryConsumer): void
}

interface Reading {
  readonly log: MemoryLog
  readonly place: TopicPartition
  position: number
  paused: boolean
}

/** One member of a group of the memory broker. All that it tells goes through the clock. */
export class MemoryConsumer implements Consumer, GroupMember {
  readonly topics: readonly (string | RegExp)[]
  readonly rebalanceTimeout: number
  private readonly host: ConsumerHost
  private readonly group: MemoryGroup
  private readonly fromBeginning: boolean
  private readonly handler: ConsumerHandler
  private readonly readings = new Map<string, Reading>()
  private state: 'outside' | 'joining' | 'reading' | 'revoking' | 'ended' = 'outside'
  /** Changes when a membership ends, so that what was to be told of it is not. */
  private epoch = 0
  private fetching: Timer | undefined

  constructor(host: ConsumerHost, group: MemoryGroup, options: ConsumeOptions, handler: ConsumerHandler) {
    this.topics = options.topics
    this.rebalanceTimeout = options.rebalanceTimeout
    this.fromBeginning = options.fromBeginning
    this.host = host
    this.group = group
    this.handler = handler
    this.connect()
  }

  // What its user asks for

  commit(offsets: readonly Position[], done: (error: CommitError | null) => void): void {
    const error = this.host.faults.ofCommit(this.group.id) ?? this.refusal(offsets)
    if (error === null) this.group.commit(offsets)
    this.host.commits.push({ groupId: this.group.id, generation: this.group.generation, offsets, error })
    this.host.clock.schedule(() => done(error), 0)
  }

  pause(partition: TopicPartition): void {
    const reading = this.readings.get(keyOf(partition))
    if (reading !== undefined) reading.paused = true
  }

  resume(partition: TopicPartition): void {
    const reading = this.readings.get(keyOf(partition))
    if (reading === undefined) return
    reading.paused = false
    this.wake()
  }

  seek(position: Position): void {
    const reading = this.readings.get(keyOf(position))
    if (reading === undefined) return
    reading.position = position.offset
    this.wake()
  }

  leave(done: () => void): void {
    this.end()
    this.host.clock.schedule(done, 0)
  }

  // What its group asks for

  revoke(rejoin: () => void): void {
    this.later(() => {
      if (this.readings.size === 0) return this.rejoin(rejoin)
      const { epoch } = this
      this.state = 'revoking'
      this.handler.revoking(this.places(), () => {
        if (epoch === this.epoch && this.state === 'revoking') this.rejoin(rejoin)
      })
    })
  }

  assign(partitions: readonly MemoryLog[]): void {
    this.later(() => {
      this.release()
      for (const log of partitions) this.take(log)
      this.state = 'reading'
      this.handler.assigned([...this.readings.values()].map((reading) => this.describe(reading)))
      this.wake()
    })
  }

  expire(): void {
    const places = this.places()
    this.release()
    this.state = 'outside'
    this.epoch++
    if (places.length > 0) this.later(() => this.handler.lost(places))
    this.connect()
  }

  // What its broker tells

  /** The broker went down. */
  disconnected(): void {
    this.later(() => this.handler.trouble(downError(`read as group ${this.group.id}`)))
  }

  /** The broker is up again. */
  reconnected(): void {
    if (this.state === 'outside') this.connect()
    else this.wake()
  }

  private connect(): void {
    this.later(() => {
      if (this.state !== 'outside') return
      if (this.host.faults.isDown) return this.disconnected()
      try {
        this.host.topics.resolve(this.topics)
      } catch (error) {
        this.end()
        return this.handler.failed(error as Error)
      }
      this.state = 'joining'
      this.group.join(this)
    })
  }

  private rejoin(rejoin: () => void): void {
    this.state = 'joining'
    rejoin()
  }

  private refusal(offsets: readonly Position[]): CommitError | null {
    const foreign = offsets.find((offset) => !this.readings.has(keyOf(offset)))
    if (foreign !== undefined) return new CommitError('fenced', fencedText(this.group.id, foreign))
    return this.state === 'joining' ? new CommitError('rebalancing', rebalancingText(this.group.id)) : null
  }

  /** Fetches soon. */
  private readonly wake = (): void => {
    if (this.state !== 'reading' || this.fetching !== undefined) return
    this.fetching = this.host.clock.schedule(() => {
      this.fetching = undefined
      this.fetch()
    }, 0)
  }

  /** Gives a batch of each partition, then lets others have their turn. */
  private fetch(): void {
    for (const reading of this.readings.values()) {
      if (this.state === 'reading' && !this.host.faults.isDown) this.deliver(reading)
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

  private take(log: MemoryLog): void {
    const { topic, partition } = log
    const start = this.fromBeginning ? 0 : log.end
    const position = this.group.committedOf(log) ?? start
    this.readings.set(keyOf(log), { log, place: { topic, partition }, position, paused: false })
    log.waiting.add(this.wake)
  }

  private describe({ log, place, position }: Reading): AssignedPartition {
    return { ...place, committed: this.group.committedOf(log), position, highWatermark: log.end }
  }

  private release(): void {
    for (const { log } of this.readings.values()) log.waiting.delete(this.wake)
    this.readings.clear()
  }

  private end(): void {
    this.state = 'ended'
    this.epoch++
    this.release()
    this.group.leave(this)
    this.host.ended(this)
  }

  private places(): TopicPartition[] {
    return [...this.readings.values()].map(({ place }) => place)
  }

  private later(work: () => void): void {
    const { epoch } = this
    this.host.clock.schedule(() => {
      if (epoch === this.epoch) work()
    }, 0)
  }
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}

function fencedText(groupId: string, { topic, partition }: TopicPartition): string {
  return `Cannot commit ${topic}[${partition}] for group ${groupId}: the partition is not assigned to this member; its present owner reads it again from the last commit`
}

function rebalancingText(groupId: string): string {
  return `Cannot commit for group ${groupId}: the group rebalances; commit again when the partitions are assigned`
}
