import type { ConsumeOptions, ConsumerHandler, Position, TopicPartition } from '../broker.ts'
import type { Clock } from '../clock.ts'
import { CommitError, FatalError } from '../errors.ts'
import type { Admin } from './admin.ts'
import type {
  ConsumerClient,
  CoordinatorClient,
  EachBatch,
  EndBatchPayload,
  JoinPayload,
  KafkaClient,
} from './client.ts'
import { Commits } from './commits.ts'
import { Drain } from './drain.ts'
import { chainOf } from './errors.ts'
import { type Hooks, hookedAssigner } from './hooks.ts'
import { findGone, startOf } from './positions.ts'
import { Reader } from './reader.ts'

/** Batches that KafkaJS hands over at once: a held one must not keep the others of its fetch waiting. */
const CONCURRENCY = 32

/** What a membership works for. */
export interface MembershipHost {
  readonly kafka: KafkaClient
  readonly clock: Clock
  readonly admin: Admin
  /** It has joined and reads. */
  joined(): void
  /** It has ended by itself; `lost` is what the handler still counts as assigned. */
  ended(error: unknown, lost: readonly TopicPartition[]): void
}

/**
 * One KafkaJS consumer, from its connection to its end: joins, asks where to read, lets the handler drain before each
 * further join. It is never restarted; a new one takes its place.
 */
export class Membership implements Hooks {
  readonly reader: Reader
  private readonly host: MembershipHost
  private readonly options: ConsumeOptions
  private readonly handler: ConsumerHandler
  private readonly client: ConsumerClient
  private readonly commits: Commits
  private readonly drain: Drain
  private state: 'joining' | 'reading' | 'revoking' | 'ended' = 'joining'
  private memberId: string | undefined
  /** What the handler counts as assigned. */
  private told: readonly TopicPartition[] = []
  private joins = 0
  /** Fulfilled when it is known where to read. */
  private gate: Promise<void> = Promise.resolve()
  private readonly opened: Promise<void>

  constructor(host: MembershipHost, options: ConsumeOptions, handler: ConsumerHandler) {
    const { groupId, maxWaitTimeInMs, sessionTimeout, rebalanceTimeout } = options
    const heartbeatInterval = Math.min(3000, Math.floor(sessionTimeout / 3))
    this.host = host
    this.options = options
    this.handler = handler
    this.client = host.kafka.consumer({
      ...{ groupId, maxWaitTimeInMs, sessionTimeout, rebalanceTimeout, heartbeatInterval },
      partitionAssigners: [hookedAssigner(this)],
      allowAutoTopicCreation: false,
      retry: { restartOnFailure: async () => false },
    })
    this.reader = new Reader(this.client, host.clock, handler)
    this.commits = new Commits(this.client)
    this.drain = new Drain(host.clock, heartbeatInterval, () => this.lose())
    this.opened = this.open()
  }

  commit(offsets: readonly Position[], done: (error: CommitError | null) => void): void {
    const refusal = this.refusalOf(offsets)
    if (refusal === null) this.commits.send(offsets, done)
    else Promise.resolve().then(() => done(refusal))
  }

  /** Leaves the group and closes the connections. The handler hears nothing more. */
  async leave(): Promise<void> {
    this.finish()
    await this.disconnect()
  }

  // Hooks

  async beforeJoin(find: () => Promise<CoordinatorClient>): Promise<CoordinatorClient> {
    this.expectAlive()
    const wasReading = this.state === 'reading'
    this.state = 'revoking'
    this.joins++
    this.reader.close()
    await this.commits.settled()
    if (wasReading && this.told.length > 0) {
      await this.drain.run(this.options.groupId, this.memberId, find, (done) => this.handler.revoking(this.told, done))
      await this.commits.settled()
    }
    this.expectAlive()
    this.state = 'joining'
    return find()
  }

  async beforeFetch(): Promise<void> {
    await this.gate.catch(() => {
      throw new Ended()
    })
  }

  joining(topics: readonly string[]): void {
    if (topics.length > 0) return
    throw new FatalError(
      `Cannot read ${this.options.topics.join(', ')}: no topic matches; create one, or correct the pattern`,
    )
  }

  outOfRange(): never {
    throw new OutOfRange()
  }

  // What KafkaJS tells

  private async open(): Promise<void> {
    const { client, options } = this
    try {
      this.listen()
      await client.connect()
      for (const topic of options.topics) {
        if (this.state === 'ended') return
        await this.subscribe(topic)
      }
      if (this.state === 'ended') return
      await client.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: CONCURRENCY,
        eachBatch: (payload) => this.eachBatch(payload),
      })
    } catch (error) {
      this.end(error)
    }
  }

  private async subscribe(topic: string | RegExp): Promise<void> {
    const { fromBeginning } = this.options
    // A pattern with the flag `g` or `y` remembers where it stopped.
    const topics = [typeof topic === 'string' ? topic : new RegExp(topic.source, topic.flags.replace(/[gy]/g, ''))]
    await this.client.subscribe({ topics, fromBeginning })
  }

  private listen(): void {
    const { client, drain } = this
    const on = <T>(event: string, listener: (payload: T) => void) =>
      client.on(event, ({ payload }) => listener(payload as T))
    on<JoinPayload>(client.events.GROUP_JOIN, (join) => this.onJoin(join))
    on<{ error: Error }>(client.events.CRASH, ({ error }) => this.end(error))
    on<EndBatchPayload>(client.events.END_BATCH_PROCESS, (batch) => batch.batchSize === 0 && this.reader.skip(batch))
    on<{ groupGenerationId: number }>(client.events.HEARTBEAT, (beat) => drain.learnGeneration(beat.groupGenerationId))
    on<{ groupGenerationId: number }>(client.events.COMMIT_OFFSETS, (sent) =>
      drain.learnGeneration(sent.groupGenerationId),
    )
  }

  private async eachBatch(payload: EachBatch): Promise<void> {
    this.commits.learn(payload)
    this.drain.learnHeartbeat(payload)
    await this.reader.eachBatch(payload)
  }

  private onJoin({ memberId, memberAssignment }: JoinPayload): void {
    if (this.state === 'ended') return
    // Under another name it is another member: the broker had given it up, and its partitions to others.
    if (memberId !== this.memberId) this.lose()
    this.memberId = memberId
    this.drain.learnGeneration(undefined)
    const places = Object.entries(memberAssignment).flatMap(([topic, partitions]) =>
      partitions.map((partition) => ({ topic, partition })),
    )
    this.gate = this.begin(places, this.joins)
    this.gate.catch((error) => this.end(error))
  }

  /** Fetching waits for this, so that KafkaJS never fetches from a place that is not in the log. */
  private async begin(places: readonly TopicPartition[], join: number): Promise<void> {
    const partitions = await this.host.admin.ask((admin) => startOf(admin, this.options, places))
    if (this.state === 'ended' || join !== this.joins) return
    this.reader.assign(partitions)
    this.state = 'reading'
    this.told = places
    this.host.joined()
    this.handler.assigned(partitions)
    if (this.state === 'reading') this.reader.open()
  }

  private refusalOf(offsets: readonly Position[]): CommitError | null {
    if (this.state === 'joining')
      return new CommitError('rebalancing', 'Cannot commit offsets: the group is rebalancing')
    const isOurs = this.state !== 'ended' && offsets.every((position) => this.reader.owns(position))
    return isOurs ? null : new CommitError('fenced', 'Cannot commit offsets: the partitions are no longer assigned')
  }

  /** The membership is gone: whoever drains for it drains in vain. */
  private lose(): void {
    const lost = this.told
    this.told = []
    this.reader.assign([])
    if (lost.length > 0) this.handler.lost(lost)
    this.drain.giveUp()
  }

  private end(error: unknown): void {
    if (this.state === 'ended') return
    const { positions } = this.reader
    this.finish()
    this.disconnect().catch(() => {})
    if (!chainOf(error).some((cause) => cause instanceof OutOfRange)) return this.host.ended(error, this.told)
    this.host.admin
      .ask((admin) => findGone(admin, this.options.groupId, positions))
      .then(
        (gone) => this.host.ended(gone ?? error, this.told),
        (unknown) => this.host.ended(unknown, this.told),
      )
  }

  private finish(): void {
    this.state = 'ended'
    this.reader.close()
    this.drain.giveUp()
  }

  /** Only once it is opened: a consumer that is torn down while it joins would join none the less. */
  private async disconnect(): Promise<void> {
    await this.opened
    await this.client.disconnect()
  }

  private expectAlive(): void {
    if (this.state === 'ended') throw new Ended()
  }
}

/** Ends a KafkaJS consumer from within; `retriable` keeps it from trying again. */
class Ended extends Error {
  override readonly name: string = 'Ended'
  readonly retriable = false

  constructor(message = 'The consumer has left the group') {
    super(message)
  }
}

class OutOfRange extends Ended {
  override readonly name = 'OutOfRange'

  constructor() {
    super('The next offset to read is not in the log')
  }
}
