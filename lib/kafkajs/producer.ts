import type { OutgoingMessage } from '../broker.ts'
import type { Clock, Timer } from '../clock.ts'
import type { KafkaClient, Partitioner, ProducerClient, TopicMessages } from './client.ts'
import { sendError } from './errors.ts'
import { byTopic } from './outgoing.ts'

/** From all in-sync replicas. */
const ACKS = -1
/** How long an unused connection is kept, in ms: a row of single sends shall not connect for each. */
const LINGER = 200

/** One producer for all that is sent: connected by the first message, closed when nobody needs it any more. */
export class Producer {
  private readonly kafka: KafkaClient
  private readonly clock: Clock
  private readonly createPartitioner: Partitioner | undefined
  private client: Promise<ProducerClient> | undefined
  private pending = 0
  private isNeeded = false
  private timer: Timer | undefined

  constructor(kafka: KafkaClient, clock: Clock, createPartitioner: Partitioner | undefined) {
    this.kafka = kafka
    this.clock = clock
    this.createPartitioner = createPartitioner
  }

  send(messages: readonly OutgoingMessage[], done: (error: Error | null) => void): void {
    this.timer?.unsubscribe()
    this.pending++
    const finish = (error: Error | null) => {
      this.pending--
      this.rest()
      done(error)
    }
    const topicMessages = byTopic(messages)
    this.produce(topicMessages).then(
      () => finish(null),
      (error) =>
        finish(
          sendError(
            error,
            topicMessages.map(({ topic }) => topic),
          ),
        ),
    )
  }

  /** Whether somebody reads: what is read is sent on, as a rule, so that the connection is kept. */
  need(isNeeded: boolean): void {
    this.isNeeded = isNeeded
    this.rest()
  }

  private async produce(topicMessages: TopicMessages[]): Promise<void> {
    if (topicMessages.length === 0) return
    const client = await this.connect()
    await client.sendBatch({ acks: ACKS, topicMessages })
  }

  private connect(): Promise<ProducerClient> {
    this.client ??= this.open().catch((error) => {
      this.client = undefined
      throw error
    })
    return this.client
  }

  private async open(): Promise<ProducerClient> {
    const { createPartitioner } = this
    // Not idempotent: when an answer is lost KafkaJS takes the sequence numbers back, and the next send that runs
    // beside the retry gets them: the broker takes it for a repeat, says yes and writes nothing. A lost message is
    // worse than one written twice.
    const config = { allowAutoTopicCreation: false, idempotent: false }
    const client = this.kafka.producer(createPartitioner === undefined ? config : { ...config, createPartitioner })
    try {
      await client.connect()
      return client
    } catch (error) {
      await client.disconnect().catch(() => {})
      throw error
    }
  }

  private rest(): void {
    this.timer?.unsubscribe()
    if (this.isNeeded || this.pending > 0 || this.client === undefined) return
    this.timer = this.clock.schedule(() => {
      const { client } = this
      this.client = undefined
      client?.then((producer) => producer.disconnect()).catch(() => {})
    }, LINGER)
  }
}
