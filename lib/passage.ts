import type { Barrier } from './barrier.ts'
import type { Position } from './broker.ts'
import type { Clock } from './clock.ts'
import type { Delivery, DeliveryHost } from './delivery.ts'
import type { Holders } from './holders.ts'
import type { Order } from './lanes.ts'
import type { Message } from './message.ts'
import type { Partition, PartitionHost, Refusal } from './partition.ts'

/** The way of each message: from its partition to the subscriber, and its settlement back to all who wait for it. */
export class Passage<A> implements PartitionHost<A> {
  readonly groupId: string
  readonly clock: Clock
  readonly maxInFlight: number
  readonly holders: Holders
  readonly order: Order
  private readonly delivery: Delivery<A>
  private readonly host: DeliveryHost<A>

  constructor(delivery: Delivery<A>) {
    this.delivery = delivery
    this.host = delivery.host
    this.groupId = delivery.groupId
    this.clock = delivery.clock
    this.maxInFlight = delivery.maxInFlight
    this.holders = delivery.holders
    this.order = delivery.host.options.order
  }

  get keepAcks(): boolean {
    return this.delivery.keepAcks
  }

  random(): number {
    return this.host.broker.random()
  }

  barrierOf(partition: Partition<A>): Barrier | undefined {
    return this.delivery.committer.barrierOf?.(partition)
  }

  decode(topic: string, value: Uint8Array | null): A {
    return this.host.topics.decode(topic, value)
  }

  deliver(message: Message<A>): void {
    this.host.next(message)
  }

  slice(work: () => void): void {
    this.delivery.emission.slice(work)
  }

  onQuiet(flush: () => void): boolean {
    return this.delivery.emission.onQuiet(flush)
  }

  wake(): void {
    this.delivery.emission.wake()
  }

  acked(partition: Partition<A>): void {
    const { emission, backPressure, committer, watch } = this.delivery
    if (partition.feed.backlog > 0 || backPressure.isHeavy) emission.wake()
    // At the end of a slice all this is looked at once, for all its acks.
    if (emission.isBusy) return
    partition.held.release()
    if (partition.barrier === undefined) committer.touch()
    else partition.barrier.look()
    if (!watch.isSoon) watch.acked()
    if (partition.inFlight === 0 || this.holders.isStopped) this.delivery.checkSettled()
  }

  refused(refusal: Refusal<A>): void {
    this.delivery.refusals.add(refusal)
  }

  cameLate(): void {
    this.delivery.counts.late++
  }

  metadataIgnored(place: Position, metadata: string, reason: string): void {
    this.host.tell({ type: 'metadataIgnored', groupId: this.groupId, place, metadata, reason })
  }
}
