import type { Headers, HeaderValue, OutgoingMessage } from '../broker.ts'
import { FatalError, PermanentError } from '../errors.ts'
import { expectInteger } from '../expect.ts'
import { MemoryLog, type Unplaced } from './memoryLog.ts'
import { murmur2 } from './murmur2.ts'

interface MemoryTopic {
  readonly partitions: readonly MemoryLog[]
  /** The partition of the next message without a key. */
  turn: number
}

/** The topics of a memory broker: their partitions, and which of them a message goes to. */
export class MemoryTopics {
  private readonly topics = new Map<string, MemoryTopic>()
  private readonly maxMessageBytes: number

  constructor(maxMessageBytes: number) {
    this.maxMessageBytes = maxMessageBytes
  }

  get names(): readonly string[] {
    return [...this.topics.keys()]
  }

  create(name: string, partitions: number): void {
    expectInteger('partitions', partitions, 1)
    if (this.topics.has(name)) throw new Error(`Cannot create topic ${name}: it exists already`)
    const logs = Array.from({ length: partitions }, (_, partition) => new MemoryLog(name, partition))
    this.topics.set(name, { partitions: logs, turn: 0 })
  }

  /** Takes the place of a topic, with empty partitions; gives those that are gone. */
  recreate(name: string): readonly MemoryLog[] {
    const { partitions } = this.find(name, `Cannot recreate ${name}`)
    this.topics.delete(name)
    this.create(name, partitions.length)
    return partitions
  }

  /** The partitions of a topic. @throws FatalError when there is no such topic */
  partitions(name: string): readonly MemoryLog[] {
    return this.find(name, `Cannot find ${name}`).partitions
  }

  /** The partitions of all topics that names and patterns ask for. @throws FatalError when a name is unknown, or nothing matches */
  resolve(wanted: readonly (string | RegExp)[], groupId: string): MemoryLog[] {
    const names = wanted.flatMap((name) => (typeof name === 'string' ? [name] : this.matching(name)))
    if (names.length === 0) throw new FatalError(unmatchedText(wanted))
    return [...new Set(names)].flatMap((name) => this.find(name, `Cannot read ${name} as group ${groupId}`).partitions)
  }

  /** Appends messages, all or none. @throws FatalError for an unknown topic, PermanentError for a refused message */
  append(messages: readonly OutgoingMessage[], now: number): void {
    const checked = messages.map((message) => this.check(message))
    checked.forEach((message, i) => {
      this.place(messages[i] as OutgoingMessage, message, now)
    })
  }

  /** Appends a message, and tells where. @throws as {@link append} */
  appendOne(message: OutgoingMessage, now: number): { readonly log: MemoryLog; readonly offset: number } {
    return this.place(message, this.check(message), now)
  }

  private place({ topic, timestamp, partition }: OutgoingMessage, message: Unplaced, now: number) {
    const log = this.choose(topic, partition, message.key)
    return { log, offset: log.append(message, timestamp ?? now) }
  }

  private check({ topic, partition, key, value, headers }: OutgoingMessage): Unplaced {
    const { length } = this.find(topic, `Cannot send to ${topic}`).partitions
    if (partition !== undefined && !(partition >= 0 && partition < length))
      throw new PermanentError(partitionText(topic, partition, length))
    const message = { key: toBytes(key), value: toBytes(value), headers: headersOf(headers) }
    const size = (message.key?.length ?? 0) + (message.value?.length ?? 0)
    if (size > this.maxMessageBytes) throw new PermanentError(sizeText(topic, size, this.maxMessageBytes))
    return message
  }

  private choose(name: string, partition: number | undefined, key: Uint8Array | null): MemoryLog {
    const topic = this.find(name, `Cannot send to ${name}`)
    const { length } = topic.partitions
    const chosen = partition ?? (key === null ? topic.turn++ : murmur2(key) & 0x7fffffff) % length
    return topic.partitions[chosen] as MemoryLog
  }

  private matching(pattern: RegExp): string[] {
    // A pattern with the flag `g` remembers where it stopped.
    return [...this.topics.keys()].filter((name) => name.search(pattern) >= 0)
  }

  private find(name: string, what: string): MemoryTopic {
    const topic = this.topics.get(name)
    if (topic === undefined) throw new FatalError(`${what}: the topic does not exist; create it, or correct its name`)
    return topic
  }
}

/** Buffers, as a Kafka client gives: decoders may rely on their `toString`. */
function toBytes(value: Uint8Array | string | null): Buffer | null {
  if (value === null || Buffer.isBuffer(value)) return value
  return typeof value === 'string' ? Buffer.from(value) : Buffer.from(value.buffer, value.byteOffset, value.length)
}

function headersOf(headers: Headers | undefined): Headers | undefined {
  if (headers === undefined) return undefined
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, headerOf(value)]))
}

function headerOf(value: HeaderValue): HeaderValue {
  if (value === undefined) return undefined
  if (typeof value === 'string' || value instanceof Uint8Array) return toBytes(value) as Buffer
  return value.map((one) => toBytes(one) as Buffer)
}

function unmatchedText(wanted: readonly (string | RegExp)[]): string {
  return `Cannot read ${wanted.join(', ')}: no topic matches; create one, or correct the pattern`
}

function partitionText(topic: string, partition: number, count: number): string {
  return `Cannot send to ${topic}[${partition}]: the topic has ${count} partitions; leave the partition to the key`
}

function sizeText(topic: string, size: number, max: number): string {
  return `Cannot send to ${topic}: the message has ${size} bytes and the broker takes ${max}; send less, or raise max.message.bytes`
}
