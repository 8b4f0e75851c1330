import type { TopicPartition } from '../broker.ts'
import { type FetchedPartition, hideAborted } from './aborted.ts'

/** Hears that there is nothing to see in a part of the log: from an offset to the next one to be read. */
export type PassOver = (place: TopicPartition, from: number, nextOffset: number, highWatermark: number) => void

/** A cluster as it gives out brokers. */
export interface FindingCluster {
  findBroker?(node: { nodeId: string }): Promise<FetchingBroker>
}

/** A broker as a KafkaJS consumer has it at run time: its types leave `fetch` out. */
interface FetchingBroker {
  fetch?(request: FetchRequest): Promise<FetchResponse>
}

export interface FetchRequest {
  readonly topics: readonly {
    readonly topic: string
    readonly partitions: readonly { readonly partition: number; readonly fetchOffset: string }[]
  }[]
}

export interface FetchResponse {
  readonly responses: readonly { readonly topicName: string; readonly partitions: readonly Answer[] }[]
}

interface Answer extends FetchedPartition {
  readonly partition: number
  readonly highWatermark: string
}

const hooked = new WeakSet<object>()

/**
 * Has KafkaJS see nothing of what was taken back, and tells where an answer has nothing to see at all: KafkaJS tells of
 * that too, but not from where it had asked, and so not whether the reader stands there.
 */
export function hookFetch(cluster: FindingCluster, passOver: PassOver): void {
  const find = cluster.findBroker?.bind(cluster)
  if (find === undefined) return
  cluster.findBroker = async (node) => {
    const broker = await find(node)
    const fetch = broker.fetch?.bind(broker)
    if (fetch === undefined || hooked.has(broker)) return broker
    hooked.add(broker)
    broker.fetch = async (request) => {
      const response = await fetch(request)
      for (const { topicName, partitions } of response.responses)
        for (const partition of partitions) look(topicName, partition, request, passOver)
      return response
    }
    return broker
  }
}

function look(topic: string, answer: Answer, { topics }: FetchRequest, passOver: PassOver): void {
  hideAborted(answer)
  const { partition, messages, highWatermark } = answer
  const last = messages.at(-1)
  if (last === undefined) return
  const asked = topics.find((one) => one.topic === topic)?.partitions.find((one) => one.partition === partition)
  const from = Number(asked?.fetchOffset)
  // What lies before is the rest of a batch of which the broker gives nothing less.
  if (messages.some(({ offset, isControlRecord }) => !isControlRecord && Number(offset) >= from)) return
  passOver({ topic, partition }, from, Math.max(from, Number(last.offset)) + 1, Number(highWatermark))
}
