import type { Headers, OutgoingMessage } from '../../lib/broker.ts'
import { excerpt } from '../../lib/codec.ts'
import { messageOf, PermanentError } from '../../lib/errors.ts'
import type { Message } from '../../lib/message.ts'
import type { WritableTopic } from '../../lib/topic.ts'

/** What is sent for a message. */
export interface Outgoing<V> {
  /** Decides the partition, unless `partition` does. */
  readonly key: string | Uint8Array | null
  /** Written by the topic's codec. */
  readonly value: V
  /** Beside those of the source's message, or in their place; undefined leaves one out. @default {} */
  readonly headers?: Headers
  /** In ms since 1970. @default what the option `timestamp` says */
  readonly timestamp?: number
  /** @default by the key's hash, as every Kafka client chooses it */
  readonly partition?: number
}

/** What is sent for a message to one of several topics. */
export type Routed<T extends readonly WritableTopic<never>[]> = {
  readonly [K in keyof T]: T[K] extends WritableTopic<infer V> ? Outgoing<V> & { readonly topic: T[K] } : never
}[number]

/** Of a record beside key, value and headers, and of each header, at most. */
const RECORD = 30
const HEADER = 10

/** Makes what goes to the client. One that it can't write would fail all that are sent with it, again and again. */
export function outgoingOf<V>(
  topic: WritableTopic<V>,
  name: string,
  selected: Outgoing<V>,
  source: Message<unknown>,
  isNow: boolean,
): OutgoingMessage {
  check(selected)
  const { key, timestamp, partition, headers, value } = selected
  const when = timestamp ?? (isNow ? undefined : source.timestamp)
  return {
    topic: name,
    key,
    value: encoded(topic, name, value),
    headers: headersOf(source.headers, headers),
    // Kafka has -1 for a message without a time.
    ...(when === undefined || when < 0 ? {} : { timestamp: when }),
    ...(partition === undefined ? {} : { partition }),
  }
}

/** The bytes that a message takes in a batch, at most. */
export function sizeOf({ key, value, headers = {} }: OutgoingMessage): number {
  let size = RECORD + bytesOf(key) + bytesOf(value)
  for (const [name, header] of Object.entries(headers)) {
    const all = Array.isArray(header) ? header : [header]
    for (const one of all) if (one !== undefined) size += HEADER + bytesOf(name) + bytesOf(one)
  }
  return size
}

function bytesOf(value: string | Uint8Array | null): number {
  if (value === null) return 0
  return typeof value === 'string' ? Buffer.byteLength(value) : value.length
}

function check({ key, timestamp = 0, partition = 0, headers = {} }: Outgoing<unknown>): void {
  if (key !== null && !isWritten(key)) wrong('key', 'a string, bytes or null', key)
  if (!isCount(timestamp)) wrong('timestamp', 'a whole number of ms since 1970', timestamp)
  if (!isCount(partition)) wrong('partition', 'a whole number from 0', partition)
  for (const [name, value] of Object.entries(headers)) {
    const isHeader = value === undefined || (Array.isArray(value) ? value.every(isWritten) : isWritten(value))
    if (!isHeader) wrong(`header ${excerpt(name)}`, 'a string, bytes, or several of them', value)
  }
}

/** What goes to the client as it is. */
function isWritten(value: unknown): boolean {
  return typeof value === 'string' || value instanceof Uint8Array
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function wrong(name: string, expected: string, value: unknown): never {
  const got = typeof value === 'number' ? String(value) : excerpt(value)
  throw new PermanentError(`Expected the ${name} of sendTo to be ${expected}, got ${got}; see to it in the selector`)
}

function headersOf(source: Headers, own: Headers | undefined): Headers {
  if (own === undefined) return source
  return Object.fromEntries(Object.entries({ ...source, ...own }).filter(([, value]) => value !== undefined))
}

function encoded<V>(topic: WritableTopic<V>, name: string, value: V): Uint8Array | string | null {
  const fail = (why: string, cause?: unknown) =>
    new PermanentError(`Cannot write a value for topic ${name}: ${why}; got ${excerpt(value)}`, { cause })
  let written: unknown
  try {
    written = topic.encode(value)
  } catch (cause) {
    throw fail(messageOf(cause), cause)
  }
  if (written !== null && !isWritten(written)) throw fail('its codec gave neither text, bytes nor null')
  return written as Uint8Array | string | null
}
