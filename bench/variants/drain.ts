import { setTimeout } from 'node:timers/promises'
import { mergeMap } from 'rxjs'
import { ack, fromTopic, json, kafkajs, perMessage, run, tapValue, topic } from '../../lib/index.ts'
import type { Order } from '../messages.ts'
import type { Meter } from '../meter.ts'
import { parts, subscribed } from './byHand.ts'
import type { Variant } from './variant.ts'

/** What a message takes, in ms, and how many are under way. */
const TAKES = 10
const AT_ONCE = 16

/** Counts what is handled, and asks for the end in the middle of it. */
class Handled {
  count = 0
  readonly enough: Promise<void>
  private go!: () => void
  private readonly most: number

  /** @param most messages after which the end is asked for */
  constructor(most: number) {
    this.most = most
    this.enough = new Promise((go) => {
      this.go = go
    })
  }

  add(): void {
    if (++this.count === this.most) this.go()
  }

  async timed(meter: Meter, end: () => Promise<void>): Promise<void> {
    const start = performance.now()
    await end()
    meter.note('drain', performance.now() - start)
    meter.note('handled', this.count)
  }
}

/** By hand: begins no further part once it is told to end, and commits what is done. */
export const drainByHand: Variant = async (input, meter) => {
  const handled = new Handled(input.messages / 10)
  const consumer = await subscribed(input)
  let isEnding = false
  let underWay = Promise.resolve()
  await consumer.run({
    autoCommit: false,
    eachBatch: ({ batch, isRunning }) => {
      const work = async () => {
        for (const part of parts(batch.messages, AT_ONCE)) {
          if (isEnding || !isRunning()) return
          await Promise.all(part.map(() => setTimeout(TAKES).then(() => handled.add())))
          const offset = String(Number(part.at(-1)?.offset) + 1)
          await consumer.commitOffsets([{ topic: batch.topic, partition: batch.partition, offset }])
        }
      }
      underWay = work()
      return underWay
    },
  })
  await handled.enough
  await handled.timed(meter, async () => {
    isEnding = true
    await underWay
    await consumer.disconnect()
  })
}

/** `drain()`. */
export const drainOurs: Variant = async ({ kafka, topic: name, groupId, setting, messages }, meter) => {
  const handled = new Handled(messages / 10)
  const broker = kafkajs(kafka)
  const pipeline = fromTopic(broker, topic(name, json<Order>()), { groupId, maxInFlight: setting }).pipe(
    perMessage(
      mergeMap((order) => setTimeout(TAKES, order)),
      { concurrency: AT_ONCE, order: 'none' },
    ),
    tapValue(() => handled.add()),
    ack(),
  )
  const running = run(broker, pipeline)
  await handled.enough
  await handled.timed(meter, () => running.drain())
}
