import type { Broker, OutgoingMessage } from '../../lib/broker.ts'
import { Reader, type ReaderOptions } from './reader.ts'

/** What the conformance suite needs of the place where a broker runs. */
export interface BrokerHarness {
  readonly broker: Broker
  createTopic(name: string, partitions: number): Promise<void>
  /** The group's committed offsets, read past the broker under test; partitions without one are left out. */
  committed(groupId: string, topic: string): Promise<ReadonlyMap<number, number>>
  /** Deletes a partition's messages before an offset, as retention does. */
  deleteRecords(topic: string, partition: number, before: number): Promise<void>
  /** Deletes a topic and creates it again, empty. */
  recreateTopic(name: string): Promise<void>
  endOffsets(topic: string): Promise<ReadonlyMap<number, number>>
  /** Lets time go on until the condition holds: in virtual time frame by frame, on Kafka by polling. Rejects when it never does. */
  until(condition: () => boolean | Promise<boolean>): Promise<void>
  uniqueName(prefix: string): string
  close(): Promise<void>
}

/** The harness with the steps that the cases are told in. */
export class Bench {
  readonly on: BrokerHarness
  private readers: Reader[] = []

  constructor(harness: BrokerHarness) {
    this.on = harness
  }

  /** A new topic. */
  async topic(partitions: number, prefix = 'suite'): Promise<string> {
    const name = this.on.uniqueName(prefix)
    await this.on.createTopic(name, partitions)
    return name
  }

  /** A new group's name. */
  group(): string {
    return this.on.uniqueName('suite-group')
  }

  /** Starts a member; {@link end} sees that it leaves. */
  reader(options: ReaderOptions): Reader {
    const reader = new Reader(this.on.broker, options)
    this.readers.push(reader)
    return reader
  }

  /** Starts a member and waits for its assignment. */
  async joined(options: ReaderOptions): Promise<Reader> {
    const reader = this.reader(options)
    await this.on.until(() => reader.joins > 0)
    return reader
  }

  /** Sends, and gives the error or null. */
  async send(...messages: OutgoingMessage[]): Promise<Error | null> {
    return this.answer<Error | null>((done) => this.on.broker.send(messages, done))
  }

  /** Sends `count` numbered messages to one partition. */
  async fill(topic: string, partition: number, count: number, from = 0): Promise<void> {
    const numbered = Array.from({ length: count }, (_, i) => ({ topic, partition, key: null, value: `${from + i}` }))
    const error = await this.send(...numbered)
    if (error !== null) throw error
  }

  /** What a call with a callback answers. */
  async answer<T>(call: (done: (result: T) => void) => void): Promise<T> {
    const results: T[] = []
    call((result) => results.push(result))
    await this.on.until(() => results.length > 0)
    return results[0] as T
  }

  async commit(reader: Reader, topic: string, partition: number, offset: number): Promise<Error | null> {
    return this.answer((done) => reader.commit([{ topic, partition, offset }], done))
  }

  async leave(reader: Reader): Promise<void> {
    if (reader.hasLeft) return
    await this.answer<void>((done) => reader.leave(() => done(undefined)))
  }

  /** Lets time go by, to see that something does not happen. */
  async pass(ms: number): Promise<void> {
    await this.answer<void>((done) => this.on.broker.clock.schedule(() => done(undefined), ms))
  }

  async end(): Promise<void> {
    const staying = this.readers.filter(({ hasLeft }) => !hasLeft)
    for (const reader of this.readers) reader.letGo()
    this.readers = []
    let left = 0
    for (const reader of staying) reader.leave(() => left++)
    await this.on.until(() => left === staying.length)
  }
}
