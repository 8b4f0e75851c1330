import type { TopicPartition } from './broker.ts'

/**
 * What becomes of a failure. *Transient*: retried in place. *Permanent*: the message is nacked, the stream lives on.
 * *Fatal*: the stream errors, because no message could succeed.
 */
export type ErrorClass = 'transient' | 'permanent' | 'fatal'

/** A failure that may pass by itself: a closed socket, a timeout, 429, 5xx. */
export class TransientError extends Error {
  override readonly name: string = 'TransientError'
  readonly errorClass = 'transient'
  /** How long the server asked to be left alone, in ms. */
  readonly retryAfter: number | undefined
  /** Whether a smaller request may succeed where this one did not: of several messages, it is tried again in halves. */
  readonly tooLarge: boolean

  constructor(message: string, options: { cause?: unknown; retryAfter?: number; tooLarge?: boolean } = {}) {
    super(message, causeOf(options))
    this.retryAfter = options.retryAfter
    this.tooLarge = options.tooLarge ?? false
  }
}

/**
 * Another member of the group reads other topics, and this one was assigned partitions of them: nobody reads those as
 * long as both are members.
 */
export class UnreadTopicsError extends TransientError {
  override readonly name = 'UnreadTopicsError'
  readonly topics: readonly string[]

  constructor(groupId: string, topics: readonly string[]) {
    super(
      `Group ${groupId} was assigned ${topics.join(', ')}, which this member does not read, so nobody reads those partitions: another member of the group reads other topics; give each set of topics a groupId of its own`,
    )
    this.topics = topics
  }
}

/** A failure that every further try would meet too: an undecodable or refused message. */
export class PermanentError extends Error {
  override readonly name: string = 'PermanentError'
  readonly errorClass = 'permanent'

  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, causeOf(options))
  }
}

/** A failure of the set-up, which no message escapes: wrong credentials, an unknown topic, index or bucket. */
export class FatalError extends Error {
  override readonly name: string = 'FatalError'
  readonly errorClass = 'fatal'

  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, causeOf(options))
  }
}

/** A message whose bytes are not what its topic's codec expects. */
export class DecodeError extends PermanentError {
  override readonly name = 'DecodeError'
}

/** Nothing was found for a message, by a look-up with `onMiss: 'nack'`. */
export class MissError extends PermanentError {
  override readonly name = 'MissError'
}

/** The failure of one message, with its place; `cause` is what it was nacked with. A source that stops errors with it. */
export class MessageError extends Error {
  override readonly name = 'MessageError'
  readonly topic: string
  readonly partition: number
  readonly offset: number

  constructor(place: TopicPartition & { offset: number }, cause: unknown, advice: string) {
    super(`Cannot process ${place.topic}[${place.partition}]@${place.offset}: ${messageOf(cause)}${advice}`, { cause })
    this.topic = place.topic
    this.partition = place.partition
    this.offset = place.offset
  }
}

/** A fatal failure with the place of the message that met it, as {@link MessageError} has it. */
export function fatalAt(place: TopicPartition & { offset: number }, error: unknown): FatalError {
  return new FatalError(new MessageError(place, error, '').message, { cause: error })
}

/**
 * A refused offset commit. *rebalancing*: the group is joining, and the commit is due again after it. *fenced*: this
 * member no longer owns what it commits. *retriable*: the broker could not be asked. *metadata*: it takes the offsets, but
 * not what is to be kept beside them. *fatal*: it said no for good.
 */
export class CommitError extends Error {
  override readonly name = 'CommitError'
  readonly kind: 'rebalancing' | 'fenced' | 'retriable' | 'metadata' | 'fatal'

  constructor(kind: CommitError['kind'], message: string, options: { cause?: unknown } = {}) {
    super(message, causeOf(options))
    this.kind = kind
  }
}

/**
 * Tells the class of an error by its `errorClass` property (not `instanceof`, which fails between the ESM and the
 * CommonJS build); an error without one is permanent.
 */
export function errorClassOf(error: unknown): ErrorClass {
  const named = (error as { errorClass?: unknown } | null | undefined)?.errorClass
  return named === 'transient' || named === 'fatal' ? named : 'permanent'
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function causeOf(options: { cause?: unknown }): ErrorOptions {
  return options.cause === undefined ? {} : { cause: options.cause }
}
