import type { Broker, ConsumeOptions, Consumer, ConsumerHandler, OutgoingMessage, TopicPartition } from '../broker.ts'
import { type Clock, systemClock } from '../clock.ts'
import type { CommitError } from '../errors.ts'
import { Members } from '../members.ts'
import { type CommitAttempt, type ConsumerHost, MemoryConsumer } from './memoryConsumer.ts'
import { MemoryFaults } from './memoryFaults.ts'
import { MemoryGroup } from './memoryGroup.ts'
import type { MemoryLog, StoredMessage } from './memoryLog.ts'
import { MemoryTopics } from './memoryTopics.ts'
import { MemoryTransactions } from './memoryTransactions.ts'

/** How a memory broker starts. */
export interface MemoryBrokerOptions {
  /** Where it reads the time and waits; a `TestScheduler` makes it run in virtual time. @default systemClock */
  readonly clock?: Clock
  /** Topics to begin with, each with its number of partitions. @default {} */
  readonly topics?: Readonly<Record<string, number>>
  /** Where {@link Broker.random} begins: equal seeds give equal runs. @default 1 */
  readonly seed?: number
  /** Messages of a batch at most. @default 1000 */
  readonly batchSize?: number
  /** Bytes of a message's key and value at most. @default 1_048_576 */
  readonly maxMessageBytes?: number
}

/** An in-process Kafka: a broker with a hand on what it holds and on what goes wrong. */
export interface MemoryBroker extends Broker {
  /** @throws Error when there is such a topic already */
  createTopic(name: string, partitions: number): void
  /** All messages of a topic, partition by partition; those of open and of aborted transactions are left out. */
  messages(topic: string): readonly (StoredMessage & TopicPartition)[]
  /** The offset that the next message gets, by partition. */
  endOffsets(topic: string): ReadonlyMap<number, number>
  /** What a group has committed of a topic, by partition; partitions without a commit are left out. */
  committed(groupId: string, topic: string): ReadonlyMap<number, number>
  /** Every commit asked for so far, the refused ones too. */
  readonly commits: readonly CommitAttempt[]
  /** Leaves `count` offsets without messages, as control records and compaction do. */
  skip(topic: string, partition: number, count: number): void
  /** Deletes a partition's messages before an offset, as retention does. */
  trim(topic: string, partition: number, before: number): void
  /** Deletes a partition's messages from an offset on, as an unclean election of its leader does. */
  truncate(topic: string, partition: number, from: number): void
  /** Deletes a topic, with what groups have committed of it, and creates it again, empty. */
  recreateTopic(name: string): void
  /** Has a group rebalance: its members give up their partitions and join again. */
  rebalance(groupId: string): void
  /** Has a member outside, which reads nothing, take all partitions of a group, or one, after a rebalance. */
  occupy(groupId: string, partition?: TopicPartition): void
  /** Has that member leave, or give one back. */
  vacate(groupId: string, partition?: TopicPartition): void
  /**
   * Ends the membership of a group's member, by its place in the order of joining, or of all: `lost` without
   * `revoking`, as after an expired session. They join again by themselves.
   * @param unnoticed after how many ms they hear of it, as a process does that was stopped; 0 when left out
   */
  expel(groupId: string, member?: number, unnoticed?: number): void
  /**
   * Leaves a group's member, or all, in doubt of its membership, as a process that was stopped for longer than its
   * session is when it goes on: until `confirm`, or `expel`.
   */
  silence(groupId: string, member?: number): void
  /** Ends what `silence` began: the member is one still. */
  confirm(groupId: string, member?: number): void
  /**
   * Refuses the next commits, also those of transactions; whoever is *fenced* is expelled too, but not by a transaction.
   * @param times how many, 1 when left out
   */
  failCommits(kind: CommitError['kind'], times?: number): void
  /** Refuses the next sends. @param times how many, 1 when left out */
  failSends(error: Error, times?: number): void
  /** Commits the next transactions, but answers that it failed. @param times how many, 1 when left out */
  loseAnswers(times?: number): void
  /** Makes the broker unreachable: consumers hear of trouble, sends and commits fail and may be tried again. */
  down(): void
  /** Makes the broker reachable again; consumers go on. */
  up(): void
}

/**
 * Makes an in-process Kafka: partitions, key hashing, groups, rebalances and commits as Kafka has them, for tests in
 * virtual time and for a first try without a server. Nothing outlives the process.
 *
 *     const kafka = memoryBroker({ topics: { orders: 4 } })
 */
export function memoryBroker(options: MemoryBrokerOptions = {}): MemoryBroker {
  return new InProcessBroker(options)
}

/** What {@link memoryBroker} makes; the test kit's broker is one that watches. */
export class InProcessBroker implements MemoryBroker, ConsumerHost {
  readonly clock: Clock
  readonly members: Members = new Members()
  readonly random: () => number
  readonly topics: MemoryTopics
  readonly transactions: MemoryTransactions
  readonly faults = new MemoryFaults()
  readonly batchSize: number
  readonly commits: CommitAttempt[] = []
  private readonly groups = new Map<string, MemoryGroup>()
  protected readonly consumers = new Set<MemoryConsumer>()

  constructor(options: MemoryBrokerOptions) {
    this.clock = options.clock ?? systemClock
    this.random = randomFrom(options.seed ?? 1)
    this.batchSize = options.batchSize ?? 1000
    this.topics = new MemoryTopics(options.maxMessageBytes ?? 1_048_576)
    this.transactions = new MemoryTransactions(this.clock, this.topics)
    for (const [name, partitions] of Object.entries(options.topics ?? {})) this.createTopic(name, partitions)
  }

  consume(options: ConsumeOptions, handler: ConsumerHandler): Consumer {
    const consumer = new MemoryConsumer(this, this.group(options.groupId), options, handler)
    this.consumers.add(consumer)
    return consumer
  }

  send(messages: readonly OutgoingMessage[], done: (error: Error | null) => void): void {
    const error = this.faults.ofSend() ?? this.append(messages)
    this.clock.schedule(() => done(error), 0)
  }

  ended(consumer: MemoryConsumer): void {
    this.consumers.delete(consumer)
  }

  createTopic(name: string, partitions: number): void {
    this.topics.create(name, partitions)
  }

  messages(topic: string): readonly (StoredMessage & TopicPartition)[] {
    const partitions = this.topics.partitions(topic)
    return partitions.flatMap(({ partition, committed }) =>
      committed.map((message) => ({ topic, partition, ...message })),
    )
  }

  endOffsets(topic: string): ReadonlyMap<number, number> {
    return new Map(this.topics.partitions(topic).map(({ partition, end }) => [partition, end]))
  }

  committed(groupId: string, topic: string): ReadonlyMap<number, number> {
    return this.group(groupId).committed(topic)
  }

  skip(topic: string, partition: number, count: number): void {
    this.log(topic, partition).skip(count)
  }

  trim(topic: string, partition: number, before: number): void {
    this.log(topic, partition).trim(before)
  }

  truncate(topic: string, partition: number, from: number): void {
    this.log(topic, partition).truncate(from)
  }

  recreateTopic(name: string): void {
    const gone = this.topics.recreate(name)
    for (const group of this.groups.values()) group.forget(gone)
  }

  rebalance(groupId: string): void {
    this.group(groupId).rebalance()
  }

  occupy(groupId: string, partition?: TopicPartition): void {
    this.group(groupId).occupy(partition && this.log(partition.topic, partition.partition))
  }

  vacate(groupId: string, partition?: TopicPartition): void {
    this.group(groupId).vacate(partition && this.log(partition.topic, partition.partition))
  }

  expel(groupId: string, member?: number, unnoticed = 0): void {
    this.group(groupId).expelAt(member, unnoticed)
  }

  silence(groupId: string, member?: number): void {
    for (const one of this.group(groupId).membersAt(member)) one.silence()
  }

  confirm(groupId: string, member?: number): void {
    for (const one of this.group(groupId).membersAt(member)) one.confirm()
  }

  failCommits(kind: CommitError['kind'], times = 1): void {
    this.faults.failCommits(kind, times)
  }

  failSends(error: Error, times = 1): void {
    this.faults.failSends(error, times)
  }

  loseAnswers(times = 1): void {
    this.faults.loseAnswers(times)
  }

  down(): void {
    if (this.faults.isDown) return
    this.faults.isDown = true
    for (const group of this.groups.values()) group.suspend()
    for (const consumer of this.consumers) consumer.disconnected()
  }

  up(): void {
    this.faults.isDown = false
    for (const group of this.groups.values()) group.resume()
    for (const consumer of this.consumers) consumer.reconnected()
  }

  private append(messages: readonly OutgoingMessage[]): Error | null {
    try {
      this.topics.append(messages, this.clock.now())
      return null
    } catch (error) {
      return error as Error
    }
  }

  private log(topic: string, partition: number): MemoryLog {
    const log = this.topics.partitions(topic)[partition]
    if (log === undefined) throw new RangeError(`Expected a partition of ${topic}, got ${partition}`)
    return log
  }

  private group(id: string): MemoryGroup {
    const group = this.groups.get(id) ?? new MemoryGroup(id, this)
    this.groups.set(id, group)
    return group
  }
}

/** The generator mulberry32: numbers in [0, 1) that a seed repeats. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
