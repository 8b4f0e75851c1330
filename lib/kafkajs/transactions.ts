import { backoff } from '../backoff.ts'
import type { Position } from '../broker.ts'
import type { Clock } from '../clock.ts'
import { ChosenPartitions } from './chosenPartitions.ts'
import type { KafkaClient, Partitioner, ProducedBatch, ProducerClient, TransactionClient } from './client.ts'
import { typeOf } from './errors.ts'

/** Between two tries of a send: for 20 ms or so after a commit the broker still writes the markers of its transaction. */
const RETRY = { initialRetryTime: 20, maxRetryTime: 1000, retries: 10 }
const WAITS = { delay: 20, max: 1000 } as const
const TRIES = 10

/** What transactions are made with. */
export interface TransactionsConfig {
  readonly kafka: KafkaClient
  readonly clock: Clock
  readonly transactionalId: string
  /** In ms. */
  readonly timeout: number
  readonly createPartitioner: Partitioner | undefined
}

/**
 * The transactions of one KafkaJS producer, one after the other, from the moment it takes its transactional id until
 * something fails: then it is thrown away. KafkaJS does not know any more then what it has open, and the numbers of its
 * messages go on at the wrong one.
 *
 * Of its methods one may be under way.
 */
export class Transactions {
  /** Whether something was sent that is neither committed nor taken back. */
  isOpen = false
  private readonly config: TransactionsConfig
  private readonly client: ProducerClient
  private readonly chosen: ChosenPartitions
  private current: TransactionClient | undefined

  private constructor(config: TransactionsConfig) {
    const { kafka, transactionalId, timeout, createPartitioner } = config
    this.config = config
    this.chosen = new ChosenPartitions(createPartitioner)
    this.client = kafka.producer({
      ...{ transactionalId, transactionTimeout: timeout, allowAutoTopicCreation: false, retry: RETRY },
      // KafkaJS takes a second id for this, which transactions do not use.
      idempotent: false,
      createPartitioner: this.chosen.create,
    })
  }

  /** Takes the transactional id: what its former owner has open is taken back, and that one can do nothing more. */
  static async begin(config: TransactionsConfig): Promise<Transactions> {
    const transactions = new Transactions(config)
    try {
      await transactions.client.connect()
      transactions.current = await transactions.client.transaction()
      return transactions
    } catch (error) {
      transactions.close()
      throw error
    }
  }

  async send(batch: ProducedBatch): Promise<void> {
    const transaction = await this.transaction()
    this.isOpen = true
    this.chosen.expectWritten(batch.topicMessages, await transaction.sendBatch(batch))
  }

  async commit(consumerGroupId: string, { topic, partition, offset }: Position): Promise<void> {
    const transaction = await this.transaction()
    this.isOpen = true
    const topics = [{ topic, partitions: [{ partition, offset: String(offset) }] }]
    await this.patiently(() => transaction.sendOffsets({ consumerGroupId, topics }))
    await transaction.commit()
    this.ended()
  }

  async abort(): Promise<void> {
    if (!this.isOpen) return
    await (await this.transaction()).abort()
    this.ended()
  }

  /** Closes the connections. */
  close(): void {
    this.client.disconnect().catch(() => {})
  }

  private ended(): void {
    this.current = undefined
    this.isOpen = false
  }

  private async transaction(): Promise<TransactionClient> {
    this.current ??= await this.client.transaction()
    return this.current
  }

  /** The first request of a transaction may come before the markers of the one before are written; then nothing is done. */
  private async patiently(request: () => Promise<void>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await request()
      } catch (error) {
        if (typeOf(error) !== 'CONCURRENT_TRANSACTIONS' || attempt === TRIES) throw error
        const wait = backoff(WAITS, attempt, Math.random)
        await new Promise<void>((resolve) => this.config.clock.schedule(resolve, wait))
      }
    }
  }
}
