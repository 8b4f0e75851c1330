import { backoff, type RetryOptions } from './backoff.ts'
import type { OutgoingMessage, RawMessage, TopicPartition } from './broker.ts'
import { messageOf } from './errors.ts'

/** A message that failed for good, as a policy sees it. */
export interface Failure extends TopicPartition {
  /** The message as it was fetched: key, value and headers as bytes. */
  readonly raw: RawMessage
  /** What it was nacked with. */
  readonly error: unknown
  /** How often it was delivered, from 1. */
  readonly attempt: number
  readonly groupId: string
  /** When it failed, in ms since 1970. */
  readonly failedAt: number
  /** A number in [0, 1), for jitter. */
  readonly random: () => number
}

/**
 * What is done with a failed message: the source stops, counts it as done, delivers it again `after` ms, or sends
 * another message and then counts it as done.
 */
export type NackAction =
  | { readonly do: 'stop' }
  | { readonly do: 'skip' }
  | { readonly do: 'retry'; readonly after: number }
  | { readonly do: 'send'; readonly message: OutgoingMessage }

/**
 * Decides what is done with a failed message, at once. A policy that throws stops the source.
 *
 * ```ts
 * onNack: (failure) => (failure.attempt < 3 ? { do: 'retry', after: 1000 } : { do: 'skip' })
 * ```
 */
export type NackPolicy = (failure: Failure) => NackAction

/**
 * What a source does with a message that failed for good. `stop`: deliver no more, settle the rest, commit, leave the
 * group and error with the message's place. `skip`: count it as done. Or a policy: {@link deadLetter}, {@link retry}.
 */
export type OnNack = 'stop' | 'skip' | NackPolicy

/** Makes a policy of what a user wrote. */
export function nackPolicy(onNack: OnNack): NackPolicy {
  return typeof onNack === 'function' ? onNack : () => ({ do: onNack })
}

/**
 * Sends failed messages to a topic, then acks them: key, value bytes and headers as they came, and the story of the
 * failure in headers `dlq.*` (docs/dead-letters.md). Headers of an earlier failure are replaced.
 *
 * While the broker is away it is tried again, and the message stays unacked; a topic that does not exist stops the
 * source.
 *
 * @param topic the dead-letter topic; it has to exist
 */
export function deadLetter(topic: string): NackPolicy {
  return ({ raw, error, attempt, groupId, failedAt, ...place }) => ({
    do: 'send',
    message: {
      topic,
      key: raw.key,
      value: raw.value,
      timestamp: Number(raw.timestamp),
      headers: {
        ...raw.headers,
        'dlq.topic': place.topic,
        'dlq.partition': String(place.partition),
        'dlq.offset': String(raw.offset),
        'dlq.timestamp': String(raw.timestamp),
        'dlq.group': groupId,
        'dlq.attempts': String(attempt),
        'dlq.failed-at': new Date(failedAt).toISOString(),
        'dlq.error.type': error instanceof Error ? error.name : typeof error,
        'dlq.error.message': messageOf(error),
      },
    },
  })
}

/** A policy that can be followed by another. */
export interface RetryPolicy extends NackPolicy {
  /** What is done once the tries are used up. */
  then(next: OnNack): NackPolicy
}

/**
 * Delivers a failed message again after a wait. Messages behind it go on meanwhile, so the next of its key may overtake
 * it: unless the source has `order: 'key'`. A retry inside an operator keeps the order of a key anyway.
 *
 *     orders[0]                       a-A-------
 *     onNack: retry()                 a-A--a----   a is nacked, A has its key
 *     the same with `order: 'key'`    a----a-A--   A follows when a is acked
 *
 * ```ts
 * onNack: retry({ attempts: 3 }).then(deadLetter('orders.failed'))
 * ```
 *
 * @param options default: 3 attempts in all; then `stop`, or what `then` says
 */
export function retry(options: RetryOptions = {}): RetryPolicy {
  const { attempts = 3 } = options
  const orElse = (next: NackPolicy): NackPolicy => {
    return (failure) =>
      failure.attempt < attempts
        ? { do: 'retry', after: backoff(options, failure.attempt, failure.random) }
        : next(failure)
  }
  // biome-ignore lint/suspicious/noThenProperty: reads as a sentence; a policy is never awaited
  return Object.assign(orElse(nackPolicy('stop')), { then: (next: OnNack) => orElse(nackPolicy(next)) })
}
