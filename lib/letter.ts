import type { Headers, HeaderValue, OutgoingMessage } from './broker.ts'
import { PermanentError } from './errors.ts'
import type { Message } from './message.ts'

/** What the headers of a failure begin with. */
const STORY = 'dlq.'
/** How often a message was sent back; its own headers keep it, so that the count goes on at the next failure. */
const REPLAYS = 'dlq.replays'

/** A message of a dead-letter topic: the message that failed, and the story of its failure (docs/dead-letters.md). */
export interface DeadLetter {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  /** Its own, without those of the failure. */
  readonly headers: Headers
  /** When the message was produced, in ms since 1970. */
  readonly timestamp: number
  /** The topic where it failed; undefined when there is no header `dlq.topic`: then it is no dead letter. */
  readonly topic: string | undefined
  /** Where it failed there, NaN when no header says it; so with all numbers. */
  readonly partition: number
  readonly offset: number
  /** The group that failed; empty when no header says it; so with all texts. */
  readonly groupId: string
  /** How often it was delivered. */
  readonly attempts: number
  /** When it failed last. */
  readonly failedAt: Date
  readonly error: { readonly type: string; readonly message: string }
  /** How often it was sent back before. */
  readonly replays: number
}

/** Reads the story of a dead letter. */
export function letterOf(message: Message<unknown>): DeadLetter {
  const { headers } = message
  const told = (name: string) => textOf(headers[`${STORY}${name}`])
  const number = (name: string) => Number(told(name) ?? Number.NaN)
  return {
    key: message.key,
    value: message.raw.value,
    headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith(STORY))),
    timestamp: message.timestamp,
    topic: told('topic'),
    partition: number('partition'),
    offset: number('offset'),
    groupId: told('group') ?? '',
    attempts: number('attempts'),
    failedAt: new Date(told('failed-at') ?? Number.NaN),
    error: { type: told('error.type') ?? '', message: told('error.message') ?? '' },
    replays: Number(textOf(headers[REPLAYS]) ?? 0) || 0,
  }
}

/** The message as it was, on its way back: its own headers, and how often it was sent back. */
export function sentBack({ topic, key, value, headers, timestamp, replays }: DeadLetter): OutgoingMessage {
  if (topic === undefined)
    throw new PermanentError(
      'Expected a dead letter, got a message without the header dlq.topic, which says where it goes back to; leave it out with `where`',
    )
  const message = { topic, key, value, headers: { ...headers, [REPLAYS]: String(replays + 1) } }
  // Kafka has -1 for a message without a time.
  return timestamp < 0 ? message : { ...message, timestamp }
}

/** Of a header that came more than once, the last. */
function textOf(header: HeaderValue): string | undefined {
  const value = typeof header === 'object' && !(header instanceof Uint8Array) ? header.at(-1) : header
  return value === undefined || typeof value === 'string' ? value : Buffer.from(value).toString()
}
