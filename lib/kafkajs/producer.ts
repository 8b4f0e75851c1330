import type { OutgoingMessage, SendOptions } from '../broker.ts'
import type { Clock, Timer } from '../clock.ts'
import { ChosenPartitions } from './chosenPartitions.ts'
import type { KafkaClient, Partitioner, ProducedBatch, ProducerClient } from './client.ts'
import { sendError } from './errors.ts'
import { batchOf } from './outgoing.ts'

/** How long an unused connection is kept, in ms: a row of single sends shall not connect for each. */
const LINGER = 200

/** One producer for all that is sent: connected by the first message, closed when nobody needs it any more. */
export class Producer {
  private readonly kafka: KafkaClient
  private readonly clock: Clock
  private readonly chosen: ChosenPartitions
  private client: Promise<ProducerClient> | undefined
  private pending = 0
  private isNeeded = false
  private timer: Timer | undefined

  constructor(kafka: KafkaClient, clock: Clock, createPartitioner: Partitioner | undefined) {
    this.kafka = kafka
    this.clock = clock
    this.chosen = new ChosenPartitions(createPartitioner)
  }

  send(messages: readonly OutgoingMessage[], done: (error: Error | null) => void, options?: SendOptions): void {
    this.timer?.unsubscribe()
    this.pending++
    const finish = (error: Error | null) => {
      this.pending--
      this.rest()
      done(error)
    }
    const batch = batchOf(messages, options)
    const topics = batch.topicMessages.map(({ topic }) => topic)
    this.produce(batch).then(
      () => finish(null),
      (error) => finish(sendError(error, topics)),
    )
  }

  /** Whether somebody reads: what is read is sent on, as a rule, so that the connection is kept. */
  need(isNeeded: boolean): void {
    this.isNeeded = isNeeded
    this.rest()
  }

  private async produce(batch: ProducedBatch): Promise<void> {
    if (batch.topicMessages.length === 0) return
    const client = await this.connect()
    this.chosen.expectWritten(batch.topicMessages, await client.sendBatch(batch))
  }

  private connect(): Promise<ProducerClient> {
    this.client ??= this.open().catch((error) => {
      this.client = undefined
      throw error
    })
    return this.client
  }

  private async open(): Promise<ProducerClient> {
    // Not idempotent: when an answer is lost KafkaJS takes the sequence numbers back, and the next send that runs
    // beside the retry gets them: the broker takes it for a repeat, says yes and writes nothing. A lost message is
    // worse than one written twice.
    const config = { allowAutoTopicCreation: false, idempotent: false, createPartitioner: this.chosen.create }
    const client = this.kafka.producer(config)
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
