import type { Consumer, EachBatchPayload, KafkaMessage } from 'kafkajs'
import type { Meter } from '../meter.ts'
import { isKept, type Order, raised } from '../order.ts'
import { type Sink, sinkOf } from './sink.ts'
import type { Input, Variant } from './variant.ts'

/** The reference: KafkaJS by hand, one commit a batch. */
export const eachBatch: Variant = (input, meter) =>
  consume(input, meter, (consumer) =>
    consumer.run({
      autoCommit: false,
      eachBatch: async (payload) => {
        for (const message of payload.batch.messages) isKept(raised(parsed(message, meter)))
        await commit(consumer, payload)
      },
    }),
  )

/** What most people write. */
export const eachMessage: Variant = (input, meter) =>
  consume(input, meter, (consumer) =>
    consumer.run({
      eachMessage: async ({ message }) => {
        isKept(raised(parsed(message, meter)))
      },
    }),
  )

/** Batches by hand: 500 a call of the sink, one commit a fetched batch. */
export const batchesByHand: Variant = (input, meter) => {
  const sink = sinkOf(meter)
  return consume(input, meter, (consumer) =>
    consumer.run({
      autoCommit: false,
      eachBatch: async (payload) => {
        await sinkInParts(sink, payload.batch.messages)
        await commit(consumer, payload)
      },
    }),
  )
}

async function sinkInParts(sink: Sink, messages: readonly KafkaMessage[]): Promise<void> {
  for (let i = 0; i < messages.length; i += 500)
    await sink(messages.slice(i, i + 500).map(({ value }) => JSON.parse(String(value))))
}

async function consume(
  { kafka, topic, groupId }: Input,
  meter: Meter,
  run: (consumer: Consumer) => Promise<void>,
): Promise<void> {
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 250 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await run(consumer)
  await meter.done
  await consumer.disconnect()
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
