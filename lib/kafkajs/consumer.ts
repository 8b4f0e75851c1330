import { backoff } from '../backoff.ts'
import type {
  Broker,
  ConsumeOptions,
  Consumer,
  ConsumerHandler,
  Position,
  TopicPartition,
  TransactionalProducer,
} from '../broker.ts'
import type { Clock, Timer } from '../clock.ts'
import { CommitError, FatalError } from '../errors.ts'
import type { Admin } from './admin.ts'
import type { KafkaClient, Partitioner } from './client.ts'
import { consumeError } from './errors.ts'
import { Membership, type MembershipHost } from './membership.ts'
import { Producers } from './producers.ts'

/** How long leaving may take, in ms. A broker that doesn't answer notices by the session's timeout. */
const LEAVE_TIMEOUT = 5000

/** A membership that lasted longer, in ms, is not counted among the failed ones. */
const STABLE = 30_000

/** The broker, as its consumers see it. */
export interface ConsumerHost extends Pick<Broker, 'clock' | 'random'> {
  readonly kafka: KafkaClient
  readonly admin: Admin
  readonly createPartitioner: Partitioner | undefined
  /** A consumer has ended for good. */
  left(): void
}

/** A consumer that outlives its memberships: when one crashes, the next is opened after a wait, for ever. */
export class KafkajsConsumer implements Consumer, MembershipHost {
  readonly kafka: KafkaClient
  readonly clock: Clock
  readonly admin: Admin
  private readonly host: ConsumerHost
  private readonly options: ConsumeOptions
  private readonly handler: ConsumerHandler
  /** Of its partitions; of none unless it was asked for transactions. */
  readonly producers: Producers
  private member: Membership | undefined
  /** The name of the membership that crashed last. */
  private former: string | undefined
  private crashes = 0
  private joinedAt = Number.POSITIVE_INFINITY
  private timer: Timer | undefined
  private closed = false

  constructor(host: ConsumerHost, options: ConsumeOptions, handler: ConsumerHandler) {
    this.host = host
    this.kafka = host.kafka
    this.clock = host.clock
    this.admin = host.admin
    this.options = options
    this.handler = handler
    this.producers = new Producers(host, options)
    this.open(0)
  }

  commit(offsets: readonly Position[], done: (error: CommitError | null) => void): void {
    if (this.member !== undefined) return this.member.commit(offsets, done)
    this.clock.schedule(() => done(new CommitError('fenced', 'Cannot commit offsets: the membership is lost')), 0)
  }

  get isCertain(): boolean {
    return this.member?.isCertain ?? false
  }

  pause(place: TopicPartition): void {
    this.member?.reader.pause(place)
  }

  resume(place: TopicPartition): void {
    this.member?.reader.resume(place)
  }

  seek(position: Position): void {
    this.member?.reader.seek(position)
  }

  producerOf(place: TopicPartition): TransactionalProducer {
    return this.producers.of(place)
  }

  leave(done: () => void): void {
    const { member } = this
    this.close()
    let isDone = false
    const end = () => {
      if (isDone) return
      isDone = true
      timer.unsubscribe()
      done()
    }
    const timer = this.clock.schedule(end, LEAVE_TIMEOUT)
    Promise.all([member?.leave(), this.producers.end()]).then(end, end)
  }

  joined(): void {
    this.joinedAt = this.clock.now()
  }

  ended(cause: unknown, lost: readonly TopicPartition[]): void {
    if (this.closed) return
    this.former = this.member?.memberId ?? this.former
    this.member = undefined
    this.producers.end()
    const error = consumeError(cause, `read ${this.options.topics.join(', ')} as group ${this.options.groupId}`)
    if (error instanceof FatalError) return this.fail(error)
    this.handler.trouble(error)
    if (lost.length > 0) this.handler.lost(lost)
    if (this.clock.now() - this.joinedAt > STABLE) this.crashes = 0
    this.joinedAt = Number.POSITIVE_INFINITY
    if (!this.closed) this.open(backoff({}, ++this.crashes, this.host.random))
  }

  private open(ms: number): void {
    this.timer = this.clock.schedule(() => {
      try {
        this.member = new Membership(this, this.options, this.handler, this.former)
      } catch (error) {
        // KafkaJS refuses the options: no further try would differ.
        this.fail(new FatalError(`Cannot read as group ${this.options.groupId}: ${String(error)}`, { cause: error }))
      }
    }, ms)
  }

  private fail(error: FatalError): void {
    this.close()
    this.producers.end()
    this.handler.failed(error)
  }

  private close(): void {
    if (!this.closed) this.host.left()
    this.closed = true
    this.timer?.unsubscribe()
    this.member = undefined
  }
}
