import { Observable, type OperatorFunction } from 'rxjs'
import type { Broker, Headers, OutgoingMessage } from '../lib/broker.ts'
import { excerpt } from '../lib/codec.ts'
import { FatalError, messageOf, PermanentError, TransientError } from '../lib/errors.ts'
import { expectBroker, optional, refuse } from '../lib/expect.ts'
import type { Message, Outlet } from '../lib/message.ts'
import { type BatchOptions, operatorOptions, type RequestOptions } from '../lib/operatorOptions.ts'
import { type Outcome, perBatch } from '../lib/perBatch.ts'
import type { WritableTopic } from '../lib/topic.ts'
import { expectOf, expectTransaction, type Transaction } from '../lib/transaction.ts'

/** What `sendTo` uses of Kafka: `kafkajs(kafka)` and `memoryBroker()` have it. */
export type SendLike = Pick<Broker, 'send'>

/** What is sent for a message. */
export interface Outgoing<V> {
  /** Decides the partition, unless `partition` does. */
  readonly key: string | Uint8Array | null
  /** Written by the topic's codec. */
  readonly value: V
  /** Beside those of the source's message, or in their place; undefined leaves one out. @default {} */
  readonly headers?: Headers
  /** In ms since 1970. @default that of the source's message */
  readonly timestamp?: number
  /** @default by the key's hash, as every Kafka client chooses it */
  readonly partition?: number
}

/** Options of {@link sendTo}. */
export interface SendToOptions extends RequestOptions {
  /**
   * How long one try may take. Longer than a client tries by itself: a second copy that is sent while the first is under
   * way could overtake it. @default 60_000
   */
  readonly timeout?: number
  /**
   * Sends in the transaction that the source commits with: `fromTopic(…, { commit: tx })`. Required there, as far as it
   * is the same broker. @default none
   */
  readonly transaction?: Transaction
  /** Half of a partition's default `maxInFlight`, so that one batch fills while another is under way. @default { max: 500, wait: 5 } */
  readonly batch?: BatchOptions
}

/**
 * Sends something to a topic for each message, and passes the message on, unchanged, once all replicas have it.
 *
 *     source   a-b-c-------|
 *     produce  ----[ABC]
 *     result   --------(abc|)
 *
 * Messages of one source key are sent in their order; after a crash some are sent again. Headers and timestamp of the
 * source's message go along. *Transient*, tried again: the broker can't be reached, has no leader or too few replicas.
 * *Permanent*, nacked: what the topic's codec or the broker refuses. *Fatal*: unknown topic, no right to write.
 *
 * @param topic where to, with a name; its codec has to take what `select` gives
 * @param select key and value, and what else is not as in the source's message; if it throws, the message is nacked
 * @throws TypeError for a topic given by a pattern or a wrong option, at once
 */
// `never` until `select` tells V: TypeScript looks at the topic first, and no codec takes `unknown`.
export function sendTo<A, V = never>(
  kafka: SendLike,
  topic: WritableTopic<NoInfer<V>>,
  select: (value: A, message: Message<A>) => Outgoing<V>,
  options: SendToOptions = {},
): OperatorFunction<Message<A>, Message<A>> {
  expectBroker(kafka, 'send')
  if (typeof topic?.encode !== 'function') refuse('topic', 'a topic: topic(name, codec)', topic)
  const { name } = topic
  if (typeof name !== 'string') refuse('topic', 'a topic with a name, not a pattern', name)
  const own = { transaction: optional(expectTransaction) }
  const defaults = { name: 'sendTo', timeout: 60_000, batch: { max: 500 } }
  const { request, transaction } = operatorOptions(options, defaults, own)
  if (transaction !== undefined) expectOf(kafka, transaction)
  return perBatch<A, OutgoingMessage, A>(
    (value, message) => {
      expectSame(kafka, transaction, message)
      const selected = select(value, message)
      check(selected)
      return { ...placed(name, selected, message), value: encoded(topic, name, selected.value) }
    },
    (outgoing, { messages }) =>
      transaction === undefined ? send(kafka, outgoing, messages) : sendInTransaction(outgoing, messages),
    { ...request, repeats: true },
  )
}

function send<A>(kafka: SendLike, outgoing: readonly OutgoingMessage[], messages: readonly Message<A>[]) {
  return new Observable<Outcome<A>[]>((subscriber) => {
    kafka.send(outgoing, (error) => {
      if (error !== null) return subscriber.error(error)
      subscriber.next(messages.map(({ value }) => ({ value })))
      subscriber.complete()
    })
  })
}

/** One send for each partition that the messages came from: each has its own transaction. */
function sendInTransaction<A>(outgoing: readonly OutgoingMessage[], messages: readonly Message<A>[]) {
  return new Observable<Outcome<A>[]>((subscriber) => {
    const outcomes: Outcome<A>[] = []
    const open = new Map<Outlet, number[]>()
    messages.forEach(({ origin }, i) => {
      const outlet = origin.outlet as Outlet
      open.set(outlet, [...(open.get(outlet) ?? []), i])
    })
    for (const [outlet, places] of [...open]) {
      const sent = places.map((i) => outgoing[i] as OutgoingMessage)
      outlet.send(sent, (error, refused) => {
        open.delete(outlet)
        places.forEach((i, nth) => {
          const message = messages[i] as Message<A>
          const refusal = error ?? refused.get(sent[nth] as OutgoingMessage)
          // Those of a transaction that has ended are delivered again.
          if (message.origin.isEnded) outcomes[i] = 'drop'
          else outcomes[i] = refusal === undefined ? { value: message.value } : { error: refusal }
        })
        if (open.size > 0) return
        subscriber.next(outcomes)
        subscriber.complete()
      })
    }
    // What nobody waits for any more may be written none the less.
    return () => {
      for (const outlet of open.keys()) outlet.fail(new TransientError('sendTo got no answer in time'))
    }
  })
}

/** What is sent beside the transaction of its source would be there twice when that is taken back. */
function expectSame(kafka: SendLike, transaction: Transaction | undefined, { origin }: Message<unknown>): void {
  const own = origin.outlet?.transaction
  const isApart = transaction === undefined && own?.kafka !== kafka
  if (isApart || own === transaction) return
  const expected = own === undefined ? 'none, as the source has none in `commit`' : `that of the source, ${own.id}`
  const got = transaction === undefined ? 'none' : transaction.id
  throw new FatalError(`Expected the \`transaction\` of sendTo to be ${expected}; got ${got}`)
}

/** One that the client can't write would fail all that are sent with it, again and again. */
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

function placed(topic: string, { key, timestamp, partition, headers }: Outgoing<unknown>, source: Message<unknown>) {
  const when = timestamp ?? source.timestamp
  return {
    topic,
    key,
    headers: headersOf(source.headers, headers),
    // Kafka has -1 for a message without a time.
    ...(when < 0 ? {} : { timestamp: when }),
    ...(partition === undefined ? {} : { partition }),
  }
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
