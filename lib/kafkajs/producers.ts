import type { AssignedPartition, ConsumeOptions, TopicPartition } from '../broker.ts'
import { transactionalId } from '../transactionalId.ts'
import type { ConsumerHost } from './consumer.ts'
import { PartitionProducer, type PartitionProducerHost } from './partitionProducer.ts'
import { startOf } from './positions.ts'
import type { TransactionsConfig } from './transactions.ts'

/** The transactional producers of one consumer, one for each partition that it has. */
export class Producers implements PartitionProducerHost {
  private readonly host: ConsumerHost
  private readonly options: ConsumeOptions
  private readonly all = new Map<string, PartitionProducer>()

  constructor(host: ConsumerHost, options: ConsumeOptions) {
    this.host = host
    this.options = options
  }

  get groupId(): string {
    return this.options.groupId
  }

  of(place: TopicPartition): PartitionProducer {
    const producer = this.all.get(transactionalId(this.options, place))
    if (producer === undefined)
      throw new Error(`Cannot send for ${place.topic}[${place.partition}]: it is not assigned`)
    return producer
  }

  /** Has one for each partition of an assignment, and takes the place of those that other members had. */
  async take(places: readonly TopicPartition[]): Promise<void> {
    if (this.options.transaction === undefined) return
    const ids = new Set(places.map((place) => transactionalId(this.options, place)))
    for (const [id, producer] of this.all) if (!ids.has(id)) this.endOne(id, producer)
    await Promise.all(places.map((place) => this.beginOne(place)))
  }

  /** The partitions are gone. */
  async end(): Promise<void> {
    await Promise.all([...this.all].map(([id, producer]) => this.endOne(id, producer)))
  }

  configOf(place: TopicPartition): TransactionsConfig {
    const { kafka, clock, createPartitioner } = this.host
    const timeout = this.options.transaction?.timeout ?? 0
    return { kafka, clock, createPartitioner, timeout, transactionalId: transactionalId(this.options, place) }
  }

  async startOf(place: TopicPartition): Promise<AssignedPartition> {
    const [start] = await this.host.admin.ask((admin) => startOf(admin, this.options, [place]))
    return start as AssignedPartition
  }

  private beginOne(place: TopicPartition): Promise<void> {
    const id = transactionalId(this.options, place)
    const former = this.all.get(id)
    const producer = new PartitionProducer(this, place)
    this.all.set(id, producer)
    return producer.begin(former)
  }

  private endOne(id: string, producer: PartitionProducer): Promise<void> {
    this.all.delete(id)
    return producer.end()
  }
}
