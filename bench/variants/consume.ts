import type { KafkaMessage } from 'kafkajs'
import { isKept, type Order, raised } from '../messages.ts'
import type { Meter } from '../meter.ts'
import { eachBatchByHand, eachMessageByHand, parsed, parts } from './byHand.ts'
import { sinkOf } from './sink.ts'
import type { Variant } from './variant.ts'

/** The reference: KafkaJS by hand, one commit a batch. */
export const eachBatch: Variant = (input, meter) =>
  eachBatchByHand(input, meter, (messages) => {
    for (const message of messages) isKept(raised(counted(message, meter)))
  })

/** What most people write. */
export const eachMessage: Variant = (input, meter) =>
  eachMessageByHand(input, meter, (message) => {
    isKept(raised(counted(message, meter)))
  })

/** Batches by hand: 500 a call of the sink, one commit a fetched batch. */
export const batchesByHand: Variant = (input, meter) => {
  const sink = sinkOf(meter)
  return eachBatchByHand(input, meter, async (messages) => {
    for (const part of parts(messages, 500)) await sink(part.map((message) => parsed<Order>(message)))
  })
}

function counted(message: KafkaMessage, meter: Meter): Order {
  const order = parsed<Order>(message)
  meter.count(order.due)
  return order
}
