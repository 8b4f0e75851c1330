import type { AssignedPartition, Consumer, ConsumerHandler, Position, TopicPartition } from '../../../lib/broker.ts'

/** Who hears what a restless handler does. */
export interface RestlessWatch {
  /** It has what is assigned from now on. */
  begins(): void
  /** It is done with all messages before this offset. */
  does(partition: number, offset: number): void
  ends(): void
}

/** A handler that commits whenever it is told to, rightly or not: what the engine would never ask for, the adapter has to refuse. */
export class Restless implements ConsumerHandler {
  isHeld = false
  private readonly watch: RestlessWatch
  private readonly positions = new Map<number, number>()
  private consumer: Consumer | undefined
  private isCommitting = false
  private revoked: (() => void)[] = []

  constructor(watch: RestlessWatch) {
    this.watch = watch
  }

  reads(consumer: Consumer): void {
    this.consumer = consumer
  }

  assigned(partitions: readonly AssignedPartition[]): void {
    this.watch.begins()
    this.positions.clear()
    for (const { partition, position } of partitions) this.positions.set(partition, position)
  }

  batch({ partition }: TopicPartition, _messages: unknown, nextOffset: number): void {
    this.positions.set(partition, nextOffset)
    this.watch.does(partition, nextOffset)
  }

  revoking(_partitions: unknown, done: () => void): void {
    this.revoked.push(done)
  }

  /** Keeps what it had: it would commit that still. */
  lost(): void {}
  outOfRange(): void {}
  trouble(): void {}
  confirmed(): void {}

  failed(): void {
    this.watch.ends()
  }

  commit(): void {
    if (this.isCommitting || this.positions.size === 0) return
    const offsets = [...this.positions].map(
      ([partition, offset]): Position => ({ topic: 'numbers', partition, offset }),
    )
    this.isCommitting = true
    this.consumer?.commit(offsets, () => {
      this.isCommitting = false
    })
  }

  /** Lets the rebalance go on. */
  letGo(): void {
    for (const done of this.revoked.splice(0)) done()
  }

  leave(): void {
    this.consumer?.leave(() => this.watch.ends())
  }
}
