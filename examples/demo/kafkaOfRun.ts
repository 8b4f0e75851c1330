import { type Admin, type EachBatchPayload, Kafka, logLevel } from 'kafkajs'
import { topics } from './pipelines.ts'
import { PARTITIONS, type StoredMessage } from './servers.ts'
import { storedMessage } from './storedMessage.ts'
import type { Undo } from './undo.ts'

/** The topics of one run on a real Kafka, looked at with KafkaJS alone. */
export class KafkaOfRun {
  readonly kafka: Kafka
  private readonly admin: Admin
  private readonly prefix: string
  private readonly reads = new Map<string, Promise<readonly StoredMessage[]>>()

  private constructor(kafka: Kafka, prefix: string) {
    this.kafka = kafka
    this.admin = kafka.admin()
    this.prefix = prefix
  }

  /** Makes the topics. */
  static async create(brokers: readonly string[], prefix: string, undo: Undo): Promise<KafkaOfRun> {
    const kafka = new Kafka({ clientId: 'rkt-demo', brokers: [...brokers], logLevel: logLevel.NOTHING })
    const one = new KafkaOfRun(kafka, prefix)
    undo.add('disconnect from Kafka', () => one.admin.disconnect())
    await one.admin.connect()
    undo.add(`delete the topics and groups ${prefix}*`, () => one.delete())
    await one.admin.createTopics({
      topics: topics.map((topic) => ({ topic: prefix + topic, numPartitions: PARTITIONS, replicationFactor: 1 })),
      waitForLeaders: true,
    })
    return one
  }

  async endOffsets(topic: string): Promise<ReadonlyMap<number, number>> {
    const offsets = await this.admin.fetchTopicOffsets(topic)
    return new Map(offsets.map(({ partition, high }) => [partition, Number(high)]))
  }

  async committed(groupId: string, topic: string): Promise<ReadonlyMap<number, number>> {
    const [fetched] = await this.admin.fetchOffsets({ groupId, topics: [topic] })
    return new Map((fetched?.partitions ?? []).map(({ partition, offset }) => [partition, Number(offset)]))
  }

  /** Reads a topic from its beginning to its end, once: when the demo looks, nothing is produced any more. */
  read(topic: string): Promise<readonly StoredMessage[]> {
    const known = this.reads.get(topic) ?? this.readAll(topic)
    this.reads.set(topic, known)
    return known
  }

  private async readAll(topic: string): Promise<readonly StoredMessage[]> {
    const left = new Map([...(await this.endOffsets(topic))].filter(([, end]) => end > 0))
    const messages: StoredMessage[] = []
    if (left.size === 0) return messages
    const consumer = this.kafka.consumer({ groupId: `${topic}-reader`, maxWaitTimeInMs: 100 })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await new Promise<void>((resolve, reject) => {
      const eachBatch = async ({ batch }: EachBatchPayload) => {
        messages.push(...batch.messages.map(storedMessage))
        if (Number(batch.lastOffset()) + 1 >= (left.get(batch.partition) ?? 0)) left.delete(batch.partition)
        if (left.size === 0) resolve()
      }
      consumer.run({ autoCommit: false, eachBatch }).catch(reject)
    }).finally(() => consumer.disconnect())
    return messages
  }

  private async delete(): Promise<void> {
    await this.admin.deleteTopics({ topics: topics.map((topic) => this.prefix + topic) })
    const { groups } = await this.admin.listGroups()
    const groupIds = groups.map(({ groupId }) => groupId).filter((groupId) => groupId.startsWith(this.prefix))
    if (groupIds.length > 0) await this.admin.deleteGroups(groupIds)
  }
}
