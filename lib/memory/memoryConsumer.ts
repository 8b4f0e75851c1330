import type {
  AssignedPartition,
  CommitPosition,
  ConsumeOptions,
  Consumer,
  ConsumerHandler,
  Position,
  TopicPartition,
  TransactionalProducer,
} from '../broker.ts'
import { CommitError } from '../errors.ts'
import { transactionalId } from '../transactionalId.ts'
import { downError } from './memoryFaults.ts'
import { type FetcherHost, type FetcherOwner, MemoryFetcher } from './memoryFetcher.ts'
import type { GroupHost, GroupMember, MemoryGroup } from './memoryGroup.ts'
import type { MemoryLog } from './memoryLog.ts'
import { MemoryProducer, type ProducerHost, type ProducerOwner } from './memoryProducer.ts'

/** Kafka's `offset.metadata.max.bytes` by default. */
const MAX_METADATA = 4096

/** A commit as the memory broker received it. */
export interface CommitAttempt {
  readonly groupId: string
  readonly generation: number
  readonly offsets: readonly CommitPosition[]
  /** Why it was refused, or null. */
  readonly error: CommitError | null
}

/** What a consumer needs of its broker. */
export interface ConsumerHost extends GroupHost, FetcherHost, ProducerHost {
  readonly commits: CommitAttempt[]
  ended(consumer: MemoryConsumer): void
}

/** One member of a group of the memory broker. All that it tells goes through the clock. */
export class MemoryConsumer implements Consumer, GroupMember, FetcherOwner, ProducerOwner {
  readonly topics: readonly (string | RegExp)[]
  readonly rebalanceTimeout: number
  readonly fromBeginning: boolean | Date
  readonly group: MemoryGroup
  readonly handler: ConsumerHandler
  isCertain = true
  private readonly host: ConsumerHost
  private readonly options: ConsumeOptions
  private readonly fetcher: MemoryFetcher
  private readonly producers = new Map<string, MemoryProducer>()
  private state: 'outside' | 'expired' | 'joining' | 'reading' | 'revoking' | 'ended' = 'outside'
  /** Changes when a membership ends, so that what was to be told of it is not. */
  private epoch = 0

  constructor(host: ConsumerHost, group: MemoryGroup, options: ConsumeOptions, handler: ConsumerHandler) {
    this.topics = options.topics
    this.rebalanceTimeout = options.rebalanceTimeout
    this.host = host
    this.options = options
    this.group = group
    this.handler = handler
    this.fromBeginning = options.fromBeginning
    this.fetcher = new MemoryFetcher(host, this)
    this.connect()
  }

  // What its user asks for

  commit(offsets: readonly CommitPosition[], done: (error: CommitError | null) => void): void {
    const fault = this.host.faults.ofCommit(this.group.id)
    const error = fault ?? this.refusal(offsets)
    if (error === null) this.group.commit(offsets)
    this.host.commits.push({ groupId: this.group.id, generation: this.group.generation, offsets, error })
    this.host.clock.schedule(() => done(error), 0)
    // Kafka fences who is no member any more, and that member hears of it.
    if (fault?.kind === 'fenced') this.group.expel(this)
  }

  pause(partition: TopicPartition): void {
    this.fetcher.pause(partition)
  }

  resume(partition: TopicPartition): void {
    this.fetcher.resume(partition)
  }

  seek(position: Position): void {
    this.fetcher.seek(position)
  }

  producerOf(place: TopicPartition): TransactionalProducer {
    const producer = this.producers.get(transactionalId(this.options, place))
    if (producer === undefined)
      throw new Error(`Cannot send for ${place.topic}[${place.partition}]: it is not assigned`)
    return producer
  }

  leave(done: () => void): void {
    for (const producer of this.producers.values()) producer.abort(() => {})
    this.quit()
    this.host.clock.schedule(done, 0)
  }

  // What its group asks for

  get places(): readonly TopicPartition[] {
    return this.fetcher.places
  }

  revoke(rejoin: () => void): void {
    this.later(() => {
      const { epoch } = this
      const { places } = this.fetcher
      this.fetcher.halted = true
      this.state = 'revoking'
      const done = () => {
        if (epoch !== this.epoch || this.state !== 'revoking') return
        this.state = 'joining'
        rejoin()
      }
      if (places.length === 0) done()
      else this.handler.revoking(places, done)
    })
  }

  assign(partitions: readonly MemoryLog[]): void {
    this.later(() => {
      this.state = 'reading'
      this.isCertain = true
      this.takeProducers(partitions)
      this.fetcher.take(partitions)
      this.handler.assigned(this.fetcher.described)
    })
  }

  expire(ms: number): void {
    const { places } = this.fetcher
    this.end('expired')
    this.later(() => {
      this.state = 'outside'
      if (places.length > 0) this.handler.lost(places)
      this.connect()
    }, ms)
  }

  silence(): void {
    this.isCertain = false
  }

  confirm(): void {
    if (this.isCertain) return
    this.isCertain = true
    if (this.state === 'reading') this.later(() => this.handler.confirmed())
  }

  // What its producers ask for

  get groupId(): string {
    return this.group.id
  }

  commitInTransaction(position: CommitPosition, error: CommitError | null): void {
    if (error === null) this.group.commit([position])
    this.host.commits.push({ groupId: this.group.id, generation: this.group.generation, offsets: [position], error })
  }

  owns(partition: TopicPartition): boolean {
    return this.fetcher.has(partition)
  }

  reset(partition: TopicPartition): AssignedPartition | undefined {
    return this.fetcher.reset(partition)
  }

  // What its broker tells

  /** The broker went down. */
  disconnected(): void {
    this.later(() => this.handler.trouble(downError(`read as group ${this.group.id}`)))
  }

  /** The broker is up again. */
  reconnected(): void {
    if (this.state === 'outside') this.connect()
    else this.fetcher.wake()
  }

  private connect(): void {
    this.later(() => {
      if (this.state !== 'outside') return
      if (this.host.faults.isDown) return this.disconnected()
      try {
        this.host.topics.resolve(this.topics, this.group.id)
      } catch (error) {
        return this.fail(error as Error)
      }
      this.state = 'joining'
      this.group.join(this)
    })
  }

  private takeProducers(partitions: readonly MemoryLog[]): void {
    this.producers.clear()
    const { transaction } = this.options
    if (transaction === undefined) return
    for (const { topic, partition } of partitions) {
      const id = transactionalId(this.options, { topic, partition })
      this.producers.set(id, new MemoryProducer(this.host, this, { topic, partition }, id, transaction.timeout))
    }
  }

  private refusal(offsets: readonly CommitPosition[]): CommitError | null {
    if (this.state === 'joining') return new CommitError('rebalancing', rebalancingText(this.group.id))
    const tooLong = offsets.find(({ metadata = '' }) => metadata.length > MAX_METADATA)
    if (tooLong !== undefined) return new CommitError('metadata', metadataText(this.group.id, tooLong))
    const foreign = offsets.find((offset) => !this.fetcher.has(offset))
    return foreign === undefined ? null : new CommitError('fenced', fencedText(this.group.id, foreign))
  }

  private end(state: 'expired' | 'ended'): void {
    this.state = state
    this.epoch++
    this.fetcher.release()
  }

  fail(error: Error): void {
    this.quit()
    this.handler.failed(error)
  }

  private quit(): void {
    this.end('ended')
    this.group.leave(this)
    this.host.ended(this)
  }

  private later(work: () => void, ms = 0): void {
    const { epoch } = this
    this.host.clock.schedule(() => {
      if (epoch === this.epoch) work()
    }, ms)
  }
}

function fencedText(groupId: string, { topic, partition }: TopicPartition): string {
  return `Cannot commit ${topic}[${partition}] for group ${groupId}: the partition is not assigned to this member; its present owner reads it again from the last commit`
}

function metadataText(groupId: string, { topic, partition }: TopicPartition): string {
  return `Cannot commit ${topic}[${partition}] for group ${groupId}: its metadata is longer than ${MAX_METADATA} characters; shorten it, or leave it out`
}

function rebalancingText(groupId: string): string {
  return `Cannot commit for group ${groupId}: the group rebalances; commit again when the partitions are assigned`
}
