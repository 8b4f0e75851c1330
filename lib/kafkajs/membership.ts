import type { ConsumeOptions, ConsumerHandler, Position, TopicPartition } from '../broker.ts'
import type { Clock } from '../clock.ts'
import { CommitError, TransientError, UnreadTopicsError } from '../errors.ts'
import type { Admin } from './admin.ts'
import { Certainty } from './certainty.ts'
import type { CoordinatorClient, EachBatch, JoinPayload, KafkaClient } from './client.ts'
import { Commits } from './commits.ts'
import { hearJoins, type JoinListener, type MemberName, onHeartbeat, takeOut } from './coordinator.ts'
import { Drain } from './drain.ts'
import { Ended, JoinAgain } from './ended.ts'
import type { PassOver } from './fetches.ts'
import { persist } from './persist.ts'
import { rangeOf, startOf } from './positions.ts'
import type { Producers } from './producers.ts'
import { Reader } from './reader.ts'
import { Session, type SessionListener } from './session.ts'
import { Spacing } from './spacing.ts'
import { NOTHING_OWNED, type Owned } from './subscription.ts'
import { Watchdog } from './watchdog.ts'

/** What a membership works for. */
export interface MembershipHost {
  readonly kafka: KafkaClient
  readonly clock: Clock
  readonly admin: Admin
  readonly producers: Pick<Producers, 'take' | 'end'>
  /** It has joined and reads. */
  joined(): void
  /** It has ended by itself; `lost` is what the handler still counts as assigned. */
  ended(error: unknown, lost: readonly TopicPartition[]): void
}

/**
 * One KafkaJS consumer, from its connection to its end: joins, asks where to read, lets the handler drain before each
 * further join. It is never restarted; a new one takes its place.
 */
export class Membership implements SessionListener, JoinListener {
  readonly reader: Reader
  /** The name under which the broker knows it. */
  memberId: string | undefined
  private readonly host: MembershipHost
  private readonly options: ConsumeOptions
  private readonly handler: ConsumerHandler
  private readonly session: Session
  private readonly commits: Commits
  private readonly drain: Drain
  private readonly watchdog: Watchdog
  private readonly certainty: Certainty
  private readonly spacing: Spacing
  /** Where the next fetch is from. */
  private broker = -1
  private state: 'joining' | 'reading' | 'revoking' | 'ended' = 'joining'
  /** What the handler counts as assigned. */
  private told: readonly TopicPartition[] = []
  /** Assigned to it, though it does not read them. */
  private unread: readonly string[] = []
  private joins = 0
  /** Of the last join, once the broker has answered it. */
  private generation = NOTHING_OWNED.generation
  private held: Owned = NOTHING_OWNED
  /** Whether the last join failed at its last step. */
  private isUnsynced = false
  /** Coordinators that tell of joins. */
  private readonly listened = new WeakSet<CoordinatorClient>()
  /** Fulfilled when it is known where to read. */
  private gate: Promise<void> = Promise.resolve()
  /** The name of the membership before, if the broker may still count on it. */
  private former: string | undefined

  constructor(host: MembershipHost, options: ConsumeOptions, handler: ConsumerHandler, former: string | undefined) {
    this.host = host
    this.options = options
    this.handler = handler
    this.former = former
    this.session = new Session(host.kafka, host.clock, options, this)
    this.reader = new Reader(this.session.client, host.clock, handler)
    this.commits = new Commits(this.session.client)
    // Nothing that may take its time takes longer: a join waits for other members up to the rebalance timeout.
    const silence = Math.max(3 * options.sessionTimeout, 2 * options.rebalanceTimeout)
    this.watchdog = new Watchdog(host.clock, silence, () => this.onCrash(silentError(silence)))
    const { heartbeatInterval } = this.session
    this.drain = new Drain(host.clock, heartbeatInterval, () => this.lose(), this.watchdog.sign)
    this.certainty = new Certainty(host.clock, options.sessionTimeout, () => this.confirmed())
    this.spacing = new Spacing(host.clock, options.fetchInterval)
    this.session.open()
  }

  commit(offsets: readonly Position[], done: (error: CommitError | null) => void): void {
    const refusal = this.refusalOf(offsets)
    if (refusal === null) this.commits.send(offsets, (error) => this.committed(error, done))
    else Promise.resolve().then(() => done(refusal))
  }

  get isCertain(): boolean {
    return this.certainty.isCertain
  }

  /** Leaves the group and closes the connections. The handler hears nothing more. */
  async leave(): Promise<void> {
    this.finish()
    await this.session.close()
  }

  // Hooks

  async beforeJoin(find: () => Promise<CoordinatorClient>): Promise<CoordinatorClient> {
    this.expectAlive()
    this.watchdog.sign()
    const wasReading = this.state === 'reading'
    this.state = 'revoking'
    this.joins++
    this.isUnsynced = false
    this.reader.close()
    await this.commits.settled()
    const look = () => this.persist(find)
    if (wasReading) await this.settle(await look())
    this.expectAlive()
    this.state = 'joining'
    const coordinator = await look()
    if (this.former !== undefined) await takeOut(coordinator, this.nameOf(this.former))
    this.former = undefined
    if (!this.listened.has(coordinator)) {
      hearJoins(coordinator, this)
      onHeartbeat(coordinator, this.host.clock, (sentAt) => this.certainty.confirm(sentAt))
      this.listened.add(coordinator)
    }
    return coordinator
  }

  onGeneration(generation: number): void {
    this.generation = generation
  }

  onSyncFailed(): void {
    this.isUnsynced = true
  }

  owned(): Owned {
    return this.held
  }

  onFetch(broker: number): void {
    this.broker = broker
  }

  async beforeFetch(): Promise<void> {
    const { broker } = this
    this.watchdog.sign()
    // KafkaJS goes on fetching what it had, in the new generation, and would never hear of what it has now.
    if (this.isUnsynced) throw new JoinAgain()
    await this.gate.catch(() => {
      throw new Ended()
    })
    await this.spacing.turn(broker, this.reader.isBehind)
  }

  async outOfRange(place: TopicPartition): Promise<void> {
    const log = await this.host.admin.ask((admin) => rangeOf(admin, place))
    // After a join KafkaJS is told anew where to read.
    if (this.state !== 'reading') return
    // A process that was stopped may ask from where its successor has gone on long ago: that tells of no loss.
    if (this.isCertain) this.reader.outOfRange(place, log)
    else this.reader.again(place)
  }

  get isEnded(): boolean {
    return this.state === 'ended'
  }

  async onBatch(payload: EachBatch): Promise<void> {
    this.watchdog.sign()
    this.commits.learn(payload)
    this.drain.learnHeartbeat(payload)
    await this.reader.eachBatch(payload)
  }

  onHeartbeat(): void {
    this.watchdog.sign()
  }

  onUnsubscribed(topics: readonly string[]): void {
    this.unread = topics
  }

  passOver(...[place, from, nextOffset, highWatermark]: Parameters<PassOver>): void {
    this.reader.passOver(place, from, nextOffset, highWatermark)
  }

  onJoin({ memberId, memberAssignment }: JoinPayload): void {
    if (this.state === 'ended') return
    // Under another name it is another member: the broker had given it up, and its partitions to others.
    if (memberId !== this.memberId) this.lose()
    this.memberId = memberId
    this.certainty.begin()
    this.drain.learnGeneration(this.generation)
    const places = Object.entries(memberAssignment).flatMap(([topic, partitions]) =>
      partitions.map((partition) => ({ topic, partition })),
    )
    this.held = { places, generation: this.generation }
    this.gate = this.begin(places, this.joins)
    this.gate.catch((error) => this.onCrash(error))
  }

  /** Fetching waits for this, so that KafkaJS never fetches from a place that is not in the log. */
  private async begin(places: readonly TopicPartition[], join: number): Promise<void> {
    // Before the committed offsets are asked for: until then another may commit.
    await this.persist(() => this.host.producers.take(places))
    const partitions = await this.persist(() => this.host.admin.ask((admin) => startOf(admin, this.options, places)))
    if (this.state === 'ended' || join !== this.joins) return
    this.reader.assign(partitions)
    this.state = 'reading'
    this.told = places
    this.host.joined()
    this.handler.assigned(partitions)
    this.tellUnread()
    if (this.state === 'reading') this.reader.open()
  }

  private tellUnread(): void {
    if (this.unread.length > 0) this.handler.trouble(new UnreadTopicsError(this.options.groupId, this.unread))
    this.unread = []
  }

  private async settle(coordinator: CoordinatorClient): Promise<void> {
    if (this.told.length === 0 || this.memberId === undefined) return
    await this.drain.run(coordinator, this.nameOf(this.memberId), (done) => this.handler.revoking(this.told, done))
    await this.commits.settled()
  }

  private confirmed(): void {
    if (this.state === 'reading') this.handler.confirmed()
  }

  private persist<T>(question: () => Promise<T>): Promise<T> {
    const { sessionTimeout } = this.options
    return persist(question, this.host.clock, sessionTimeout, () => this.isEnded)
  }

  private nameOf(memberId: string): MemberName {
    return { groupId: this.options.groupId, memberId }
  }

  private refusalOf(offsets: readonly Position[]): CommitError | null {
    if (this.state === 'joining') return new CommitError('rebalancing', 'Cannot commit offsets: the group rebalances')
    const isOurs = this.state !== 'ended' && offsets.every((position) => this.reader.owns(position))
    return isOurs ? null : new CommitError('fenced', 'Cannot commit offsets: the partitions are no longer assigned')
  }

  private committed(error: CommitError | null, done: (error: CommitError | null) => void): void {
    done(error)
    if (error?.kind === 'fenced' && this.state === 'revoking') this.lose()
  }

  /** The membership is gone: whoever drains for it drains in vain. */
  private lose(): void {
    const lost = this.told
    this.told = []
    this.held = NOTHING_OWNED
    this.reader.assign([])
    this.host.producers.end()
    if (lost.length > 0) this.handler.lost(lost)
    this.drain.giveUp()
  }

  onCrash(error: unknown): void {
    if (this.state === 'ended') return
    this.finish()
    this.commits.giveUp()
    this.session.close().catch(() => {})
    this.host.ended(error, this.told)
  }

  private finish(): void {
    this.state = 'ended'
    this.watchdog.end()
    this.reader.close()
    this.drain.giveUp()
  }

  private expectAlive(): void {
    if (this.state === 'ended') throw new Ended()
  }
}

function silentError(ms: number): TransientError {
  return new TransientError(`The consumer gave no sign of life for ${ms} ms; it is replaced by a new one`)
}
