import { Barrier, type BarrierHost } from './barrier.ts'
import type { AssignedPartition, Consumer, Position } from './broker.ts'
import type { Clock } from './clock.ts'
import type { Committing } from './commit.ts'
import type { Delivery } from './delivery.ts'
import { FatalError } from './errors.ts'
import type { Partition } from './partition.ts'
import type { Transaction } from './transaction.ts'

/** Commits in transactions, each partition for itself. */
export class Barriers<A> implements Committing, BarrierHost {
  readonly clock: Clock
  readonly commitInterval: number
  private readonly delivery: Delivery<A>
  private readonly consumer: Consumer
  private readonly transaction: Transaction

  constructor(delivery: Delivery<A>, consumer: Consumer, transaction: Transaction) {
    this.delivery = delivery
    this.consumer = consumer
    this.transaction = transaction
    this.clock = delivery.clock
    this.commitInterval = delivery.commitInterval
  }

  barrierOf(partition: Partition<unknown>): Barrier {
    const producer = this.consumer.producerOf?.(partition)
    if (producer === undefined) throw new FatalError('Cannot commit with a transaction: this broker knows none')
    return new Barrier(this, partition, producer, this.transaction)
  }

  touch(): void {
    for (const barrier of this.all()) barrier.touch()
  }

  touchIfDue(): void {
    this.touch()
  }

  idle(): void {}

  flush(done: () => void): void {
    const all = [...this.all()]
    let open = all.length + 1
    const countDown = () => {
      if (--open === 0) done()
    }
    for (const barrier of all) barrier.flush(countDown)
    countDown()
  }

  suspend(): void {}

  resume(): void {}

  forget(): void {}

  // For each barrier

  get isHalted(): boolean {
    return this.delivery.isHalted
  }

  random(): number {
    return this.delivery.host.broker.random()
  }

  wake(): void {
    this.delivery.emission.wake()
  }

  committedOne(position: Position): void {
    const { counts, host, groupId } = this.delivery
    counts.commits++
    host.tell({ type: 'committed', groupId, offsets: [position] })
    this.delivery.checkSettled()
  }

  ended(): void {
    this.delivery.ended()
  }

  renewed(assigned: AssignedPartition): void {
    this.delivery.repeat(assigned)
  }

  trouble(error: Error): void {
    this.delivery.host.trouble(error)
  }

  drain(failure: Error): void {
    this.delivery.host.drain(failure)
  }

  private *all(): Iterable<Barrier> {
    for (const { barrier } of this.delivery.assignment) if (barrier !== undefined) yield barrier
  }
}
