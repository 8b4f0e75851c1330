import type { Clock } from './clock.ts'
import type { CommitError } from './errors.ts'
import type { Members } from './members.ts'

/** What Kafka keeps beside a message; a name that came more than once has an array. */
export type Headers = Readonly<Record<string, HeaderValue>>
/** A header's value, or its values; undefined counts as none. */
export type HeaderValue = Uint8Array | string | readonly (Uint8Array | string)[] | undefined

/**
 * A message as the client fetched it, undecoded. Offsets and timestamps (ms) may be decimal text, so that a client's
 * own message is passed on as it is: a conversion for each would be work in the hot path.
 */
export interface RawMessage {
  readonly offset: number | string
  readonly timestamp: number | string
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers?: Headers
}

/** A message to produce. Without `partition` its key's murmur2 hash chooses one, as every Kafka client does. */
export interface OutgoingMessage {
  readonly topic: string
  readonly key: Uint8Array | string | null
  readonly value: Uint8Array | string | null
  readonly headers?: Headers
  /** ms since 1970; the time of sending when left out */
  readonly timestamp?: number
  readonly partition?: number
}

/** How batches can be written. A client may lack some. */
export const COMPRESSIONS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
export type Compression = (typeof COMPRESSIONS)[number]
/** Who has to have a message before its send is done: all in-sync replicas, or the leader of its partition. */
export type Acks = 'all' | 'leader'

/** How messages are sent. */
export interface SendOptions {
  /** @default 'none' */
  readonly compression?: Compression
  /** In a transaction it is always `all`. @default 'all' */
  readonly acks?: Acks
}

/** A partition of a topic, by its number from 0. */
export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** An offset of a partition: the next one to read, as Kafka stores it. */
export interface Position extends TopicPartition {
  readonly offset: number
}

/** What the log of a partition holds. */
export interface LogRange {
  /** The oldest offset that is kept. */
  readonly logStart: number
  /** The end of the log: the offset that the next message to be produced will get. */
  readonly highWatermark: number
}

/** An offset to be committed, with what is kept beside it. */
export interface CommitPosition extends Position {
  /** At most 4096 characters, by default. */
  readonly metadata?: string
}

/** A partition as it is handed to a member. */
export interface AssignedPartition extends TopicPartition, LogRange {
  /** What the group has committed; null when it has committed nothing. */
  readonly committed: number | null
  /** What was kept beside that; left out when there is nothing. */
  readonly metadata?: string
  /** Where reading begins unless the handler seeks. */
  readonly position: number
}

/** What one member of a consumer group asks for. Times in ms. */
export interface ConsumeOptions {
  readonly groupId: string
  readonly topics: readonly (string | RegExp)[]
  /** Where a group that has committed nothing begins: at the start, at the end, or at the first message of an instant. */
  readonly fromBeginning: boolean | Date
  readonly maxWaitTimeInMs: number
  /** From the start of a fetch to that of the next, while there is no more to catch up with. */
  readonly fetchInterval: number
  readonly sessionTimeout: number
  readonly rebalanceTimeout: number
  /** Commits are made by the producers of {@link Consumer.producerOf} alone; left out for plain commits. */
  readonly transaction?: TransactionNames
}

/** Of the transactions of one source. */
export interface TransactionNames {
  /** What their transactional ids begin with: group, topic and partition follow. */
  readonly id: string
  /** How long one may stay open before the broker takes it back, in ms. */
  readonly timeout: number
}

/** What a consumer tells: never from within a call of `consume` or of the consumer's own methods. No call may throw. */
export interface ConsumerHandler {
  /**
   * The member joined, and this is its whole assignment. A partition it had before and was not told `lost` is
   * retained; the handler seeks it to where it stands.
   */
  assigned(partitions: readonly AssignedPartition[]): void
  /**
   * Messages of one partition, in order. `nextOffset` is where the batch ends, which is past its last message when
   * control records or compaction left a gap there.
   */
  batch(from: TopicPartition, messages: readonly RawMessage[], nextOffset: number, highWatermark: number): void
  /** The next offset to read is not in the log: nothing more of this partition comes until the handler seeks it. */
  outOfRange(place: Position, log: LogRange): void
  /** The group rebalances and these partitions may go: the member joins when `done` is called. */
  revoking(partitions: readonly TopicPartition[], done: () => void): void
  /** The membership is certain again, after {@link Consumer.isCertain} was seen false. */
  confirmed(): void
  /** The membership is gone; these partitions may have another reader already. */
  lost(partitions: readonly TopicPartition[]): void
  /** The broker can't be reached or refused; the consumer tries again by itself. */
  trouble(error: Error): void
  /** The consumer has ended and will not come back. */
  failed(error: Error): void
}

/** One member of a consumer group. */
export interface Consumer {
  /**
   * Whether the broker is sure to count this member in: false once a session has passed since it last said so. Timers and
   * fetched messages know nothing of the hours that a stopped process or a sleeping laptop has missed, and others may have
   * the partitions by now. The handler hears `confirmed` or `lost` next.
   */
  readonly isCertain: boolean
  /** Commits, once, under the present assignment. One call at a time. */
  commit(offsets: readonly CommitPosition[], done: (error: CommitError | null) => void): void
  /** Fetches no more of a partition. */
  pause(partition: TopicPartition): void
  /** Fetches of it again. */
  resume(partition: TopicPartition): void
  /** Moves the place of reading. */
  seek(position: Position): void
  /** Leaves the group. No call of the handler follows. */
  leave(done: () => void): void
  /**
   * The producer of an assigned partition; only of a consumer that was asked for transactions. When the handler hears
   * of an assignment, each has taken the place of its forerunners *before* the committed offset was read.
   */
  producerOf?(partition: TopicPartition): TransactionalProducer
}

/**
 * Sends in transactions what is made of one partition that is read, and commits its offset with it.
 *
 * There is one at a time: whoever takes the place of another ends its transaction and reads the committed offset
 * afterwards. So a member that was given up, and does not know it, can neither send nor commit any more.
 */
export interface TransactionalProducer {
  /**
   * Sends within the transaction, which begins with the first message. `refused` are messages that can never be written,
   * and were not; the transaction is whole. After an error it is not: it must be renewed.
   */
  send(messages: readonly OutgoingMessage[], done: SendDone, options?: SendOptions): void
  /** Commits what was sent, and with it the offset. After an error nobody knows whether it did: it must be renewed. */
  commit(offset: number, done: (error: Error | null) => void): void
  /** Takes back what was sent. */
  abort(done: () => void): void
  /** Takes its own place: takes back what is open, then tells where the group stands. */
  renew(done: (answer: AssignedPartition | Error) => void): void
}

/** How a send in a transaction ends. */
export type SendDone = (error: Error | null, refused: ReadonlyMap<OutgoingMessage, Error>) => void

/**
 * All that the toolkit needs of a Kafka client: the port that `kafkajs(kafka)` and `memoryBroker()` implement.
 * Callbacks rather than promises, because virtual time can't see a promise.
 */
export interface Broker {
  readonly clock: Clock
  /** The members that read from this broker now, for `run` and for the refusal of a group used twice. */
  readonly members: Members
  /** A number in [0, 1), for jitter. */
  random(): number
  /** Joins a group; the handler hears of everything until `leave`. */
  consume(options: ConsumeOptions, handler: ConsumerHandler): Consumer
  /** Produces; `done` once all are written. */
  send(messages: readonly OutgoingMessage[], done: (error: Error | null) => void, options?: SendOptions): void
}
