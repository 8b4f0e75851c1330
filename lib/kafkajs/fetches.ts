import type { TopicPartition } from '../broker.ts'
import type { Clock } from '../clock.ts'
import { type FetchedPartition, hideAborted } from './aborted.ts'
import { type Answered, FetchSize } from './fetchSize.ts'

/** Hears that there is nothing to see in a part of the log: from an offset to the next one to be read. */
export type PassOver = (place: TopicPartition, from: number, nextOffset: number, highWatermark: number) => void

/** A cluster as it gives out brokers. */
export interface FindingCluster {
  findBroker?(node: { nodeId: string }): Promise<FetchingBroker>
}

/** A broker as a KafkaJS consumer has it at run time: its types leave `fetch` out. */
interface FetchingBroker {
  readonly brokerAddress?: string
  fetch?(request: FetchRequest): Promise<FetchResponse>
}

export interface FetchRequest {
  /** Bytes of the answer; a broker gives one record batch at least, however large. */
  readonly maxBytes: number
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

/** Looks after the fetches of one KafkaJS consumer. */
export class Fetches {
  private readonly clock: Clock
  /** By the address of the broker. */
  private readonly sizes = new Map<string, FetchSize>()

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** A broker has answered, and KafkaJS is about to decode that. */
  answered(answer: Answered): void {
    this.sizes.get(answer.broker)?.arrived(answer)
  }

  /**
   * Has KafkaJS fetch no more than it decodes in good time, and see nothing of what was taken back; and tells where an
   * answer has nothing to see at all: KafkaJS tells of that too, but not from where it had asked, and so not whether the
   * reader stands there.
   */
  hook(cluster: FindingCluster, passOver: PassOver): void {
    const find = cluster.findBroker?.bind(cluster)
    if (find === undefined) return
    cluster.findBroker = async (node) => {
      const broker = await find(node)
      const fetch = broker.fetch?.bind(broker)
      if (fetch === undefined || hooked.has(broker)) return broker
      hooked.add(broker)
      const size = this.sizeOf(broker)
      broker.fetch = async (request) => {
        const response = await fetch({ ...request, maxBytes: size.within(request.maxBytes) })
        size.decoded()
        for (const { topicName, partitions } of response.responses)
          for (const partition of partitions) look(topicName, partition, request, passOver)
        return response
      }
      return broker
    }
  }

  /** KafkaJS makes a broker anew when its connection was lost. */
  private sizeOf({ brokerAddress = '' }: FetchingBroker): FetchSize {
    const size = this.sizes.get(brokerAddress) ?? new FetchSize(this.clock)
    this.sizes.set(brokerAddress, size)
    return size
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
