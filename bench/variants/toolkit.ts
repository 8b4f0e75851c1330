import { filter, from, map, type Observable, type OperatorFunction } from 'rxjs'
import {
  ack,
  type Broker,
  filterValue,
  fromTopic,
  json,
  kafkajs,
  type Message,
  mapValue,
  memoryBroker,
  perBatch,
  perMessage,
  run,
  topic,
} from '../../lib/index.ts'
import type { Meter } from '../meter.ts'
import { isKept, type Order, orderMessage, raised } from '../order.ts'
import { sinkOf } from './sink.ts'
import type { Input, Variant } from './variant.ts'

/** What stands between `fromTopic` and the end; it counts each message. */
type Pipe = (meter: Meter) => OperatorFunction<Message<Order>, Order>

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

function batchesWith(meter: Meter, repeats: boolean): ReturnType<Pipe> {
  const sink = sinkOf(meter)
  const send = (orders: readonly Order[]) => from(sink(orders).then(() => orders.map((value) => ({ value }))))
  return (source) =>
    source.pipe(
      perBatch((order: Order) => order, send, { batch: { max: 500 }, repeats }),
      ack(),
    )
}

/** The pipe over Kafka. */
export const overKafka =
  (pipe: Pipe): Variant =>
  (input, meter) =>
    consume(kafkajs(input.kafka), input, meter, pipe)

/** The pipe over the memory broker: what it costs without a client. */
export const inMemory =
  (pipe: Pipe): Variant =>
  async (input, meter) =>
    consume(await filledBroker(input), input, meter, pipe)

/** The same messages in a loop by hand. */
export const loop: Variant = async (input, meter) => {
  const stored = (await filledBroker(input)).messages(input.topic)
  for (const { value } of stored) isKept(raised(counted(JSON.parse(String(value)), meter)))
}

async function consume(broker: Broker, input: Input, meter: Meter, pipe: Pipe): Promise<void> {
  const orders: Observable<Message<Order>> = fromTopic(broker, topic(input.topic, json<Order>()), input)
  const running = run(broker, orders.pipe(pipe(meter)))
  await Promise.race([meter.done, running.closed])
  await running.drain()
}

async function filledBroker({ topic, messages }: Input) {
  const broker = memoryBroker({ topics: { [topic]: 4 } })
  const all = Array.from({ length: messages }, (_, n) => ({ topic, ...orderMessage(n) }))
  await new Promise<void>((resolve) => broker.send(all, () => resolve()))
  return broker
}

function counted(order: Order, meter: Meter): Order {
  meter.count()
  return order
}
