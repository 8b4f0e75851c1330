import * as t from 'io-ts'
import { type Observable, tap } from 'rxjs'
import {
  type Broker,
  fromTopic,
  kafkajs,
  type Message,
  run,
  type SourceEvent,
  type SourceOptions,
  topic,
} from 'rxjs-kafka-toolkit'
import { kafkaClient, type RealKafka } from './kafka.ts'
import { type Lying, readTopic, type Written, writeTopic } from './topicLog.ts'
import { until } from './until.ts'

const Note = t.type({ n: t.number, user: t.string })
export type Note = t.TypeOf<typeof Note>

/** The rest of a pipe that reads notes. */
export type Pipe = (notes: Observable<Message<Note>>, kafka: Broker) => Observable<Note>

/** How a run went. */
export interface Outcome {
  /** What `closed` rejected with. */
  readonly error: Error | undefined
  /** The notes that came out at the end. */
  readonly done: readonly number[]
  readonly events: readonly SourceEvent[]
}

const COUNT = 20
const PARTITIONS = 2

/** A topic of twenty notes, of which the one at [1]@5 may be bad, and a topic for dead letters. */
export class Scene {
  /** Where the bad note is. */
  readonly place: string
  readonly deadTopic: string
  /** The numbers of the good notes. */
  readonly good: readonly number[]
  private readonly real: RealKafka
  readonly topic: string
  private readonly groupId: string

  private constructor(real: RealKafka, topic: string, deadTopic: string, good: readonly number[]) {
    this.real = real
    this.topic = topic
    this.deadTopic = deadTopic
    this.good = good
    this.groupId = `${topic}-group`
    this.place = `${topic}[1]@5`
  }

  /** @param bad the value of the bad note; undefined for a note like the others */
  static async make(real: RealKafka, bad?: Written['value']): Promise<Scene> {
    const [topic, deadTopic] = [await real.topic(PARTITIONS), await real.topic(1)]
    // The n-th note is at [n % 2]@(n / 2).
    const notes = Array.from({ length: COUNT }, (_, n) => ({ n, user: n === 11 ? 'bad' : `user-${n % 3}` }))
    const written = notes.map(({ n, user }) => {
      const value = n === 11 && bad !== undefined ? bad : JSON.stringify({ n, user })
      return { key: user, partition: n % PARTITIONS, value }
    })
    await writeTopic(real, topic, written)
    const good = notes.map(({ n }) => n).filter((n) => n !== 11)
    return new Scene(real, topic, deadTopic, good)
  }

  /** Runs until it fails, or else until all is committed; then drains. */
  async run(pipe: Pipe, options: Partial<SourceOptions> = {}): Promise<Outcome> {
    // KafkaJS looks for a missing topic as often as it retries anything: nine seconds by default.
    const kafka = kafkajs(kafkaClient({ retry: { retries: 3, initialRetryTime: 50 } }))
    const done: number[] = []
    const events: SourceEvent[] = []
    const source = { groupId: this.groupId, maxWaitTimeInMs: 50, ...options }
    const notes = fromTopic(kafka, topic(this.topic, Note), source)
    const running = run(kafka, pipe(notes, kafka).pipe(tap(({ n }) => done.push(n))), { signals: false })
    running.events.subscribe((event) => events.push(event))
    let ended: { readonly error: Error | undefined } | undefined
    const closed = running.closed.then(
      () => undefined,
      (error: Error) => error,
    )
    void closed.then((error) => {
      ended = { error }
    })
    await until('it has failed or committed all', async () => ended !== undefined || (await this.isCommitted()))
    if (ended === undefined) void running.drain().catch(() => {})
    return { error: await closed, done, events }
  }

  /** The committed offsets of both partitions. */
  async committed(): Promise<readonly number[]> {
    const offsets = await this.real.committed(this.groupId, this.topic)
    return [offsets.get(0) ?? 0, offsets.get(1) ?? 0]
  }

  deadLetters(): Promise<readonly Lying[]> {
    return readTopic(this.real, this.deadTopic)
  }

  private async isCommitted(): Promise<boolean> {
    return (await this.committed()).every((offset) => offset === COUNT / PARTITIONS)
  }
}
