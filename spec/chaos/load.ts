import { setTimeout as sleep } from 'node:timers/promises'
import type { Kafka, Message, Producer, RecordMetadata } from 'kafkajs'
import { type Draw, drawFrom } from '../services/support/seeded.ts'
import type { Books } from './books.ts'

/** A topic that is written to. */
export interface LoadTopic {
  readonly name: string
  /** It may grow. */
  partitions: number
  /** Of all messages. */
  readonly share: number
  readonly kind: 'plain' | 'transactions'
}

const KEYS = 300
/** ms between two sends to a topic. */
const PACE = 100
/** How many of ten transactions are aborted. */
const ABORTED = 3

/** A steady load of keyed messages; what the broker has confirmed is in the books. */
export class Load {
  private readonly kafka: Kafka
  private readonly books: Books
  private readonly rate: number
  private readonly running: Promise<void>[]
  private isStopped = false

  /** @param rate messages a second */
  constructor(kafka: Kafka, books: Books, topics: readonly LoadTopic[], rate: number, seed: number) {
    this.kafka = kafka
    this.books = books
    this.rate = rate
    this.running = topics.map((topic, at) => this.write(topic, drawFrom(seed + at)))
  }

  /** Resolves when the last send is answered. */
  async stop(): Promise<void> {
    this.isStopped = true
    await Promise.all(this.running)
  }

  private async write(topic: LoadTopic, draw: Draw): Promise<void> {
    let producer = this.producer(topic)
    while (!this.isStopped) {
      const until = Date.now() + PACE
      try {
        await this.send(topic, producer, draw)
      } catch {
        // Whether it is in the log is unknown: it counts as never written. A transactional producer is of no use now.
        await producer.disconnect().catch(() => {})
        producer = this.producer(topic)
      }
      await sleep(Math.max(0, until - Date.now()))
    }
    await producer.disconnect().catch(() => {})
  }

  private producer({ kind, name }: LoadTopic): Producer {
    const retry = { retries: 3, initialRetryTime: 100 }
    const transactional = { transactionalId: `load-${name}`, idempotent: true, maxInFlightRequests: 1 }
    return this.kafka.producer(kind === 'plain' ? { retry } : { ...transactional, retry })
  }

  private async send(topic: LoadTopic, producer: Producer, draw: Draw): Promise<void> {
    const count = Math.max(1, Math.round((this.rate * topic.share * PACE) / 1000))
    const messages = Array.from({ length: count }, () => {
      const number = draw(KEYS)
      return { key: `key-${number}`, value: 'x'.repeat(100), partition: number % topic.partitions }
    })
    await producer.connect()
    if (topic.kind === 'plain') this.confirm(topic.name, messages, await producer.send({ topic: topic.name, messages }))
    else await this.transact(topic, producer, messages, draw(10) < ABORTED)
  }

  private async transact(
    { name }: LoadTopic,
    producer: Producer,
    messages: readonly KeyedMessage[],
    isAborted: boolean,
  ): Promise<void> {
    const transaction = await producer.transaction()
    const written = await transaction.send({ topic: name, messages: [...messages] })
    if (isAborted) await transaction.abort()
    else await transaction.commit()
    this.confirm(name, messages, written, isAborted)
  }

  private confirm(
    topic: string,
    messages: readonly KeyedMessage[],
    written: readonly RecordMetadata[],
    isAborted = false,
  ): void {
    const next = new Map(written.map(({ partition, baseOffset }) => [partition, Number(baseOffset)]))
    for (const { key, partition } of messages) {
      const offset = next.get(partition) as number
      next.set(partition, offset + 1)
      const book = this.books.of(topic, partition)
      if (isAborted) book.aborted.add(offset)
      else book.produced.set(offset, { key, at: Date.now() })
    }
  }
}

type KeyedMessage = Message & { readonly key: string; readonly partition: number }
