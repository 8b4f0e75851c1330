import type { Observable } from 'rxjs'
import type { Headers, Position, TopicPartition } from '../broker.ts'
import { json } from '../codec.ts'
import { refuse } from '../expect.ts'
import { fromTopic } from '../fromTopic.ts'
import type { Message } from '../message.ts'
import type { SourceOptions } from '../sourceOptions.ts'
import { type Topic, topic as topicOf } from '../topic.ts'
import type { Drawing } from './drawing.ts'
import type { Row } from './drawRows.ts'
import type { DrawnValues } from './hotOn.ts'
import { placeText } from './leftovers.ts'
import type { Mark } from './marbles.ts'
import type { TestBroker } from './testBroker.ts'

/** What a drawn message carries beside its value: for each, by the name of its marble or by a function of its value. */
type Carried<T, C> = Readonly<Record<string, C>> | ((value: T, name: string) => C)

/** How the messages of a drawn topic are, and how the stream that `topic()` returns reads them. */
export interface DrawnTopicOptions<T> extends Partial<SourceOptions> {
  /** The key of each message. @default none */
  readonly key?: Carried<T, string | null>
  /** The headers of each message. @default none */
  readonly headers?: Carried<T, Headers>
  /** When each was produced, in ms. @default the instant of its marble */
  readonly timestamp?: Carried<T, number>
}

/** A message as it was drawn. */
interface DrawnMessage {
  readonly name: string
  readonly value: unknown
}

/** The topics that a test draws, and what their messages are called. */
export class DrawnTopics {
  private readonly kafka: TestBroker
  private readonly later: (work: () => void, at: number) => void
  private readonly play: (marks: readonly Mark[], partition?: TopicPartition) => void
  private readonly messages = new Map<string, DrawnMessage>()
  private readonly rows = new Map<string, readonly Mark[]>()
  /** What happens to all readers. */
  private control: readonly Mark[] = []
  /** What happens to single partitions, by their topics. */
  private readonly controls = new Map<string, readonly Row[]>()
  /** The topic that a lane without a topic's name means. */
  private first: string | undefined

  /**
   * @param later does something at an instant of the test
   * @param play has a control lane happen: of a partition, or of all
   */
  constructor(kafka: TestBroker, later: DrawnTopics['later'], play: DrawnTopics['play']) {
    this.kafka = kafka
    this.later = later
    this.play = play
  }

  /** Draws a topic; gives its messages as a stream. */
  draw<T>(
    topic: Topic<T> | string | undefined,
    lanes: Drawing,
    values: DrawnValues<T>,
    options: DrawnTopicOptions<T>,
  ): Observable<Message<T>> {
    const read = topic === undefined ? lettersOf(values) : typeof topic === 'string' ? topicOf(topic, json<T>()) : topic
    const { name } = read
    if (typeof name !== 'string') refuse('topic', 'a topic with a name; draw each topic that its pattern matches', name)
    this.first ??= name
    const partitions = [...lanes.keys()].filter((label) => !label.startsWith('ctl')).map(Number)
    this.kafka.createTopic(name, Math.max(0, ...partitions) + 1)
    for (const partition of partitions)
      this.drawLane(
        { read, isRaw: topic !== undefined, name, partition, values, options },
        lanes.get(String(partition)) ?? [],
      )
    this.drawControl(name, lanes)
    const { key, headers, timestamp, ...source } = options
    return fromTopic(this.kafka, read, { groupId: 'group', ...source })
  }

  /** The partition that a lane's label means, as text: `orders[0]`. */
  placeOf(label: string): string {
    return /^\d+$/.test(label) ? `${this.first ?? 'topic'}[${label}]` : label
  }

  /** What a message is called, if it was drawn. */
  nameOf(place: Position): string | undefined {
    return this.messages.get(placeText(place))?.name
  }

  /** The values of messages by their names, for those names that have no other meaning. */
  valuesBeside(others: DrawnValues<unknown>): readonly [name: string, value: unknown][] {
    return [...this.messages.values()].filter(({ name }) => !(name in others)).map(({ name, value }) => [name, value])
  }

  /** The places of a partition's messages of a name, as text. */
  placesOf(label: string, name: string): readonly string[] {
    const partition = this.placeOf(label)
    const places = [...this.messages].filter(([place, one]) => place.startsWith(`${partition}@`) && one.name === name)
    if (places.length === 0) refuse('unsettled', `messages that ${partition} has in its drawing`, name)
    return places.map(([place]) => place)
  }

  /** A partition as it was drawn, with what happened to its reader. */
  rowsOf(place: string): readonly Row[] {
    const marks = this.rows.get(place)
    if (marks === undefined) return []
    const control = this.control.length === 0 ? [] : [{ label: 'ctl', marks: this.control }]
    return [{ label: place, marks }, ...control, ...(this.controls.get(place.replace(/\[\d+\]$/, '')) ?? [])]
  }

  /** After the messages: what comes at the same instant is there before it. */
  private drawControl(topic: string, lanes: Drawing): void {
    const all = lanes.get('ctl') ?? []
    this.control = [...this.control, ...all].sort((a, b) => a.at - b.at)
    this.play(all)
    const rows = [...lanes].filter(([label]) => label.startsWith('ctl[')).map(([label, marks]) => ({ label, marks }))
    this.controls.set(topic, rows)
    for (const { label, marks } of rows) this.play(marks, { topic, partition: Number(label.slice(4, -1)) })
  }

  private drawLane<T>(lane: DrawnLane<T>, marks: readonly Mark[]): void {
    const { read, isRaw, name, partition, values, options } = lane
    this.rows.set(`${name}[${partition}]`, marks)
    marks.forEach((mark, offset) => {
      if ('|#'.includes(mark.name)) refuse('topic', 'lanes without | and #: a topic does not end; S drains', mark.name)
      const value = valueNamed(values, mark.name)
      this.messages.set(placeText({ topic: name, partition, offset }), { name: mark.name, value })
      const message = {
        topic: name,
        partition,
        key: carried(options.key, value, mark.name) ?? null,
        value: isRaw && value instanceof Uint8Array ? value : read.encode(value),
        ...named('headers', carried(options.headers, value, mark.name)),
        ...named('timestamp', carried(options.timestamp, value, mark.name)),
      }
      this.later(() => this.kafka.topics.append([message], this.kafka.clock.now()), mark.at)
    })
  }
}

interface DrawnLane<T> {
  readonly read: Topic<T>
  /** Whether a value of bytes is written as it is, also one that the codec can't read. */
  readonly isRaw: boolean
  readonly name: string
  readonly partition: number
  readonly values: DrawnValues<T>
  readonly options: DrawnTopicOptions<T>
}

/** A topic whose values are never written down: they may be of any kind. */
function lettersOf<T>(values: DrawnValues<T>): Topic<T> {
  const names = new Map(Object.entries(values).map(([name, value]) => [value, name]))
  return topicOf('topic', {
    encode: (value: T) => names.get(value) ?? String(value),
    decode: (bytes) => valueNamed(values, String(bytes)),
  })
}

function valueNamed<T>(values: DrawnValues<T>, name: string): T {
  return name in values ? (values[name] as T) : (name as T)
}

function carried<T, C>(from: Carried<T, C> | undefined, value: T, name: string): C | undefined {
  return typeof from === 'function' ? from(value, name) : from?.[name]
}

function named<V>(name: string, value: V | undefined): Readonly<Record<string, V>> {
  return value === undefined ? {} : { [name]: value }
}
