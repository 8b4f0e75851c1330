import type { Kafka, KafkaMessage } from 'kafkajs'
import { until } from '../services/support/until.ts'

/** Reads all that lies in a topic. */
export async function readLog(
  kafka: Kafka,
  topic: string,
  take: (partition: number, message: KafkaMessage) => void,
): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  const ends = (await admin.fetchTopicOffsets(topic)).filter(({ low, high }) => Number(low) < Number(high))
  await admin.disconnect()
  const reached = new Map<number, number>()
  const consumer = kafka.consumer({ groupId: `audit-${topic}`, maxWaitTimeInMs: 50, readUncommitted: true })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload: { partition, lastOffset } }) => {
    reached.set(partition, Number(lastOffset) + 1)
  })
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => {
      for (const message of batch.messages) take(batch.partition, message)
    },
  })
  // Asking for the end commits to the log of commits: what comes after is not of interest.
  const isRead = () => ends.every(({ partition, high }) => (reached.get(partition) ?? 0) >= Number(high))
  await until(`${topic} is read`, isRead, 120_000)
  await consumer.disconnect()
}
