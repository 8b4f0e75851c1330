import type { Consumer, EachBatchPayload, KafkaMessage } from 'kafkajs'
import type { Input } from './variant.ts'

/** How long is read: a `Meter` is one. */
interface Reading {
  readonly done: Promise<void>
}

/** KafkaJS by hand at its best: all of a fetched batch, then one commit. */
export async function eachBatchByHand(
  input: Input,
  { done }: Reading,
  work: (messages: readonly KafkaMessage[]) => void | Promise<void>,
): Promise<void> {
  const consumer = await subscribed(input)
  let underWay = Promise.resolve()
  const failed = failureOf(consumer)
  const eachBatch = async (payload: EachBatchPayload) => {
    await work(payload.batch.messages)
    await commit(consumer, payload)
  }
  await consumer.run({ autoCommit: false, eachBatch: (payload) => (underWay = eachBatch(payload)) })
  await Promise.race([done, failed])
  // `disconnect` would cut the last commit off.
  await underWay
  await consumer.disconnect()
}

/** What most people write: one message after the other. */
export async function eachMessageByHand(
  input: Input,
  { done }: Reading,
  work: (message: KafkaMessage) => void | Promise<void>,
): Promise<void> {
  const consumer = await subscribed(input)
  const failed = failureOf(consumer)
  await consumer.run({ eachMessage: async ({ message }) => work(message) })
  await Promise.race([done, failed])
  await consumer.disconnect()
}

/** Rejects when the consumer gives up: it would begin anew for ever. */
function failureOf(consumer: Consumer): Promise<never> {
  return new Promise((_, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error))
  })
}

export async function subscribed({ kafka, topic, groupId }: Input): Promise<Consumer> {
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 250 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  return consumer
}

export function parsed<A>({ value }: KafkaMessage): A {
  return JSON.parse(String(value))
}

/** Works on so many at a time. */
export async function pool<A>(all: readonly A[], size: number, work: (one: A) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < all.length) await work(all[next++] as A)
  }
  await Promise.all(Array.from({ length: size }, worker))
}

/** Parts of so many at most. */
export function parts<A>(all: readonly A[], size: number): A[][] {
  const found: A[][] = []
  for (let i = 0; i < all.length; i += size) found.push(all.slice(i, i + size))
  return found
}

async function commit(consumer: Consumer, { batch, resolveOffset }: EachBatchPayload): Promise<void> {
  resolveOffset(batch.lastOffset())
  const offset = String(Number(batch.lastOffset()) + 1)
  await consumer.commitOffsets([{ topic: batch.topic, partition: batch.partition, offset }])
}
