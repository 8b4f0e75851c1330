import type {
  AssignedPartition,
  CommitPosition,
  OutgoingMessage,
  SendDone,
  TopicPartition,
  TransactionalProducer,
} from '../broker.ts'
import type { Clock } from '../clock.ts'
import { type CommitError, errorClassOf, TransientError } from '../errors.ts'
import type { MemoryFaults } from './memoryFaults.ts'
import { downError } from './memoryFaults.ts'
import type { MemoryTransactions } from './memoryTransactions.ts'

/** What a producer needs of its broker. */
export interface ProducerHost {
  readonly clock: Clock
  readonly faults: MemoryFaults
  readonly transactions: MemoryTransactions
}

/** The consumer that a producer works for. */
export interface ProducerOwner {
  readonly groupId: string
  /** Keeps an offset, and notes the attempt. */
  commitInTransaction(position: CommitPosition, error: CommitError | null): void
  owns(partition: TopicPartition): boolean
  /** Has the partition read from what is committed; undefined when it is not assigned any more. */
  reset(partition: TopicPartition): AssignedPartition | undefined
}

/** The transactional producer of one partition of a memory broker. */
export class MemoryProducer implements TransactionalProducer {
  private readonly host: ProducerHost
  private readonly owner: ProducerOwner
  private readonly place: TopicPartition
  private readonly id: string
  private readonly timeout: number
  private epoch: number
  private isBroken = false

  /** Takes the place of whoever had the id. */
  constructor(host: ProducerHost, owner: ProducerOwner, place: TopicPartition, id: string, timeout: number) {
    this.host = host
    this.owner = owner
    this.place = place
    this.id = id
    this.timeout = timeout
    this.epoch = host.transactions.take(id)
  }

  send(messages: readonly OutgoingMessage[], done: SendDone): void {
    const refused = new Map<OutgoingMessage, Error>()
    const error = this.refusal ?? this.write(messages, refused)
    if (error !== null) this.isBroken = true
    this.host.clock.schedule(() => done(error, refused), 0)
  }

  commit(offset: number, done: (error: Error | null) => void): void {
    const { host, owner, id, place } = this
    const fault = host.faults.ofCommit(owner.groupId)
    const error = this.refusal ?? fault ?? null
    if (error !== null) this.isBroken = true
    else host.transactions.settle(id, true)
    if (error === null || error === fault) owner.commitInTransaction({ ...place, offset }, fault ?? null)
    const answer = error ?? host.faults.ofAnswer()
    if (answer !== null) this.isBroken = true
    host.clock.schedule(() => done(answer), 0)
  }

  abort(done: () => void): void {
    if (this.isCurrent && !this.host.faults.isDown) this.host.transactions.settle(this.id, false)
    this.host.clock.schedule(done, 0)
  }

  renew(done: (answer: AssignedPartition | Error) => void): void {
    this.host.clock.schedule(() => done(this.renewed()), 0)
  }

  private get isCurrent(): boolean {
    return this.host.transactions.isCurrent(this.id, this.epoch)
  }

  private get refusal(): Error | null {
    if (!this.isCurrent) return this.fencedError
    return this.isBroken ? new TransientError(`Cannot go on with a transaction that has failed: ${this.id}`) : null
  }

  private get fencedError(): TransientError {
    return new TransientError(`Cannot use the transactional id ${this.id}: ${FENCED}`)
  }

  private write(messages: readonly OutgoingMessage[], refused: Map<OutgoingMessage, Error>): Error | null {
    for (const message of messages) {
      try {
        const fault = this.host.faults.ofSend()
        if (fault !== undefined) throw fault
        this.host.transactions.write(this.id, message, this.timeout)
      } catch (error) {
        if (errorClassOf(error) !== 'permanent') return error as Error
        refused.set(message, error as Error)
      }
    }
    return null
  }

  private renewed(): AssignedPartition | Error {
    if (this.host.faults.isDown) return downError(`take the transactional id ${this.id}`)
    // One that was given up must not take the id from its successor.
    if (!this.owner.owns(this.place)) return this.fencedError
    this.epoch = this.host.transactions.take(this.id)
    this.isBroken = false
    return this.owner.reset(this.place) ?? this.fencedError
  }
}

const FENCED = 'another producer has taken it, or its transaction was open for longer than its timeout'
