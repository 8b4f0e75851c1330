import { randomBytes } from 'node:crypto'
import { type Admin, Kafka, type KafkaConfig, logLevel } from 'kafkajs'
import { connectionSettings } from '../../../services/defaults.ts'

/** A client of the real Kafka, as an application would make one. */
export function kafkaClient(options: Partial<KafkaConfig> = {}): Kafka {
  return new Kafka({
    clientId: 'spec',
    brokers: [...connectionSettings().kafkaBrokers],
    logLevel: logLevel.NOTHING,
    ...options,
  })
}

/** Settings of a topic by their names, such as `max.message.bytes`. */
type TopicSettings = Readonly<Record<string, string>>

/** Topics and groups of one spec file, looked at past the broker under test and deleted at the end. */
export class RealKafka {
  readonly kafka: Kafka
  readonly admin: Admin
  private readonly topics: string[] = []
  private readonly run = randomBytes(4).toString('hex')
  private names = 0

  private constructor(kafka: Kafka) {
    this.kafka = kafka
    this.admin = kafka.admin()
  }

  static async connect(kafka: Kafka = kafkaClient()): Promise<RealKafka> {
    const real = new RealKafka(kafka)
    await real.admin.connect()
    return real
  }

  uniqueName(prefix: string): string {
    return `${prefix}-${this.run}-${++this.names}`
  }

  async createTopic(topic: string, numPartitions: number, settings?: TopicSettings): Promise<void> {
    await this.make(topic, numPartitions, settings)
    this.topics.push(topic)
    // Waiting ourselves: KafkaJS's own wait fails when the broker has not heard of the topic yet, and ends when leaders are
    // named; a leader that does not serve yet would have a part of the first send refused, and KafkaJS repeat the whole.
    const isThere = () =>
      this.endOffsets(topic).then(
        (ends) => ends.size === numPartitions,
        () => false,
      )
    await this.until(isThere)
  }

  /** Deletes a partition's messages before an offset. */
  async deleteRecords(topic: string, partition: number, before: number): Promise<void> {
    await this.admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(before) }] })
  }

  /** Deletes a topic and creates it again at once. */
  async recreateTopic(topic: string): Promise<void> {
    const { size } = await this.endOffsets(topic)
    await this.admin.deleteTopics({ topics: [topic] })
    // The name is free a moment later.
    const isMade = () => this.make(topic, size).then(Boolean, () => false)
    await this.until(isMade)
  }

  private make(topic: string, numPartitions: number, settings: TopicSettings = {}): Promise<boolean> {
    const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }))
    const wanted = { topic, numPartitions, replicationFactor: 1, configEntries }
    return this.admin.createTopics({ topics: [wanted], waitForLeaders: false })
  }

  /** A new topic's name. Its settings hold from the beginning: a change of them is answered before the broker has it. */
  async topic(partitions: number, settings?: TopicSettings): Promise<string> {
    const topic = this.uniqueName('spec')
    await this.createTopic(topic, partitions, settings)
    return topic
  }

  async committed(groupId: string, topic: string): Promise<ReadonlyMap<number, number>> {
    const [fetched] = await this.admin.fetchOffsets({ groupId, topics: [topic] })
    const offsets = (fetched?.partitions ?? []).map(({ partition, offset }) => [partition, Number(offset)] as const)
    return new Map(offsets.filter(([, offset]) => offset !== -1).sort(([a], [b]) => a - b))
  }

  async endOffsets(topic: string): Promise<ReadonlyMap<number, number>> {
    const ends = await this.admin.fetchTopicOffsets(topic)
    return new Map(ends.map(({ partition, high }) => [partition, Number(high)] as const).sort(([a], [b]) => a - b))
  }

  /** Polls until the condition holds. */
  async until(condition: () => boolean | Promise<boolean>, ms = 20_000): Promise<void> {
    const end = Date.now() + ms
    while (!(await condition())) {
      if (Date.now() > end) throw new Error(`Gave up waiting after ${ms} ms for ${condition}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  async close(): Promise<void> {
    const { groups } = await this.admin.listGroups()
    const ours = groups.map(({ groupId }) => groupId).filter((groupId) => groupId.includes(this.run))
    // A group whose last member is about to leave is not empty yet; the broker forgets it by itself.
    await this.admin.deleteGroups(ours).catch(() => {})
    if (this.topics.length > 0) await this.admin.deleteTopics({ topics: this.topics })
    await this.admin.disconnect()
  }
}
