import type { Kafka, KafkaMessage, Producer, Message as SentMessage } from 'kafkajs'
import { ack, fork, json, tapValue, topic } from '../../lib/index.ts'
import { sendTo } from '../../operators/index.ts'
import type { Order } from '../messages.ts'
import { eachBatchByHand, eachMessageByHand, parsed } from './byHand.ts'
import { overKafka, through } from './ours.ts'
import type { Variant } from './variant.ts'

const outgoing = (order: Order) => ({ key: order.id, value: JSON.stringify(order) })

/** What is sent on for a fetched message. */
type Made = (message: KafkaMessage) => SentMessage
const made: Made = (message) => outgoing(parsed(message))

/** By hand: one send for each fetched batch. */
export const sendByHand: Variant = sendBatches(made)

/** The same, with the message's own headers and time, as `sendTo` does. */
export const sendWholeByHand: Variant = sendBatches((message) => {
  const { headers = {}, timestamp } = message
  return { ...made(message), headers, timestamp }
})

/** What most people write. */
export const sendEachMessage: Variant = (input, meter) =>
  withProducer(input.kafka, (producer) =>
    eachMessageByHand(input, meter, async (message) => {
      const [out = ''] = input.place.outs
      await producer.send({ topic: out, messages: [outgoing(parsed(message))] })
      meter.count()
    }),
  )

/** By hand to three topics: one request for each fetched batch. */
export const fanOutByHand: Variant = (input, meter) =>
  withProducer(input.kafka, (producer) =>
    eachBatchByHand(input, meter, async (batch) => {
      const messages = batch.map((message) => outgoing(parsed(message)))
      await producer.sendBatch({ topicMessages: input.place.outs.map((topic) => ({ topic, messages })) })
      for (const _ of batch) meter.count()
    }),
  )

/** `sendTo`. */
export const send: Variant = through<Order>(
  (
    {
      place: {
        outs: [out = ''],
      },
    },
    broker,
  ) => sendTo(broker, topic(out, json<Order>()), (order) => ({ key: order.id, value: order })),
)

function sendBatches(make: Made): Variant {
  return (input, meter) =>
    withProducer(input.kafka, (producer) =>
      eachBatchByHand(input, meter, async (messages) => {
        const [out = ''] = input.place.outs
        await producer.send({ topic: out, messages: messages.map(make) })
        for (const _ of messages) meter.count()
      }),
    )
}

export async function withProducer(kafka: Kafka, work: (producer: Producer) => Promise<void>): Promise<void> {
  const producer = kafka.producer()
  await producer.connect()
  try {
    await work(producer)
  } finally {
    await producer.disconnect()
  }
}

/** `fork` of three `sendTo`: a message comes out once for each branch. */
export const fanOut: Variant = (input, meter) =>
  overKafka((_, broker) => {
    let out = 0
    const branch = (name: string) =>
      sendTo(broker, topic(name, json<Order>()), (order: Order) => ({ key: order.id, value: order }))
    const [one = '', two = '', three = ''] = input.place.outs
    return (source) =>
      source.pipe(
        fork(branch(one), branch(two), branch(three)),
        tapValue(() => {
          if (++out % 3 === 0) meter.count()
        }),
        ack(),
      )
  })(input, meter)
