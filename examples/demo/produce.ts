import type { Broker, OutgoingMessage } from 'rxjs-kafka-toolkit'
import type { DemoData } from './data.ts'
import type { InputTopic } from './pipelines.ts'

/** How often messages are sent, in ms. */
const BEAT = 50

/** What is sent of each topic; stops early when it is aborted. */
export interface Production {
  readonly kafka: Broker
  readonly prefix: string
  readonly data: DemoData
  readonly seconds: number
  readonly signal: AbortSignal
}

/**
 * Sends all messages evenly over the time given, to the three topics alike.
 *
 * @returns how many each topic got: fewer than there are when it was aborted
 */
export async function produce({ kafka, prefix, data, seconds, signal }: Production): Promise<number> {
  const total = data.orders.length
  const start = kafka.clock.now()
  let sent = 0
  while (sent < total && !signal.aborted) {
    const share = seconds === 0 ? 1 : (kafka.clock.now() - start + BEAT) / (seconds * 1000)
    const due = Math.min(total, Math.ceil(share * total))
    if (due > sent) await send(kafka, outgoing(data, prefix, sent, due))
    sent = due
    if (sent < total) await pause(kafka)
  }
  return sent
}

/** The messages of all topics from one place to another. */
function outgoing(data: DemoData, prefix: string, from: number, to: number): readonly OutgoingMessage[] {
  const write = (topic: InputTopic, key: string | null, value: unknown): OutgoingMessage => ({
    topic: prefix + topic,
    key,
    value: typeof value === 'string' ? value : JSON.stringify(value),
  })
  return [
    ...data.activities.slice(from, to).map((activity) => write('feed_activities', activity.user, activity)),
    ...data.orders
      .slice(from, to)
      .map((order) => write('orders', typeof order === 'string' ? null : order.user_id, order)),
    ...data.searches.slice(from, to).map((search) => write('search_queries', null, search)),
  ]
}

function send(kafka: Broker, messages: readonly OutgoingMessage[]): Promise<void> {
  return new Promise((resolve, reject) => {
    kafka.send(messages, (error) => (error === null ? resolve() : reject(error)))
  })
}

function pause({ clock }: Broker): Promise<void> {
  return new Promise((resolve) => {
    clock.schedule(resolve, BEAT)
  })
}
