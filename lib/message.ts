import type { Headers, OutgoingMessage, RawMessage, SendDone, SendOptions, TopicPartition } from './broker.ts'
import type { Clock } from './clock.ts'
import type { Holders } from './holders.ts'
import type { Transaction } from './transaction.ts'

/** How a message ends. Abandoned: whoever held it was torn down, so that nobody will ever settle it. */
export type Verdict = 'acked' | 'nacked' | 'abandoned'

/** The assigned partition that a message came from, as the operators downstream see it. */
export interface Origin extends TopicPartition {
  readonly groupId: string
  readonly clock: Clock
  readonly maxInFlight: number
  /** Whether the partition was taken away or given up. */
  readonly isEnded: boolean
  /** Aborts when that happens. */
  readonly signal: AbortSignal
  /** Whether the fetched message of a slot was given out, and nobody has settled it. */
  isOpen(slot: number): boolean
  /** The operators that hold messages of the source, for whoever waits with some of its own. */
  readonly holders: Holders
  /** Where to send what is made of its messages; only when the source commits with a transaction. */
  readonly outlet?: Outlet | undefined
  /** A number in [0, 1), for jitter. */
  random(): number
  /**
   * Calls `flush` once, when the source goes quiet: a batch must not wait for messages that can't come. False when it
   * is quiet already, and `flush` is called only when it has spoken again, or before a rebalance, or at the end.
   */
  onQuiet(flush: () => void): boolean
  /** Does work that emits several messages; the source goes quiet again after it. */
  slice(work: () => void): void
}

/** The transaction that what is made of a partition's messages is sent in. */
export interface Outlet {
  readonly transaction: Transaction
  /** Sends in it. An error has ended the partition before it is told. */
  send(messages: readonly OutgoingMessage[], done: SendDone, options?: SendOptions): void
  /** Says that a send is not waited for any more, so that nobody knows what was sent. */
  fail(error: Error): void
}

/** Who is told that a message is settled: its partition's tracker, or the scope that it is a child of. */
export interface Token {
  readonly origin: Origin
  settle(slot: number, verdict: Verdict, error: unknown, raw: RawMessage): void
  idOf(slot: number, raw: RawMessage): string
  attemptOf(slot: number): number
  /** The slot of the fetched message that this one is made of. */
  rootOf(slot: number): number
}

/** In the place of a slot: the obligation was handed on, or the message is settled. */
const SPENT = -1

/**
 * A message of a topic, with the obligation to settle it: {@link Message.ack} or {@link Message.nack}, once.
 *
 * A view: everything but the value is read from the fetched message when asked for.
 */
export class Message<out T> {
  /** The decoded value. */
  readonly value: T
  /** @internal */
  readonly raw: RawMessage
  /** @internal */
  readonly token: Token
  /** @internal */
  slot: number

  /** @internal */
  constructor(value: T, raw: RawMessage, token: Token, slot: number) {
    this.value = value
    this.raw = raw
    this.token = token
    this.slot = slot
  }

  /** The name of its topic. */
  get topic(): string {
    return this.token.origin.topic
  }

  /** Its partition, from 0. */
  get partition(): number {
    return this.token.origin.partition
  }

  /** Its place in the partition. */
  get offset(): number {
    return Number(this.raw.offset)
  }

  /** When the message was produced, in ms since 1970. */
  get timestamp(): number {
    return Number(this.raw.timestamp)
  }

  /** The key's bytes, null when it has none; as text: `Buffer.from(key).toString()`. */
  get key(): Uint8Array | null {
    return this.raw.key
  }

  /** Its headers; their values are bytes, as a rule. */
  get headers(): Headers {
    return this.raw.headers ?? {}
  }

  /** `topic-partition-offset`, with `.n` for the n-th child: the same at every delivery. */
  get id(): string {
    return this.token.idOf(this.slot, this.raw)
  }

  /** Which delivery this is, from 1. */
  get attempt(): number {
    return this.token.attemptOf(this.slot)
  }

  /** Aborts when the partition is taken away or given up: work for the message is then in vain. */
  get signal(): AbortSignal {
    return this.token.origin.signal
  }

  /** Where the message came from. @internal */
  get origin(): Origin {
    return this.token.origin
  }

  /** Says that the message is done: its offset may be committed. A second call does nothing. */
  ack(): void {
    this.settle('acked', undefined)
  }

  /** Says that the message failed for good; the source's `onNack` decides. A second call does nothing. */
  nack(error: unknown): void {
    this.settle('nacked', error)
  }

  /**
   * Hands the obligation to a view with another value. This view is spent: to give one message to two, use `fork`.
   *
   * @throws Error when this view was settled or handed on before
   */
  with<U>(value: U): Message<U> {
    return new Message(value, this.raw, this.token, this.spend())
  }

  /** Whether this view has no obligation any more. @internal */
  get isSpent(): boolean {
    return this.slot === SPENT
  }

  /** Says that nobody will settle the message. @internal */
  abandon(): void {
    this.settle('abandoned', undefined)
  }

  /** Takes the obligation away from this view. @internal */
  spend(): number {
    const { slot } = this
    if (slot === SPENT) throw new Error(spentText(this))
    this.slot = SPENT
    return slot
  }

  private settle(verdict: Verdict, error: unknown): void {
    const { slot } = this
    if (slot === SPENT) return
    this.slot = SPENT
    this.token.settle(slot, verdict, error, this.raw)
  }
}

/** Says whether a value is a message. By its shape: the ESM and the CommonJS build have a class each. */
export function isMessage(value: unknown): value is Message<unknown> {
  return typeof (value as Message<unknown> | null | undefined)?.nack === 'function'
}

/** Says that a view has no obligation to hand on. */
export function spentText(message: Message<unknown>): string {
  const place = `${message.topic}[${message.partition}]@${message.offset}`
  return `Cannot hand on ${place}: this view of it is settled or was handed on by with(); use fork() to give one message to two branches`
}
