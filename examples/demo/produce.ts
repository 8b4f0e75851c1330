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

/** Sends all messages evenly over the time given. */
export async function produce({ kafka, prefix, data, seconds, signal }: Production): Promise<void> {
  const messages = outgoing(data, prefix)
  const start = kafka.clock.now()
  for (let sent = 0; sent < messages.length && !signal.aborted; ) {
    const share = seconds === 0 ? 1 : (kafka.clock.now() - start + BEAT) / (seconds * 1000)
    const due = Math.min(messages.length, Math.ceil(share * messages.length))
    if (due > sent) await send(kafka, messages.slice(sent, due))
    sent = due
    if (sent < messages.length) await pause(kafka)
  }
}

/** The messages of all topics, in turn. */
function outgoing({ activities, orders, searches }: DemoData, prefix: string): readonly OutgoingMessage[] {
  const write = (topic: InputTopic, key: string | null, value: unknown): OutgoingMessage => ({
    topic: prefix + topic,
    key,
    value: typeof value === 'string' ? value : JSON.stringify(value),
  })
  return activities.flatMap((activity, i) => {
    const order = orders[i] ?? ''
    return [
      write('feed_activities', activity.user, activity),
      write('orders', typeof order === 'string' ? null : order.user_id, order),
      write('search_queries', null, searches[i]),
    ]
  })
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
