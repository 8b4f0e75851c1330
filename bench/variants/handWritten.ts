import type { Consumer, EachBatchPayload, KafkaMessage } from 'kafkajs'
import type { Meter } from '../meter.ts'
import { isKept, type Order, raised } from '../order.ts'
import { type Sink, sinkOf } from './sink.ts'
import type { Input, Variant } from './variant.ts'

/** The reference: KafkaJS by hand, one commit a batch. */
export const eachBatch: Variant = (input, meter) =>
  consumeBatches(input, meter, async (messages) => {
    for (const message of messages) isKept(raised(parsed(message, meter)))
  })

/** Batches by hand: 500 a call of the sink, one commit a fetched batch. */
export const batchesByHand: Variant = (input, meter) => {
  const sink = sinkOf(meter)
  return consumeBatches(input, meter, (messages) => sinkInParts(sink, messages))
}

/** What most people write. */
export const eachMessage: Variant = async (input, meter) => {
  const consumer = await subscribed(input)
  await consumer.run({
    eachMessage: async ({ message }) => {
      isKept(raised(parsed(message, meter)))
    },
  })
  await meter.done
  await consumer.disconnect()
}

async function consumeBatches(
  input: Input,
  meter: Meter,
  work: (messages: readonly KafkaMessage[]) => Promise<void>,
): Promise<void> {
  const consumer = await subscribed(input)
  let underWay = Promise.resolve()
  const eachBatch = async (payload: EachBatchPayload) => {
    await work(payload.batch.messages)
    await commit(consumer, payload)
  }
  await consumer.run({ autoCommit: false, eachBatch: (payload) => (underWay = eachBatch(payload)) })
  await meter.done
  // `disconnect` would cut the last commit off.
  await underWay
  await consumer.disconnect()
}

async function subscribed({ kafka, topic, groupId }: Input): Promise<Consumer> {
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 250 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  return consumer
}

async function sinkInParts(sink: Sink, messages: readonly KafkaMessage[]): Promise<void> {
  for (let i = 0; i < messages.length; i += 500)
    await sink(messages.slice(i, i + 500).map(({ value }) => JSON.parse(String(value))))
}

function parsed({ value }: KafkaMessage, meter: Meter): Order {
  meter.count()
  return JSON.parse(String(value))
}

async function commit(consumer: Consumer, { batch, resolveOffset }: EachBatchPayload): Promise<void> {
  resolveOffset(batch.lastOffset())
  const offset = String(Number(batch.lastOffset()) + 1)
  await consumer.commitOffsets([{ topic: batch.topic, partition: batch.partition, offset }])
}
