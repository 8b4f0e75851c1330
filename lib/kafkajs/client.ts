import type { Headers } from '../broker.ts'

// KafkaJS 2.2.4 as far as it is used here, written down rather than imported: the published types must check where
// kafkajs is not installed. A spec holds these against the real ones.

/** Node's `Buffer` where its types are installed; the published types have to check without them, too. */
export type Bytes = typeof globalThis extends { Buffer: { isBuffer(value: unknown): value is infer B } }
  ? B
  : Uint8Array

/** KafkaJS's `Kafka`. */
export interface KafkaClient {
  consumer(config: ConsumerConfig): ConsumerClient
  producer(config: ProducerConfig): ProducerClient
  admin(): AdminClient
}

export interface ConsumerConfig {
  groupId: string
  partitionAssigners: PartitionAssigner[]
  maxWaitTimeInMs: number
  sessionTimeout: number
  rebalanceTimeout: number
  heartbeatInterval: number
  allowAutoTopicCreation: boolean
  retry: { restartOnFailure: () => Promise<boolean> }
}

export interface ConsumerClient {
  readonly events: {
    readonly GROUP_JOIN: string
    readonly CRASH: string
    readonly FETCH_START: string
    readonly HEARTBEAT: string
    readonly RECEIVED_UNSUBSCRIBED_TOPICS: string
    readonly REQUEST: string
  }
  connect(): Promise<void>
  disconnect(): Promise<void>
  subscribe(subscription: { topics: (string | RegExp)[]; fromBeginning: boolean }): Promise<void>
  run(config: RunConfig): Promise<void>
  commitOffsets(offsets: { topic: string; partition: number; offset: string; metadata?: string }[]): Promise<void>
  seek(position: { topic: string; partition: number; offset: string }): void
  pause(topics: { topic: string; partitions: number[] }[]): void
  resume(topics: { topic: string; partitions: number[] }[]): void
  on(event: string, listener: (event: { payload: unknown }) => void): unknown
}

export interface RunConfig {
  autoCommit: boolean
  eachBatchAutoResolve: boolean
  partitionsConsumedConcurrently: number
  eachBatch: (payload: EachBatch) => Promise<void>
}

export interface EachBatch {
  readonly batch: Batch
  resolveOffset(offset: string): void
  heartbeat(): Promise<void>
  commitOffsetsIfNecessary(offsets: TopicOffsets): Promise<void>
  isStale(): boolean
}

export interface TopicOffsets {
  topics: { topic: string; partitions: { partition: number; offset: string; metadata?: string }[] }[]
}

export interface Batch {
  readonly topic: string
  readonly partition: number
  readonly highWatermark: string
  readonly messages: readonly ClientMessage[]
  /** Where the fetch began; KafkaJS's types leave it out. */
  readonly fetchedOffset?: string
  lastOffset(): string
}

/** A fetched message; it is a {@link RawMessage} as it is. */
export interface ClientMessage {
  readonly offset: string
  readonly timestamp: string
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers?: Headers
}

export type PartitionAssigner = (config: { cluster: ClusterClient }) => Assigner

export interface Assigner {
  name: string
  version: number
  assign(group: { members: GroupMember[]; topics: string[] }): Promise<MemberAssignment[]>
  protocol(subscription: { topics: string[] }): { name: string; metadata: Bytes }
}

export interface GroupMember {
  memberId: string
  /** What it told when it joined. */
  memberMetadata: Bytes
}

export interface MemberAssignment {
  memberId: string
  memberAssignment: Bytes
}

/** What an assigner is given: the connections that belong to one consumer. */
export interface ClusterClient {
  findGroupCoordinator(group: { groupId: string }): Promise<CoordinatorClient>
  findGroupCoordinatorMetadata?(group: { groupId: string }): Promise<unknown>
  /** KafkaJS's types leave it out. */
  readonly brokerPool?: BrokerPool
  refreshMetadataIfNecessary(): Promise<void>
  findTopicPartitionMetadata(topic: string): { partitionId: number }[]
  fetchTopicsOffset(topics: never[]): Promise<unknown>
  defaultOffset(config: { fromBeginning: boolean }): number
}

/** The brokers that a cluster knows. */
export interface BrokerPool {
  /** Asks one after the other until one answers; null when none did: it drops what they said. */
  withBroker(question: (one: { broker: BrokerClient }) => Promise<unknown>): Promise<unknown>
}

export interface BrokerClient {
  findGroupCoordinator(group: { groupId: string }): Promise<unknown>
}

export interface CoordinatorClient {
  isConnected(): boolean
}

export interface JoinPayload {
  readonly memberId: string
  readonly memberAssignment: Readonly<Record<string, readonly number[]>>
}

export interface AdminClient {
  connect(): Promise<void>
  disconnect(): Promise<void>
  fetchOffsets(options: { groupId: string; topics: string[] }): Promise<FetchedOffsets[]>
  fetchTopicOffsets(topic: string): Promise<{ partition: number; low: string; high: string }[]>
  fetchTopicOffsetsByTimestamp(topic: string, timestamp: number): Promise<{ partition: number; offset: string }[]>
}

export interface FetchedOffsets {
  topic: string
  partitions: { partition: number; offset: string; metadata: string | null }[]
}

export interface ProducerConfig {
  allowAutoTopicCreation: boolean
  idempotent: boolean
  createPartitioner?: Partitioner
  transactionalId?: string
  transactionTimeout?: number
  retry?: { initialRetryTime: number; maxRetryTime: number; retries: number }
}

/** Chooses a partition for a message, as KafkaJS's `createPartitioner` option does. */
export type Partitioner = () => (args: {
  topic: string
  partitionMetadata: { partitionId: number; leader: number }[]
  message: { key?: Uint8Array | string | null; partition?: number }
}) => number

export interface ProducerClient {
  connect(): Promise<void>
  disconnect(): Promise<void>
  sendBatch(batch: ProducedBatch): Promise<WrittenPartition[]>
  transaction(): Promise<TransactionClient>
}

/** One transaction of a producer; the first call of `transaction()` takes the transactional id. */
export interface TransactionClient {
  sendBatch(batch: ProducedBatch): Promise<WrittenPartition[]>
  sendOffsets(offsets: TopicOffsets & { consumerGroupId: string }): Promise<void>
  commit(): Promise<void>
  abort(): Promise<void>
}

export interface ProducedBatch {
  acks: number
  compression: number
  topicMessages: TopicMessages[]
}

/** The answer of a partition's leader. */
export interface WrittenPartition {
  readonly topicName: string
  readonly partition: number
}

export interface TopicMessages {
  topic: string
  messages: ProducedMessage[]
}

export interface ProducedMessage {
  key: Bytes | string | null
  value: Bytes | string | null
  headers?: Record<string, Bytes | string | (Bytes | string)[] | undefined>
  partition?: number
  timestamp?: string
  /** Where it goes, once that is chosen: ours; KafkaJS hands it to the partitioner with the rest. */
  chosen?: number
}
