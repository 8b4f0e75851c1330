import { setImmediate, setTimeout } from 'node:timers/promises'
import { mergeMap } from 'rxjs'
import { ack, type Order as LaneOrder, perMessage } from '../../lib/index.ts'

import type { Order } from '../messages.ts'
import type { Meter } from '../meter.ts'
import { eachBatchByHand, parsed, subscribed } from './byHand.ts'
import { overKafka } from './ours.ts'
import type { Variant } from './variant.ts'

/** One of a hundred takes half a second, the others nothing. */
async function work(order: Order, meter: Meter): Promise<Order> {
  const isSlow = Number(order.id.slice('order-'.length)) % 100 === 0
  await (isSlow ? setTimeout(500) : setImmediate())
  meter.count(order.due)
  return order
}

export const slowByHand: Variant = (input, meter) =>
  eachBatchByHand(input, meter, async (messages) => {
    await Promise.all(messages.map((message) => work(parsed(message), meter)))
  })

export const slowEachMessage: Variant = async (input, meter) => {
  const consumer = await subscribed(input)
  await consumer.run({
    partitionsConsumedConcurrently: 4,
    eachMessage: async ({ message }) => {
      await work(parsed(message), meter)
    },
  })
  await meter.done
  await consumer.disconnect()
}

const slow = (order: LaneOrder): Variant =>
  overKafka(
    (meter) => (source) =>
      source.pipe(
        perMessage(
          mergeMap((value: Order) => work(value, meter)),
          { concurrency: 100, order },
        ),
        ack(),
      ),
  )

export const slowAnyOrder = slow('none')
export const slowByKey = slow('key')
