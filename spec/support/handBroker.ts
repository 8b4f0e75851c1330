import type { TestScheduler } from 'rxjs/testing'
import type {
  AssignedPartition,
  Broker,
  Consumer,
  ConsumerHandler,
  OutgoingMessage,
  Position,
  RawMessage,
} from '../../lib/broker.ts'
import { CommitError } from '../../lib/errors.ts'
import { Members } from '../../lib/members.ts'

/**
 * A broker that does and answers only what a spec tells it to: for orders of events that the memory broker, whose
 * answers come at once, can't have.
 */
export class HandBroker implements Broker, Consumer {
  readonly clock: TestScheduler
  readonly members = new Members()
  /** Every call of the consumer, in order, in words. */
  readonly calls: string[] = []
  handler!: ConsumerHandler
  isCertain = true
  /** The commits that wait for an answer. */
  readonly commits: { offsets: readonly Position[]; done: (error: CommitError | null) => void }[] = []
  /** The sends that wait for an answer. */
  readonly sends: { messages: readonly OutgoingMessage[]; done: (error: Error | null) => void }[] = []
  private left: (() => void) | undefined

  constructor(clock: TestScheduler) {
    this.clock = clock
  }

  random(): number {
    return 0
  }

  consume(_options: unknown, handler: ConsumerHandler): Consumer {
    this.handler = handler
    return this
  }

  send(messages: readonly OutgoingMessage[], done: (error: Error | null) => void): void {
    this.sends.push({ messages, done })
  }

  commit(offsets: readonly Position[], done: (error: CommitError | null) => void): void {
    this.calls.push(`commit ${offsets.map(({ partition, offset }) => `${partition}@${offset}`)}`)
    this.commits.push({ offsets, done })
  }

  pause({ partition }: Position): void {
    this.calls.push(`pause ${partition}`)
  }

  resume({ partition }: Position): void {
    this.calls.push(`resume ${partition}`)
  }

  seek({ partition, offset }: Position): void {
    this.calls.push(`seek ${partition}@${offset}`)
  }

  leave(done: () => void): void {
    this.calls.push('leave')
    this.left = done
  }

  // What a spec tells it to do

  assign(committed: number | null = null, partitions: readonly number[] = [0]): void {
    const position = committed ?? 0
    const assigned = partitions.map((partition): AssignedPartition => {
      return { topic: 'numbers', partition, committed, position, logStart: 0, highWatermark: 1000 }
    })
    this.handler.assigned(assigned)
  }

  /** Delivers the offsets from `first` on, each with its own number as its value. */
  deliver(first: number, count: number, partition = 0): void {
    const messages = Array.from({ length: count }, (_, i): RawMessage => {
      return { offset: first + i, timestamp: 0, key: null, value: Buffer.from(String(first + i)) }
    })
    this.handler.batch({ topic: 'numbers', partition }, messages, first + count, 1000)
  }

  revoke(done: () => void = () => {}): void {
    this.handler.revoking([{ topic: 'numbers', partition: 0 }], done)
  }

  /** Tells that the next offset to read is not in the log. */
  outOfRange(offset: number, logStart: number, highWatermark: number): void {
    this.handler.outOfRange({ topic: 'numbers', partition: 0, offset }, { logStart, highWatermark })
  }

  lose(): void {
    this.handler.lost([{ topic: 'numbers', partition: 0 }])
  }

  answerCommit(kind?: CommitError['kind']): void {
    this.commits.shift()?.done(kind === undefined ? null : new CommitError(kind, `${kind}, as told`))
  }

  answerLeave(): void {
    this.left?.()
  }
}
