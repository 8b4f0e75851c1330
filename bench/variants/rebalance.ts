import { ack, fromTopic, json, kafkajs, mapValue, run, topic } from '../../lib/index.ts'
import { kafkaClient } from '../client.ts'
import type { Order } from '../messages.ts'
import type { Meter } from '../meter.ts'
import { eachBatchByHand, parsed } from './byHand.ts'
import type { Input, Variant } from './variant.ts'

/** A member of the group: reads until it is told to leave; resolves when it has left. */
type Member = (input: Input, seen: (order: Order) => void, leave: Promise<void>) => Promise<void>

/** Has a second member, with a client of its own, join after a third of the messages, and leave after two. */
const withSecond =
  (member: Member): Variant =>
  async (input, meter) => {
    const crowd = new Crowd(input.messages, meter)
    const seen = (order: Order) => crowd.see(order)
    const first = member(input, seen, meter.done)
    await crowd.after(1 / 3)
    const second = member({ ...input, kafka: kafkaClient(input.brokers) }, seen, crowd.after(2 / 3))
    await Promise.all([first, second])
  }

/** Counts each message once, whoever has it and however often. */
class Crowd {
  private readonly ids = new Set<string>()
  private readonly messages: number
  private readonly meter: Meter
  private waiting: { readonly count: number; readonly go: () => void }[] = []

  constructor(messages: number, meter: Meter) {
    this.messages = messages
    this.meter = meter
  }

  see({ id, due }: Order): void {
    if (this.ids.has(id)) return
    this.ids.add(id)
    for (const { count, go } of this.waiting) if (this.ids.size >= count) go()
    this.waiting = this.waiting.filter(({ count }) => this.ids.size < count)
    this.meter.count(due)
  }

  /** Resolves when so much of all was seen. */
  after(share: number): Promise<void> {
    return new Promise((go) => this.waiting.push({ count: this.messages * share, go }))
  }
}

export const rebalanceByHand = withSecond((input, seen, leave) =>
  eachBatchByHand(input, { done: leave }, (messages) => {
    for (const message of messages) seen(parsed(message))
  }),
)

export const rebalance = withSecond(async ({ kafka, groupId, topic: name }, seen, leave) => {
  const broker = kafkajs(kafka)
  const pipeline = fromTopic(broker, topic(name, json<Order>()), { groupId }).pipe(
    mapValue((order) => {
      seen(order)
      return order
    }),
    ack(),
  )
  const running = run(broker, pipeline)
  await Promise.race([leave, running.closed])
  await running.drain()
})
