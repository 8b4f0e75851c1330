import type {
  AssignedPartition,
  Compression,
  OutgoingMessage,
  SendDone,
  SendOptions,
  TopicPartition,
  TransactionalProducer,
} from '../broker.ts'
import { errorClassOf, TransientError } from '../errors.ts'
import { produceError, sendError } from './errors.ts'
import { batchOf } from './outgoing.ts'
import { Transactions, type TransactionsConfig } from './transactions.ts'

type Refused = ReadonlyMap<OutgoingMessage, Error>
const NONE: Refused = new Map()

/** What a partition's producer needs. */
export interface PartitionProducerHost {
  readonly groupId: string
  configOf(place: TopicPartition): TransactionsConfig
  /** Asks where the group stands. */
  startOf(place: TopicPartition): Promise<AssignedPartition>
}

/** The transactional producer of one partition that is read. One request at a time, in the order in which they were asked for. */
export class PartitionProducer implements TransactionalProducer {
  private readonly host: PartitionProducerHost
  private readonly place: TopicPartition
  private transactions: Transactions | undefined
  /** What was asked for last. */
  private last: Promise<unknown> = Promise.resolve()
  private isEnded = false
  /** Whether messages go out singly: of several that were refused nobody knows which were written. */
  private isOneByOne = false

  constructor(host: PartitionProducerHost, place: TopicPartition) {
    this.host = host
    this.place = place
  }

  /** Takes the transactional id, unless the one of the assignment before has it still and nothing is open. */
  begin(former?: PartitionProducer): Promise<void> {
    return this.enqueue(async () => {
      this.transactions = await former?.handOver()
      if (this.transactions === undefined) await this.takeId()
    })
  }

  send(messages: readonly OutgoingMessage[], done: SendDone, { compression = 'none' }: SendOptions = {}): void {
    const isOneByOne = () => this.isOneByOne || messages.length === 1
    const work = () => (isOneByOne() ? this.writeEach(messages, compression) : this.write(messages, compression))
    this.enqueue(work).then(
      (refused) => done(null, refused),
      (error) => done(this.failureOf(error, messages), NONE),
    )
  }

  commit(offset: number, done: (error: Error | null) => void): void {
    const work = async () => {
      await this.expectTransactions().commit(this.host.groupId, { ...this.place, offset })
      this.isOneByOne = false
    }
    this.enqueue(work).then(
      () => done(null),
      (error) => done(produceError(error, `Cannot commit the transaction of ${placeText(this.place)}`)),
    )
  }

  abort(done: () => void): void {
    this.enqueue(async () => this.transactions?.abort()).then(done, done)
  }

  renew(done: (answer: AssignedPartition | Error) => void): void {
    const work = async () => {
      await this.takeId()
      return this.host.startOf(this.place)
    }
    this.enqueue(work).then(done, (error) =>
      done(produceError(error, `Cannot begin a transaction for ${placeText(this.place)}`)),
    )
  }

  /** Takes back what is open and closes the connection, once all that was asked for is answered. */
  async end(): Promise<void> {
    this.isEnded = true
    await this.last
    await this.transactions?.abort().catch(() => {})
    this.discard()
  }

  /** Ends as its assignment does: what is asked for later must not come into the transactions of the next. */
  private async handOver(): Promise<Transactions | undefined> {
    this.isEnded = true
    await this.last
    if (this.transactions?.isOpen) this.discard()
    const { transactions } = this
    this.transactions = undefined
    return transactions
  }

  private async takeId(): Promise<void> {
    this.discard()
    if (this.isEnded) this.refuse()
    this.transactions = await Transactions.begin(this.host.configOf(this.place))
  }

  private async write(messages: readonly OutgoingMessage[], compression: Compression): Promise<Refused> {
    await this.expectTransactions().send(batchOf(messages, { compression }))
    return NONE
  }

  private async writeEach(messages: readonly OutgoingMessage[], compression: Compression): Promise<Refused> {
    const refused = new Map<OutgoingMessage, Error>()
    for (const message of messages) {
      try {
        await this.expectTransactions().send(batchOf([message], { compression }))
      } catch (error) {
        const failure = sendError(error, [message.topic])
        if (errorClassOf(failure) !== 'permanent') throw error
        refused.set(message, failure)
      }
    }
    return refused
  }

  /** A message that is refused alone is known; one of several is looked for at the next try. */
  private failureOf(error: unknown, messages: readonly OutgoingMessage[]): Error {
    const failure = sendError(error, [...new Set(messages.map(({ topic }) => topic))])
    if (errorClassOf(failure) !== 'permanent') return failure
    this.isOneByOne = true
    return new TransientError(`${failure.message}; they are sent one by one from now on`, { cause: error })
  }

  private discard(): void {
    this.transactions?.close()
    this.transactions = undefined
  }

  private refuse(): never {
    throw new TransientError(`${placeText(this.place)} is not assigned any more`)
  }

  private expectTransactions(): Transactions {
    if (this.transactions === undefined) throw new Error('a request before it in its transaction has failed')
    return this.transactions
  }

  /** What follows a failure fails too, until the id is taken anew. */
  private enqueue<T>(work: () => Promise<T>): Promise<T> {
    // It must not touch what the end, or the next assignment, does with the transactions.
    if (this.isEnded) return this.last.then(() => this.refuse())
    const result = this.last.then(work).catch((error) => {
      this.discard()
      throw error
    })
    this.last = result.catch(() => {})
    return result
  }
}

function placeText({ topic, partition }: TopicPartition): string {
  return `${topic}[${partition}]`
}
