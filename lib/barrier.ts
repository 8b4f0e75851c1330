import { backoff } from './backoff.ts'
import type {
  AssignedPartition,
  OutgoingMessage,
  Position,
  SendDone,
  SendOptions,
  TransactionalProducer,
} from './broker.ts'
import type { Clock, Timer } from './clock.ts'
import { errorClassOf, TransientError } from './errors.ts'
import type { Outlet } from './message.ts'
import type { Partition } from './partition.ts'
import type { Transaction } from './transaction.ts'

/** Whom a barrier works for. */
export interface BarrierHost {
  readonly clock: Clock
  /** ms from the first delivery of a transaction until it takes no more. */
  readonly commitInterval: number
  /** Whether nothing is delivered now. */
  readonly isHalted: boolean
  random(): number
  /** Something can be delivered that could not before. */
  wake(): void
  /** The broker has taken an offset. */
  committedOne(place: Position): void
  /** Partitions have ended before their assignment: their messages come again. */
  ended(): void
  /** A partition goes on there, as in another assignment. */
  renewed(assigned: AssignedPartition): void
  trouble(error: Error): void
  drain(failure: Error): void
}

/**
 * Cuts what a partition delivers into transactions: lets so many out, waits until all of them are settled, commits what
 * was sent together with the offset, and goes on.
 *
 *     delivered   abc------def---
 *     settled     --c-a-b----f-de
 *     committed   ------[3]------[6]
 *
 * After a failure nobody knows what is open or committed: the partition ends, the producer takes its own place, and
 * reading goes on at the committed offset as in another assignment.
 */
export class Barrier implements Outlet {
  readonly transaction: Transaction
  /** Messages delivered in transactions that are committed. */
  committedCount = 0
  /** When it has failed, how often those were delivered that were delivered again before, by offset. */
  attempts: ReadonlyMap<number, number> = new Map()
  private readonly host: BarrierHost
  private readonly partition: Partition<unknown>
  private readonly producer: TransactionalProducer
  private state: 'open' | 'committing' | 'failed' | 'ended' = 'open'
  /** Whether something was sent since the last commit. */
  private isUsed = false
  /** Whether nobody knows what was sent. */
  private isInDoubt = false
  /** Whether another has taken its place. */
  private isRetired = false
  private timer: Timer | undefined
  /** Those that wait for the commit under way. */
  private waiting: (() => void)[] = []
  /** How often it has failed since the last commit, and where reading was told to go on meanwhile. */
  private failures = 0
  private sought: number | undefined

  constructor(
    host: BarrierHost,
    partition: Partition<unknown>,
    producer: TransactionalProducer,
    transaction: Transaction,
  ) {
    this.host = host
    this.partition = partition
    this.producer = producer
    this.transaction = transaction
    this.open()
  }

  /** Takes the place of one that failed, or of one that was read elsewhere. */
  follow({ failures, sought }: Barrier, offset = sought): void {
    this.failures = failures
    this.sought = offset
  }

  /** Whether all that was delivered is committed. */
  get isClean(): boolean {
    const { tracker, commits } = this.partition
    return this.state === 'open' && tracker.isSettled && !commits.isDirty && !this.isUsed
  }

  send(messages: readonly OutgoingMessage[], done: SendDone, options: SendOptions = {}): void {
    if (this.state === 'failed' || this.state === 'ended')
      return void this.host.clock.schedule(() => done(GONE, NONE), 0)
    this.isUsed = true
    const told: SendDone = (error, refused) => {
      if (error !== null) this.breakOff(error)
      done(error, refused)
    }
    this.producer.send(messages, told, options)
  }

  fail(error: Error): void {
    this.isInDoubt = true
    // When the whole pipe is being torn down that is as it should be, and we hear of it in a moment.
    this.host.clock.schedule(() => this.breakOff(error), 0)
  }

  /** Something was delivered, or fetched. */
  touch(): void {
    if (this.state !== 'open' || this.isClean) return
    this.timer ??= this.host.clock.schedule(() => this.cut(), this.host.commitInterval)
    this.look()
  }

  /** Commits when all is settled and nothing more comes into the transaction. */
  look(): void {
    if (this.state !== 'open' || this.isInDoubt || !this.partition.tracker.isSettled || this.isClean) return
    // Of what is sent others wait to see it; an offset alone has time.
    if (this.isCut || (this.isUsed && !this.hasMore)) this.commit()
  }

  /** Commits what is settled or else takes it back, for good. */
  flush(done: () => void): void {
    if (this.state === 'committing') return void this.waiting.push(done)
    const { isClean } = this
    if (this.state === 'failed' || isClean) {
      this.stop('ended')
      return done()
    }
    if (this.state === 'ended') return done()
    this.waiting.push(done)
    if (this.partition.tracker.isSettled && !this.isInDoubt) this.commit()
    else this.takeBack()
  }

  /** The assignment has ended, and with it the partition. */
  end(): void {
    this.isRetired = true
    const isOpen = this.state === 'open' && this.isUsed
    if (this.state !== 'committing') this.stop('ended')
    if (isOpen) this.producer.abort(() => {})
  }

  private get isCut(): boolean {
    return this.partition.limit <= this.partition.tracker.delivered
  }

  private get hasMore(): boolean {
    return !this.host.isHalted && this.partition.feed.hasNext
  }

  private open(): void {
    const { partition } = this
    this.state = 'open'
    partition.limit = partition.tracker.delivered + this.transaction.max
  }

  private cut(): void {
    this.timer = undefined
    if (this.isClean) return
    this.partition.limit = this.partition.tracker.delivered
    this.look()
  }

  private commit(): void {
    this.stop('committing')
    this.isUsed = false
    const { partition } = this
    const { offset } = partition.commits.toCommit()
    this.producer.commit(offset, (error) => {
      if (error !== null) return this.failToCommit(error)
      this.failures = 0
      this.sought = undefined
      this.committedCount = partition.tracker.delivered
      partition.commits.confirm(offset)
      if (this.waiting.length > 0 || partition.isEnded) this.state = 'ended'
      else this.open()
      this.host.committedOne({ topic: partition.topic, partition: partition.partition, offset })
      this.tell()
      this.host.wake()
    })
  }

  private failToCommit(error: Error): void {
    this.breakOff(error)
    // No message ends the stream for it.
    if (errorClassOf(error) === 'fatal') this.host.drain(error)
  }

  private takeBack(): void {
    this.stop('ended')
    this.partition.end()
    this.host.ended()
    this.producer.abort(() => this.tell())
  }

  private breakOff(error: Error): void {
    if (this.state === 'failed' || this.state === 'ended') return
    const isWaitedFor = this.waiting.length > 0
    this.stop(this.isRetired ? 'ended' : 'failed')
    // A fatal error ends the stream, by whoever sent it.
    if (this.isRetired || errorClassOf(error) === 'fatal') return this.tell()
    this.attempts = this.partition.tracker.openAttempts
    this.partition.end()
    this.host.trouble(error)
    this.host.ended()
    if (isWaitedFor) this.tell()
    else this.renewLater()
  }

  private renewLater(): void {
    const wait = backoff({}, ++this.failures, () => this.host.random())
    this.timer = this.host.clock.schedule(() => this.renew(), wait)
  }

  private renew(): void {
    this.timer = undefined
    this.producer.renew((answer) => {
      if (this.state !== 'failed') return
      if (!(answer instanceof Error)) {
        this.state = 'ended'
        return this.host.renewed({ ...answer, position: this.sought ?? answer.position })
      }
      if (errorClassOf(answer) === 'fatal') return this.host.drain(answer)
      this.host.trouble(answer)
      this.renewLater()
    })
  }

  /** Delivers nothing more in this state. */
  private stop(state: 'committing' | 'failed' | 'ended'): void {
    this.timer?.unsubscribe()
    this.timer = undefined
    this.state = state
    this.partition.limit = this.partition.tracker.delivered
  }

  private tell(): void {
    const { waiting } = this
    this.waiting = []
    for (const done of waiting) done()
  }
}

const NONE: ReadonlyMap<OutgoingMessage, Error> = new Map()
const GONE = new TransientError('The transaction has ended; its messages are delivered again')
