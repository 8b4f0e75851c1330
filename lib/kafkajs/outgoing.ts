import { COMPRESSIONS, type Headers, type OutgoingMessage, type SendOptions } from '../broker.ts'
import type { ProducedBatch, ProducedMessage, TopicMessages } from './client.ts'

/** As KafkaJS takes them. */
export function batchOf(messages: readonly OutgoingMessage[], options: SendOptions = {}): ProducedBatch {
  const { compression = 'none', acks = 'all' } = options
  return {
    acks: acks === 'all' ? -1 : 1,
    // Kafka's numbers of them.
    compression: COMPRESSIONS.indexOf(compression),
    topicMessages: byTopic(messages),
  }
}

function byTopic(messages: readonly OutgoingMessage[]): TopicMessages[] {
  const topics = new Map<string, ProducedMessage[]>()
  for (const message of messages) {
    const group = topics.get(message.topic)
    if (group === undefined) topics.set(message.topic, [produced(message)])
    else group.push(produced(message))
  }
  return [...topics].map(([topic, group]) => ({ topic, messages: group }))
}

function produced({ key, value, headers, partition, timestamp }: OutgoingMessage): ProducedMessage {
  const message: ProducedMessage = {
    key: key === null ? null : bytes(key),
    value: value === null ? null : bytes(value),
  }
  if (headers !== undefined) message.headers = headersOf(headers)
  if (partition !== undefined) message.partition = partition
  if (timestamp !== undefined) message.timestamp = String(timestamp)
  return message
}

function headersOf(headers: Headers): NonNullable<ProducedMessage['headers']> {
  const copy: NonNullable<ProducedMessage['headers']> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue
    copy[name] = typeof value === 'string' || value instanceof Uint8Array ? bytes(value) : value.map(bytes)
  }
  return copy
}

/** KafkaJS takes buffers and strings; of other bytes it would write the text. */
function bytes(value: Uint8Array | string): Buffer | string {
  if (typeof value === 'string' || Buffer.isBuffer(value)) return value
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
}
