import type {
  AssignedPartition,
  Broker,
  CommitPosition,
  Consumer,
  ConsumerHandler,
  LogRange,
  Position,
  RawMessage,
  TopicPartition,
  TransactionalProducer,
  TransactionNames,
} from '../../lib/broker.ts'
import type { CommitError } from '../../lib/errors.ts'

export interface ReaderOptions {
  readonly groupId: string
  readonly topics: readonly (string | RegExp)[]
  readonly fromBeginning?: boolean | Date
  readonly rebalanceTimeout?: number
  readonly transaction?: TransactionNames
  /** Whether the reader answers `revoking` only when {@link Reader.letGo} is called. */
  readonly holds?: boolean
}

/** A message as a reader saw it. */
export interface Seen extends TopicPartition {
  readonly offset: number
  readonly raw: RawMessage
}

export interface SeenBatch extends TopicPartition {
  readonly offsets: readonly number[]
  readonly nextOffset: number
  readonly highWatermark: number
}

/** One member of a group that notes what it is told, and notices when it is told within its own call. */
export class Reader implements ConsumerHandler {
  readonly seen: Seen[] = []
  readonly batches: SeenBatch[] = []
  readonly revocations: (readonly TopicPartition[])[] = []
  readonly losses: (readonly TopicPartition[])[] = []
  readonly troubles: Error[] = []
  readonly outs: { readonly place: Position; readonly log: LogRange }[] = []
  /** The calls of the handler, in order, but for `batch`. */
  readonly told: string[] = []
  /** The calls of the handler that came from within a call of the consumer. */
  readonly nested: string[] = []
  assignment: readonly AssignedPartition[] = []
  joins = 0
  failure: Error | undefined
  hasLeft = false
  /** Done within every `batch` and `assigned`, when set. */
  onBatch: (() => void) | undefined
  onAssigned: (() => void) | undefined
  /** Done within every `outOfRange`, when set. */
  onOut: ((log: LogRange) => void) | undefined
  private readonly consumer: Consumer
  private readonly holds: boolean
  private held: (() => void)[] = []
  private inside = false

  constructor(broker: Broker, { groupId, topics, ...options }: ReaderOptions) {
    this.holds = options.holds ?? false
    this.consumer = this.call(() =>
      broker.consume(
        {
          groupId,
          topics,
          fromBeginning: options.fromBeginning ?? true,
          maxWaitTimeInMs: 100,
          fetchInterval: 25,
          sessionTimeout: 10_000,
          rebalanceTimeout: options.rebalanceTimeout ?? 30_000,
          ...(options.transaction === undefined ? {} : { transaction: options.transaction }),
        },
        this,
      ),
    )
  }

  get partitions(): number[] {
    return this.assignment.map(({ partition }) => partition).sort((a, b) => a - b)
  }

  /** The offsets seen of one partition, in the order in which they came. */
  offsets(partition: number): number[] {
    return this.seen.filter((message) => message.partition === partition).map(({ offset }) => offset)
  }

  /** The values seen of one partition, as text. */
  values(partition: number): string[] {
    return this.seen.filter((message) => message.partition === partition).map(({ raw }) => textOf(raw.value))
  }

  // What it is told

  assigned(partitions: readonly AssignedPartition[]): void {
    this.note('assigned')
    this.assignment = partitions
    this.joins++
    this.onAssigned?.()
  }

  batch(from: TopicPartition, messages: readonly RawMessage[], nextOffset: number, highWatermark: number): void {
    if (this.inside) this.nested.push('batch')
    const { topic, partition } = from
    const seen = messages.map((raw) => ({ topic, partition, offset: Number(raw.offset), raw }))
    for (const message of seen) this.seen.push(message)
    this.batches.push({ topic, partition, offsets: seen.map(({ offset }) => offset), nextOffset, highWatermark })
    this.onBatch?.()
  }

  outOfRange(place: Position, log: LogRange): void {
    this.note('outOfRange')
    this.outs.push({ place, log })
    this.onOut?.(log)
  }

  confirmed(): void {
    this.note('confirmed')
  }

  revoking(partitions: readonly TopicPartition[], done: () => void): void {
    this.note('revoking')
    this.revocations.push(partitions)
    if (this.holds) this.held.push(done)
    else done()
  }

  lost(partitions: readonly TopicPartition[]): void {
    this.note('lost')
    this.losses.push(partitions)
  }

  trouble(error: Error): void {
    this.note('trouble')
    this.troubles.push(error)
  }

  failed(error: Error): void {
    this.note('failed')
    this.failure = error
    this.hasLeft = true
  }

  // What it does

  commit(offsets: readonly CommitPosition[], done: (error: CommitError | null) => void): void {
    this.call(() => this.consumer.commit(offsets, done))
  }

  pause(topic: string, partition: number): void {
    this.call(() => this.consumer.pause({ topic, partition }))
  }

  resume(topic: string, partition: number): void {
    this.call(() => this.consumer.resume({ topic, partition }))
  }

  seek(topic: string, partition: number, offset: number): void {
    this.call(() => this.consumer.seek({ topic, partition, offset }))
  }

  producerOf(topic: string, partition: number): TransactionalProducer {
    const producer = this.consumer.producerOf?.({ topic, partition })
    if (producer === undefined) throw new Error('This broker knows no transactions')
    return producer
  }

  leave(done: () => void): void {
    this.hasLeft = true
    this.call(() => this.consumer.leave(done))
  }

  /** Answers `revoking`. */
  letGo(): void {
    const { held } = this
    this.held = []
    this.call(() => {
      for (const done of held) done()
    })
  }

  private note(what: string): void {
    if (this.inside) this.nested.push(what)
    this.told.push(what)
  }

  private call<T>(work: () => T): T {
    this.inside = true
    try {
      return work()
    } finally {
      this.inside = false
    }
  }
}

export function textOf(bytes: Uint8Array | null): string {
  return bytes === null ? 'null' : Buffer.from(bytes).toString()
}
