import type {
  AssignedPartition,
  Consumer,
  ConsumerHandler,
  OutgoingMessage,
  Position,
  RawMessage,
  TopicPartition,
} from '../../../lib/broker.ts'
import { CommitError } from '../../../lib/errors.ts'
import type { ModelLog } from './modelLog.ts'

export const TOPIC = 'numbers'

/** Who looks at every call of the engine. */
export interface Judge {
  commits(offsets: readonly Position[]): void
  /** The engine is about to hear that a commit of this membership was taken. */
  confirms(offsets: readonly Position[]): void
  seeks(position: Position): void
  pauses(partition: number, isPaused: boolean): void
  leaves(): void
  /** The rebalance may go on. */
  letsGo(): void
  fails(text: string): never
}

/** A commit on its way: sent, then arrived at the broker, then answered. */
interface PendingCommit {
  readonly offsets: readonly Position[]
  readonly done: (error: CommitError | null) => void
  readonly generation: number
  /** What the broker said, once it has arrived. */
  verdict: 'taken' | 'fenced' | undefined
}

/** What the broker says of a commit, and whether its word arrives. */
export const ANSWERS = ['answered', 'not sent', 'answer lost', 'rebalancing', 'fenced', 'fatal'] as const
export type Answer = (typeof ANSWERS)[number]

/** One membership of a group, as an adapter shows it to the engine: does and answers only what it is told. */
export class ModelMember implements Consumer {
  readonly isCertain = true
  phase: 'outside' | 'assigned' | 'revoking' | 'joining' | 'left' = 'outside'
  pending: PendingCommit | undefined
  readonly sends: { readonly message: OutgoingMessage; readonly done: (error: Error | null) => void }[] = []
  /** Whether the broker has given the member up, of which it was not told yet. */
  isExpelled = false
  private generation = 0
  private readonly handler: ConsumerHandler
  private readonly logs: readonly ModelLog[]
  private readonly judge: Judge
  private left: (() => void) | undefined

  constructor(handler: ConsumerHandler, logs: readonly ModelLog[], judge: Judge) {
    this.handler = handler
    this.logs = logs
    this.judge = judge
  }

  // What the engine asks for

  commit(offsets: readonly Position[], done: (error: CommitError | null) => void): void {
    if (this.pending !== undefined) this.judge.fails('I6: it sends a commit while another is under way')
    if (this.phase !== 'assigned' && this.phase !== 'revoking')
      this.judge.fails(`I5: it sends a commit while it is ${this.phase}`)
    this.judge.commits(offsets)
    this.pending = { offsets, done, generation: this.generation, verdict: undefined }
  }

  pause({ partition }: TopicPartition): void {
    this.judge.pauses(partition, true)
    this.log(partition).isPaused = true
  }

  resume({ partition }: TopicPartition): void {
    this.judge.pauses(partition, false)
    this.log(partition).isPaused = false
  }

  seek(position: Position): void {
    this.judge.seeks(position)
    this.log(position.partition).position = position.offset
  }

  leave(done: () => void): void {
    if (this.phase === 'left') this.judge.fails('it leaves twice')
    this.judge.leaves()
    this.phase = 'left'
    this.left = done
  }

  send(messages: readonly OutgoingMessage[], done: (error: Error | null) => void): void {
    const [message] = messages
    if (message !== undefined) this.sends.push({ message, done })
  }

  // What the broker does

  assign(partitions: readonly number[]): void {
    this.generation++
    this.phase = 'assigned'
    this.isExpelled = false
    const assigned = partitions.map((partition): AssignedPartition => {
      const log = this.log(partition)
      log.position = Math.max(log.committed ?? 0, log.start)
      log.isPaused = false
      const { position, committed, start, end } = log
      return { topic: TOPIC, partition, committed, position, highWatermark: end, logStart: start }
    })
    this.handler.assigned(assigned)
  }

  /** Fetches; `back` messages once more, as a second fetcher does while the leader moves. */
  fetch(partition: number, count: number, back = 0): { offsets: number[]; nextOffset: number } {
    const log = this.log(partition)
    const { offsets, nextOffset } = log.read(Math.max(log.start, log.position - back), count)
    log.position = Math.max(log.position, nextOffset)
    return { offsets, nextOffset }
  }

  deliver(partition: number, messages: readonly RawMessage[], nextOffset: number): void {
    this.handler.batch({ topic: TOPIC, partition }, messages, nextOffset, this.log(partition).end)
  }

  revoke(partitions: readonly number[]): void {
    this.phase = 'revoking'
    const { generation } = this
    this.handler.revoking(partitions.map(placeOf), () => {
      if (this.phase !== 'revoking' || generation !== this.generation) return
      this.judge.letsGo()
      this.phase = 'joining'
    })
  }

  lose(partitions: readonly number[]): void {
    this.phase = 'outside'
    this.generation++
    this.handler.lost(partitions.map(placeOf))
  }

  fail(error: Error): void {
    this.phase = 'left'
    this.handler.failed(error)
  }

  /** The commit under way arrives at the broker, which takes it of a member alone. */
  arrive(): void {
    const { pending } = this
    if (pending === undefined || pending.verdict !== undefined) return
    const isMember = pending.generation === this.generation && !this.isExpelled && this.phase !== 'left'
    pending.verdict = isMember ? 'taken' : 'fenced'
    if (isMember) for (const { partition, offset } of pending.offsets) this.log(partition).committed = offset
  }

  /** Answers the commit under way. */
  answer(how: Answer): void {
    const { pending } = this
    if (pending === undefined) return
    if (how === 'answered' || how === 'answer lost') this.arrive()
    this.pending = undefined
    const kind = this.kindOf(pending, how)
    if (kind === 'fenced') this.isExpelled = true
    if (kind === null && pending.generation === this.generation) this.judge.confirms(pending.offsets)
    pending.done(kind === null ? null : new CommitError(kind, `${kind}, as told`))
  }

  answerLeave(): void {
    const { left } = this
    this.left = undefined
    left?.()
  }

  private kindOf({ verdict }: PendingCommit, how: Answer): CommitError['kind'] | null {
    if (verdict === 'fenced' || how === 'fenced') return 'fenced'
    if (verdict === 'taken') return how === 'answered' ? null : 'retriable'
    return how === 'rebalancing' || how === 'fatal' ? how : 'retriable'
  }

  private log(partition: number): ModelLog {
    return this.logs[partition] as ModelLog
  }
}

function placeOf(partition: number): TopicPartition {
  return { topic: TOPIC, partition }
}
