import { Observable, type OperatorFunction } from 'rxjs'
import { type Acks, type Broker, COMPRESSIONS, type Compression, type OutgoingMessage } from '../../lib/broker.ts'
import { excerpt } from '../../lib/codec.ts'
import { FatalError, PermanentError, TransientError } from '../../lib/errors.ts'
import { type Check, expectBroker, expectInteger, expectOneOf, optional, refuse } from '../../lib/expect.ts'
import type { Message, Outlet } from '../../lib/message.ts'
import { type BatchOptions, operatorOptions, type RequestOptions } from '../../lib/operatorOptions.ts'
import { type Outcome, perBatch } from '../../lib/perBatch.ts'
import type { WritableTopic } from '../../lib/topic.ts'
import { expectOf, expectTransaction, type Transaction } from '../../lib/transaction.ts'
import { type Outgoing, outgoingOf, type Routed, sizeOf } from './outgoing.ts'
import { BATCH, type Send, Sending, type SendingOptions } from './sending.ts'

export type { Outgoing, Routed } from './outgoing.ts'

/** What `sendTo` uses of Kafka: `kafkajs(kafka)` and `memoryBroker()` have it. */
export type SendLike = Pick<Broker, 'send'>

/** Options of {@link sendTo}. */
export interface SendToOptions extends RequestOptions {
  /**
   * How long one try may take. Longer than a client tries by itself: a second copy that is sent while the first is under
   * way could overtake it. @default 60_000
   */
  readonly timeout?: number
  /** Half of a partition's default `maxInFlight`, so that one batch fills while another is under way. @default { max: 500, wait: 5 } */
  readonly batch?: BatchOptions
  /**
   * Sends in the transaction that the source commits with: `fromTopic(…, { commit: tx })`. Required there, as far as it
   * is the same broker. @default none
   */
  readonly transaction?: Transaction
  /** The timestamp where `select` gives none: that of the source's message, or the moment of sending. @default 'source' */
  readonly timestamp?: 'source' | 'now'
  /** Who has to have a message: all in-sync replicas, or the partition's leader alone, whose crash may lose it. @default 'all' */
  readonly acks?: Acks
  /** How batches are written; what KafkaJS lacks you register in its `CompressionCodecs`: all but gzip. @default 'none' */
  readonly compression?: Compression
  /**
   * Bytes of a batch at most, before compression: a larger message is nacked before it is sent, and what is sent together
   * is divided. The topic's `max.message.bytes`. @default 1_048_588, as Kafka's
   */
  readonly maxMessageBytes?: number
}

/** The options that only it has. */
const CHECKS: Readonly<Record<Exclude<keyof SendToOptions, keyof RequestOptions | 'batch'>, Check>> = {
  transaction: optional(expectTransaction),
  timestamp: (name, value) => expectOneOf(name, value, ['source', 'now']),
  acks: (name, value) => expectOneOf(name, value, ['all', 'leader']),
  compression: (name, value) => expectOneOf(name, value, COMPRESSIONS),
  maxMessageBytes: (name, value) => expectInteger(name, value, 1),
}

const DEFAULTS = {
  name: 'sendTo',
  timeout: 60_000,
  batch: { max: 500 },
  timestamp: 'source',
  acks: 'all',
  compression: 'none',
  maxMessageBytes: 1_048_588,
} as const

/**
 * Sends something to a topic for each message, and passes the message on, unchanged, once all replicas have it.
 *
 *     source   a-b-c-------|
 *     produce  ----[ABC]
 *     result   --------(abc|)
 *
 * Messages of one source key are sent in their order; after a crash some are sent again, unless a `transaction` is given.
 * Headers and timestamp of the source's message go along. *Transient*, tried again: the broker can't be reached, has no
 * leader or too few replicas. *Permanent*, nacked: what the topic's codec or the broker refuses, and what is too large.
 * *Fatal*: unknown topic, no right to write, a codec that KafkaJS lacks. See docs/sendTo.md.
 *
 * ```ts
 * sendTo(kafka, quality, (order) => ({ key: order.id, value: order }))
 * sendTo(kafka, [small, large], (order) => ({ topic: order.quantity < 100 ? small : large, key: order.id, value: order }))
 * ```
 *
 * @param topic where to, with a name; its codec has to take what `select` gives. Of several, `select` names one
 * @param select key and value, and what else is not as in the source's message; if it throws, the message is nacked
 * @throws TypeError for a topic given by a pattern or a wrong option, at once
 */
export function sendTo<A, const T extends readonly WritableTopic<never>[]>(
  kafka: SendLike,
  topics: T,
  select: (value: A, message: Message<A>) => Routed<T>,
  options?: SendToOptions,
): OperatorFunction<Message<A>, Message<A>>
// `never` until `select` tells V: TypeScript looks at the topic first, and no codec takes `unknown`.
export function sendTo<A, V = never>(
  kafka: SendLike,
  topic: WritableTopic<NoInfer<V>>,
  select: (value: A, message: Message<A>) => Outgoing<V>,
  options?: SendToOptions,
): OperatorFunction<Message<A>, Message<A>>
export function sendTo<A>(
  kafka: SendLike,
  topic: WritableTopic<never> | readonly WritableTopic<never>[],
  select: (value: A, message: Message<A>) => Outgoing<unknown> & { readonly topic?: unknown },
  options: SendToOptions = {},
): OperatorFunction<Message<A>, Message<A>> {
  expectBroker(kafka, 'send')
  const names = namesOf(topic)
  const all = operatorOptions(options, DEFAULTS, CHECKS)
  const { request, transaction, maxMessageBytes, timestamp, ...how } = all
  if (transaction !== undefined) expectOf(kafka, transaction)
  if (transaction !== undefined && how.acks !== 'all') refuse('acks', '`all` in a transaction', how.acks)
  const sending = { maxMessageBytes, classify: request.classify }
  const send: Send = (messages, done) => kafka.send(messages, (error) => done(error, new Map()), how)
  return perBatch<A, OutgoingMessage, A>(
    (value, message) => {
      expectSame(kafka, transaction, message)
      const selected = select(value, message)
      const to = Array.isArray(topic) ? selected.topic : topic
      const name = names.get(to)
      if (name === undefined) throw new PermanentError(strangeText(to, [...names.values()]))
      const outgoing = outgoingOf(to as WritableTopic<unknown>, name, selected, message, timestamp === 'now')
      expectSize(outgoing, maxMessageBytes)
      return outgoing
    },
    (outgoing, { messages }) => {
      if (transaction === undefined)
        return sent([{ send, places: messages.map((_, i) => i) }], outgoing, messages, sending)
      return sent(inTransactions(messages, how), outgoing, messages, sending)
    },
    { ...request, repeats: true },
  )
}

/** Some of a batch, by their places in it, that go out by one way. */
interface Row {
  readonly places: readonly number[]
  readonly send: Send
  /** Hears that nobody waits any more for what may be written none the less. */
  readonly giveUp?: () => void
}

/** A row for each partition that the messages came from: each has its own transaction. */
function inTransactions(messages: readonly Message<unknown>[], how: { readonly compression: Compression }): Row[] {
  const places = new Map<Outlet, number[]>()
  messages.forEach(({ origin }, i) => {
    const outlet = origin.outlet as Outlet
    places.set(outlet, [...(places.get(outlet) ?? []), i])
  })
  return [...places].map(([outlet, own]) => ({
    places: own,
    send: (row, done) => outlet.send(row, done, how),
    giveUp: () => outlet.fail(new TransientError('sendTo got no answer in time')),
  }))
}

/** Sends all rows, and gives the outcome of each message. */
function sent<A>(
  rows: readonly Row[],
  outgoing: readonly OutgoingMessage[],
  messages: readonly Message<A>[],
  options: SendingOptions,
) {
  return new Observable<Outcome<A>[]>((subscriber) => {
    const outcomes: Outcome<A>[] = []
    const open = new Map<Row, Sending>()
    for (const row of rows) {
      const own = row.places.map((i) => outgoing[i] as OutgoingMessage)
      const sending = new Sending(own, row.send, options, () => {
        open.delete(row)
        const isNoneSent = sending.failure !== undefined && sending.failures.size === messages.length
        if (isNoneSent && row.giveUp === undefined) return subscriber.error(sending.failure)
        for (const i of row.places) outcomes[i] = outcomeOf(messages[i] as Message<A>, sending, outgoing[i])
        if (open.size > 0) return
        subscriber.next(outcomes)
        subscriber.complete()
      })
      open.set(row, sending)
    }
    for (const sending of [...open.values()]) sending.start()
    return () => {
      for (const [row, sending] of open) {
        sending.stop()
        row.giveUp?.()
      }
    }
  })
}

function outcomeOf<A>(message: Message<A>, { failures }: Sending, outgoing: OutgoingMessage | undefined): Outcome<A> {
  // Those of a transaction that has ended are delivered again.
  if (message.origin.outlet !== undefined && message.origin.isEnded) return 'drop'
  const own = outgoing as OutgoingMessage
  return failures.has(own) ? { error: failures.get(own) } : { value: message.value }
}

function namesOf(topic: WritableTopic<never> | readonly WritableTopic<never>[]): ReadonlyMap<unknown, string> {
  const topics = Array.isArray(topic) ? (topic as readonly WritableTopic<never>[]) : [topic as WritableTopic<never>]
  if (topics.length === 0) refuse('topic', 'a topic, or several', '[]')
  return new Map(
    topics.map((one) => {
      if (typeof one?.encode !== 'function') refuse('topic', 'a topic: topic(name, codec)', one)
      if (typeof one.name !== 'string') refuse('topic', 'a topic with a name, not a pattern', one.name)
      return [one, one.name]
    }),
  )
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

/** The broker would refuse all that are sent with it. */
function expectSize(outgoing: OutgoingMessage, max: number): void {
  const size = BATCH + sizeOf(outgoing)
  if (size <= max) return
  throw new PermanentError(
    `Cannot send to ${outgoing.topic}: the message has ${size} bytes, and maxMessageBytes is ${max}; send less, or raise it with the topic's max.message.bytes`,
  )
}

function strangeText(topic: unknown, names: readonly string[]): string {
  const got = excerpt((topic as { name?: unknown } | undefined)?.name ?? topic)
  return `Expected the topic of sendTo to be one of those it was given, ${names.join(', ')}; got ${got}; see to it in the selector`
}
