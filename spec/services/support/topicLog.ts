import { Partitioners } from 'kafkajs'
import type { RealKafka } from './kafka.ts'
import { until } from './until.ts'

/** A message to write; without a partition its key chooses one. */
export interface Written {
  readonly key: string | null
  readonly value: string | Buffer | null
  readonly partition?: number
}

/** A message as it lies in its topic. */
export interface Lying {
  readonly key: string | null
  readonly value: string | null
  readonly partition: number
  readonly headers: Readonly<Record<string, string>>
}

const CHUNK = 1000

/** Writes messages with KafkaJS alone, in order. */
export async function writeTopic({ kafka }: RealKafka, topic: string, messages: readonly Written[]): Promise<void> {
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
  await producer.connect()
  for (let at = 0; at < messages.length; at += CHUNK) {
    await producer.send({ topic, messages: messages.slice(at, at + CHUNK).map((message) => ({ ...message })) })
  }
  await producer.disconnect()
}

/** Reads all that lies in a topic with KafkaJS alone. */
export async function readTopic(real: RealKafka, topic: string): Promise<Lying[]> {
  const ends = await real.endOffsets(topic)
  const consumer = real.kafka.consumer({ groupId: real.uniqueName('read'), maxWaitTimeInMs: 50 })
  const lying: Lying[] = []
  const reached = new Map<number, number>()
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => {
      const { partition, messages } = batch
      for (const { key, value, headers } of messages) {
        const texts = Object.entries(headers ?? {}).map(([name, header]) => [name, String(header)])
        const text = (bytes: Buffer | null) => bytes?.toString() ?? null
        lying.push({ key: text(key), value: text(value), partition, headers: Object.fromEntries(texts) })
      }
      reached.set(partition, Number(batch.lastOffset()) + 1)
    },
  })
  await until(`${topic} is read`, () => [...ends].every(([one, end]) => end === 0 || (reached.get(one) ?? 0) >= end))
  await consumer.disconnect()
  return lying
}
