import type { AssignedPartition, OutgoingMessage, SendDone, TopicPartition, TransactionalProducer } from '../broker.ts'
import type { Clock } from '../clock.ts'
import { TransientError } from '../errors.ts'
import type { Journal } from './journal.ts'

/** The consumer that a producer works for. */
export interface TestProducerOwner {
  readonly groupId: string
  readonly isDead: boolean
  readonly clock: Clock
  readonly journal: Journal
  /** Does a commit, and notes it if the broker has taken it. */
  noting(places: readonly (TopicPartition & { readonly offset: number })[], commit: () => void): void
}

/** The producer of a partition's transactions, in a process that can crash: what it has open then stays open. */
export class TestProducer implements TransactionalProducer {
  private readonly owner: TestProducerOwner
  private readonly place: TopicPartition
  private readonly producer: TransactionalProducer

  constructor(owner: TestProducerOwner, place: TopicPartition, producer: TransactionalProducer) {
    this.owner = owner
    this.place = place
    this.producer = producer
  }

  send(messages: readonly OutgoingMessage[], done: SendDone): void {
    if (this.owner.isDead) return this.later(() => done(CRASHED, new Map()))
    this.producer.send(messages, (error, refused) => {
      const written = error === null ? messages.filter((message) => !refused.has(message)) : []
      for (const message of written) this.owner.journal.add({ kind: 'sent', groupId: '', message })
      done(error, refused)
    })
  }

  commit(offset: number, done: (error: Error | null) => void): void {
    if (this.owner.isDead) return this.later(() => done(CRASHED))
    this.owner.noting([{ ...this.place, offset }], () => this.producer.commit(offset, done))
  }

  abort(done: () => void): void {
    if (this.owner.isDead) this.later(done)
    else this.producer.abort(done)
  }

  renew(done: (answer: AssignedPartition | Error) => void): void {
    if (this.owner.isDead) this.later(() => done(CRASHED))
    else this.producer.renew(done)
  }

  private later(work: () => void): void {
    this.owner.clock.schedule(work)
  }
}

const CRASHED = new TransientError('Cannot go on with a transaction: the process has crashed')
