import { type Admin, Kafka, logLevel } from 'kafkajs'
import { openRun } from '../services/run.ts'
import { servers } from '../services/servers.ts'
import { orderMessage } from './order.ts'

const PARTITIONS = 4
/** Messages of one produce request. */
const PART = 5000

/** A topic full of messages that goes, with all groups that read it, when it is closed. */
export interface KafkaTopic {
  readonly name: string
  readonly brokers: readonly string[]
  readonly messages: number
  /** Messages that a group has committed. */
  committed(groupId: string): Promise<number>
  close(): Promise<void>
}

/** Starts the launcher's Kafka when it is not up, and fills a new topic there. */
export async function openTopic(messages: number, say: (line: string) => void): Promise<KafkaTopic> {
  const run = openRun({ say: (server, line) => say(`${server}: ${line}`) })
  await servers.kafka.start(run)
  const brokers = [servers.kafka.url(run)]
  const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING })
  const name = `bench-${process.pid}-${Date.now()}`
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: name, numPartitions: PARTITIONS }], waitForLeaders: true })
  say(`writing ${messages} messages to ${name}`)
  await fill(kafka, name, messages)
  return {
    name,
    brokers,
    messages,
    committed: (groupId) => committedOf(admin, groupId, name),
    close: () => close(admin, name),
  }
}

async function fill(kafka: Kafka, topic: string, messages: number): Promise<void> {
  const producer = kafka.producer()
  await producer.connect()
  for (let from = 0; from < messages; from += PART) {
    const length = Math.min(PART, messages - from)
    await producer.send({ topic, messages: Array.from({ length }, (_, i) => orderMessage(from + i)) })
  }
  await producer.disconnect()
}

async function committedOf(admin: Admin, groupId: string, topic: string): Promise<number> {
  const [found] = await admin.fetchOffsets({ groupId, topics: [topic] })
  return found?.partitions.reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0) ?? 0
}

/** The groups of a topic begin with its name. */
async function close(admin: Admin, name: string): Promise<void> {
  const { groups } = await admin.listGroups()
  const ours = groups.map(({ groupId }) => groupId).filter((groupId) => groupId.startsWith(`${name}-`))
  if (ours.length > 0) await admin.deleteGroups(ours)
  await admin.deleteTopics({ topics: [name] })
  await admin.disconnect()
}
