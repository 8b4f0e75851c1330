import type { Observable, OperatorFunction } from 'rxjs'
import {
  ack,
  type Broker,
  fromTopic,
  json,
  kafkajs,
  type Message,
  memoryBroker,
  run,
  type SourceOptions,
  tapValue,
  topic,
} from '../../lib/index.ts'
import { type Order, orderMessage } from '../messages.ts'
import type { Meter } from '../meter.ts'
import type { Input, Variant } from './variant.ts'

/** What stands between `fromTopic` and the end; it counts each message. */
export type Pipe = (meter: Meter, broker: Broker) => OperatorFunction<Message<Order>, unknown>

/** The pipe over Kafka. */
export const overKafka =
  (pipe: Pipe, options: Partial<SourceOptions> = {}): Variant =>
  (input, meter) =>
    consume(kafkajs(input.kafka), input, meter, pipe, options)

/** The pipe over the memory broker: what it costs without a client. */
export const inMemory =
  (pipe: Pipe): Variant =>
  async (input, meter) =>
    consume(await filledBroker(input), input, meter, pipe)

/** Runs one operator, counts what it passes on, and acks. */
export const through =
  <A>(operator: (input: Input, broker: Broker) => OperatorFunction<Message<A>, Message<unknown>>): Variant =>
  (input, meter) =>
    overKafka(
      (_, broker) => (source) =>
        (source as Observable<Message<unknown>> as Observable<Message<A>>).pipe(
          operator(input, broker),
          tapValue(() => meter.count()),
          ack(),
        ),
    )(input, meter)

async function consume(
  broker: Broker,
  input: Input,
  meter: Meter,
  pipe: Pipe,
  options: Partial<SourceOptions> = {},
): Promise<void> {
  const orders = topic(input.topic, json<Order>())
  const source: Observable<Message<Order>> = fromTopic(broker, orders, { groupId: input.groupId, ...options })
  const running = run(broker, source.pipe(pipe(meter, broker)))
  await Promise.race([meter.done, running.closed])
  await running.drain()
}

export async function filledBroker({ topic, messages }: Input) {
  const broker = memoryBroker({ topics: { [topic]: 4 } })
  const all = Array.from({ length: messages }, (_, n) => ({ topic, ...orderMessage(n) }))
  await new Promise<void>((resolve) => broker.send(all, () => resolve()))
  return broker
}
