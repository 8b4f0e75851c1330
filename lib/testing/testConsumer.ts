import type { CommitPosition, Consumer, Position, TopicPartition, TransactionalProducer } from '../broker.ts'
import type { Clock } from '../clock.ts'
import { CommitError } from '../errors.ts'
import type { CommitAttempt } from '../memory/memoryConsumer.ts'
import type { Journal } from './journal.ts'
import { TestProducer, type TestProducerOwner } from './testProducer.ts'

/** The broker that a test's consumer is one of. */
export interface TestConsumerHost {
  readonly clock: Clock
  readonly journal: Journal
  readonly commits: readonly CommitAttempt[]
}

/** A member of a group in a process that can crash: from then on nothing it says reaches the broker. */
export class TestConsumer implements Consumer, TestProducerOwner {
  readonly groupId: string
  private readonly host: TestConsumerHost
  private readonly consumer: Consumer
  isDead = false

  constructor(groupId: string, host: TestConsumerHost, consumer: Consumer) {
    this.groupId = groupId
    this.host = host
    this.consumer = consumer
  }

  get clock(): Clock {
    return this.host.clock
  }

  get journal(): Journal {
    return this.host.journal
  }

  get isCertain(): boolean {
    return this.consumer.isCertain
  }

  /** The process is gone, without a word; the group notices at once, rather than after the session. */
  kill(): void {
    this.isDead = true
    this.consumer.leave(() => {})
  }

  commit(offsets: readonly CommitPosition[], done: (error: CommitError | null) => void): void {
    const { groupId, host } = this
    if (this.isDead) {
      host.clock.schedule(() => done(new CommitError('fenced', `Cannot commit for group ${groupId}: it crashed`)))
      return
    }
    this.noting(offsets, () => this.consumer.commit(offsets, done))
  }

  producerOf(partition: TopicPartition): TransactionalProducer {
    const producer = (this.consumer as Required<Consumer>).producerOf(partition)
    return new TestProducer(this, partition, producer)
  }

  noting(places: readonly Position[], commit: () => void): void {
    const { commits, journal } = this.host
    const before = commits.length
    commit()
    if (commits.length === before || commits.at(-1)?.error !== null) return
    for (const place of places) journal.add({ kind: 'committed', groupId: this.groupId, place })
  }

  pause(partition: TopicPartition): void {
    this.note('paused', partition)
    if (!this.isDead) this.consumer.pause(partition)
  }

  resume(partition: TopicPartition): void {
    this.note('resumed', partition)
    if (!this.isDead) this.consumer.resume(partition)
  }

  seek(position: Position): void {
    if (!this.isDead) this.consumer.seek(position)
  }

  leave(done: () => void): void {
    if (this.isDead) this.host.clock.schedule(done)
    else this.consumer.leave(done)
  }

  private note(kind: 'paused' | 'resumed', { topic, partition }: TopicPartition): void {
    const { groupId } = this
    if (!this.isDead) this.host.journal.add({ kind, groupId, place: { topic, partition, offset: 0 } })
  }
}
