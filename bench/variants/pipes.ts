import { filter, from, map, type OperatorFunction } from 'rxjs'
import { ack, filterValue, type Message, mapValue, perBatch, perMessage } from '../../lib/index.ts'
import { isKept, type Order, raised } from '../messages.ts'
import type { Meter } from '../meter.ts'
import { filledBroker, type Pipe } from './ours.ts'
import { sinkOf } from './sink.ts'
import type { Variant } from './variant.ts'

/** The pipe only acks. */
export const bare: Pipe = (meter) => (source) =>
  source.pipe(
    ack(),
    map((order) => counted(order, meter)),
  )

/** The everyday operators over values. */
export const values: Pipe = (meter) => (source) =>
  source.pipe(
    mapValue((order) => raised(counted(order, meter))),
    filterValue(isKept),
    ack(),
  )

/** Any chain of RxJS, twice. */
export const chains: Pipe = (meter) => (source) =>
  source.pipe(perMessage(map((order) => raised(counted(order, meter)))), perMessage(filter(isKept)), ack())

/** Batches of 500, which may hold a key several times, as those by hand do. */
export const batches: Pipe = (meter) => batchesWith(meter, true)

/** Batches of 500 in which a key is once, for servers that do not apply a batch in order. */
export const distinctBatches: Pipe = (meter) => batchesWith(meter, false)

function batchesWith(meter: Meter, repeats: boolean): OperatorFunction<Message<Order>, Order> {
  const sink = sinkOf(meter)
  const send = (orders: readonly Order[]) => from(sink(orders).then(() => orders.map((value) => ({ value }))))
  return (source) =>
    source.pipe(
      perBatch((order: Order) => order, send, { batch: { max: 500 }, repeats }),
      ack(),
    )
}

/** The same messages in a loop by hand. */
export const loop: Variant = async (input, meter) => {
  const stored = (await filledBroker(input)).messages(input.topic)
  for (const { value } of stored) isKept(raised(counted(JSON.parse(String(value)), meter)))
}

function counted(order: Order, meter: Meter): Order {
  meter.count(order.due)
  return order
}
