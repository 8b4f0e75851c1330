import { afterAll, afterEach, beforeAll } from 'vitest'
import type { Broker, OutgoingMessage } from '../../../lib/broker.ts'
import { text } from '../../../lib/codec.ts'
import type { SourceEvent } from '../../../lib/events.ts'
import { fromTopic } from '../../../lib/fromTopic.ts'
import { kafkajs } from '../../../lib/kafkajs/kafkajs.ts'
import type { Member } from '../../../lib/members.ts'
import type { Message } from '../../../lib/message.ts'
import type { SourceOptions } from '../../../lib/sourceOptions.ts'
import { topic } from '../../../lib/topic.ts'
import { Reader, type ReaderOptions } from '../../broker/reader.ts'
import { RealKafka } from './kafka.ts'

/** Sources and readers on the real Kafka; what a test leaves reading is ended after it. */
export class KafkaStage {
  readonly real: RealKafka
  readonly broker: Broker
  private ends: (() => void | Promise<void>)[] = []

  constructor(real: RealKafka) {
    this.real = real
    this.broker = kafkajs(real.kafka)
  }

  /** Reads with `fromTopic`, and notes what comes and what the source tells. */
  source(name: string, options: SourceOptions, from = this.broker) {
    const messages: Message<string>[] = []
    const events: SourceEvent[] = []
    const state: { error?: Error } = {}
    const stream = fromTopic(from, topic(name, text), { maxWaitTimeInMs: 100, ...options })
    const members: Member[] = []
    const take = (member: Member) => members.push(member)
    from.members.claim(take, () => {
      const subscription = stream.subscribe({
        next: (message) => messages.push(message),
        error: (error: Error) => {
          state.error = error
        },
      })
      this.ends.push(() => subscription.unsubscribe())
    })
    const [member] = members
    if (member === undefined) throw new Error('Cannot observe the source: it made no member')
    member.listen((event) => events.push(event))
    return { messages, events, state, member, types: () => events.map(({ type }) => type) }
  }

  /** Reads through the port alone. */
  reader(options: ReaderOptions, from = this.broker): Reader {
    const member = new Reader(from, options)
    this.ends.push(() => new Promise<void>((resolve) => (member.hasLeft ? resolve() : member.leave(resolve))))
    return member
  }

  /** Sends `count` numbered messages to one partition. */
  async fill(name: string, partition: number, count: number, start = 0): Promise<void> {
    const messages: OutgoingMessage[] = Array.from({ length: count }, (_, i) => ({
      topic: name,
      partition,
      key: null,
      value: `${start + i}`,
    }))
    const error = await new Promise((resolve) => this.broker.send(messages, resolve))
    if (error !== null) throw error
  }

  onEnd(work: () => void): void {
    this.ends.push(work)
  }

  async end(): Promise<void> {
    const ends = this.ends.reverse()
    this.ends = []
    for (const end of ends) await end()
  }
}

/** Gives the stage of a `describe`, once its tests run. */
export function kafkaStage(): () => KafkaStage {
  let stage: KafkaStage
  beforeAll(async () => {
    stage = new KafkaStage(await RealKafka.connect())
  })
  afterEach(() => stage.end())
  afterAll(() => stage.real.close())
  return () => stage
}

export function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
