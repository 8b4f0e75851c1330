import { type Admin, Kafka, logLevel, type Producer } from 'kafkajs'
import { type Load, totalOf } from './load.ts'
import { messageOf } from './messages.ts'
import { now } from './meter.ts'

/** Bytes of one produce request, about. */
const REQUEST = 600_000
/** How often messages are sent that are due, in ms. */
const BEAT = 5

/** A topic for the runs of a load; it goes, with all groups that read it, when the topics are closed. */
export interface Topic {
  /** Goes before all names that belong to it. */
  readonly prefix: string
  readonly name: string
}

/** The topics of a benchmark, each filled when it is first needed. */
export class Topics {
  readonly brokers: readonly string[]
  private readonly kafka: Kafka
  private readonly admin: Admin
  private readonly producer: Producer
  private readonly say: (line: string) => void
  private readonly filled = new Map<string, Topic>()
  private readonly names = new Set<string>()
  private readonly base = `bench-${process.pid}-${Date.now()}`

  private constructor(broker: string, say: (line: string) => void) {
    this.brokers = [broker]
    // A busy machine takes its time until a new topic has its leaders.
    this.kafka = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING, retry: { retries: 15 } })
    this.admin = this.kafka.admin()
    // A request that is tried again on a busy machine must not write twice.
    this.producer = this.kafka.producer({ idempotent: true })
    this.say = say
  }

  static async open(broker: string, say: (line: string) => void): Promise<Topics> {
    const topics = new Topics(broker, say)
    await topics.admin.connect()
    await topics.producer.connect()
    return topics
  }

  /** A topic that holds all messages of a load; for one that is sent in time, an empty one of its own. */
  async of(load: Load): Promise<Topic> {
    if (load.rate !== undefined) return this.create(load)
    const key = JSON.stringify(load)
    const found = this.filled.get(key)
    if (found !== undefined) return found
    const topic = await this.create(load)
    this.say(`writing ${totalOf(load).toLocaleString('en')} messages to ${topic.name}`)
    await this.fill(topic, load)
    this.filled.set(key, topic)
    return topic
  }

  async createNamed(name: string, partitions: number): Promise<void> {
    this.names.add(name)
    await this.admin.createTopics({ topics: [{ topic: name, numPartitions: partitions }], waitForLeaders: true })
  }

  /** Sends the messages of a load as they fall due, until all are sent or it is aborted. Tells how many were sent. */
  async pace({ name }: Topic, load: Load, signal: AbortSignal, told: (sent: number) => void): Promise<void> {
    const start = now()
    const total = totalOf(load)
    const rate = load.rate as number
    const dueOf = (n: number) => start + (n * 1000) / rate
    const underWay = new Set<Promise<unknown>>()
    for (let sent = 0; sent < total && !signal.aborted; ) {
      const due = Math.min(total, Math.ceil(((now() - start) * rate) / 1000))
      const messages = Array.from({ length: due - sent }, (_, i) => messageOf(sent + i, load, dueOf(sent + i)))
      if (messages.length > 0) {
        const request = this.producer.send({ topic: name, messages }).finally(() => underWay.delete(request))
        underWay.add(request)
      }
      sent = due
      told(sent)
      await new Promise((resolve) => setTimeout(resolve, BEAT))
    }
    await Promise.all(underWay)
  }

  /** Whether a group has a member that reads. */
  async isJoined(groupId: string): Promise<boolean> {
    const { groups } = await this.admin.describeGroups([groupId])
    return groups[0]?.state === 'Stable' && groups[0].members.length > 0
  }

  /** Messages of a topic that a group has committed. */
  async committed(groupId: string, { name }: Topic): Promise<number> {
    const [found] = await this.admin.fetchOffsets({ groupId, topics: [name] })
    return found?.partitions.reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0) ?? 0
  }

  /** Messages that a topic holds. */
  async sizeOf(name: string): Promise<number> {
    const partitions = await this.admin.fetchTopicOffsets(name)
    return partitions.reduce((sum, { high }) => sum + Number(high), 0)
  }

  async close(): Promise<void> {
    const { groups } = await this.admin.listGroups()
    const ours = groups.map(({ groupId }) => groupId).filter((groupId) => groupId.startsWith(this.base))
    if (ours.length > 0) await this.admin.deleteGroups(ours)
    if (this.names.size > 0) await this.admin.deleteTopics({ topics: [...this.names] })
    await this.admin.disconnect()
    await this.producer.disconnect()
  }

  private async create({ kind, partitions }: Load): Promise<Topic> {
    const prefix = `${this.base}-${this.names.size}-`
    const topic = { prefix, name: prefix + kind }
    await this.createNamed(topic.name, partitions)
    return topic
  }

  private async fill({ name }: Topic, load: Load): Promise<void> {
    const total = totalOf(load)
    const part = Math.max(1, Math.floor(REQUEST / (load.bytes ?? 120)))
    for (let from = 0; from < total; from += part) {
      const length = Math.min(part, total - from)
      await this.producer.send({ topic: name, messages: Array.from({ length }, (_, i) => messageOf(from + i, load)) })
    }
    const size = await this.sizeOf(name)
    if (size !== total) throw new Error(`Expected ${total} messages in ${name}, found ${size}`)
  }
}
