import { Observable, type ObservableInput, type OperatorFunction } from 'rxjs'
import type { RetryOptions } from './backoff.ts'
import { Batches } from './batches.ts'
import { type ErrorClass, errorClassOf } from './errors.ts'
import { expectInteger, expectMs, expectOneOf } from './expect.ts'
import { ORDERS, type Order } from './lanes.ts'
import type { Message } from './message.ts'

/** Options of every operator that asks a server. Times in ms. */
export interface RequestOptions {
  /** Requests under way at the same time. @default 16 */
  readonly concurrency?: number
  /** Which messages may not overtake each other. @default 'key' */
  readonly order?: Order
  /** How long one try may take. @default 10_000 */
  readonly timeout?: number
  /** How transient failures are tried again, in place: the message's lane waits. @default for ever, 200 ms × 2 up to 30 s */
  readonly retry?: RetryOptions
  /**
   * Says what becomes of a failure; its `cause` is the client's own error. @default the operator's own table; in
   * `perBatch` a `TransientError` is transient, a `FatalError` fatal, any other permanent
   */
  readonly classify?: (error: unknown) => ErrorClass
  /** The operator's name, in errors and for the receivers' idempotency keys. @default the function's name */
  readonly name?: string
}

/** How many messages go into one request. */
export interface BatchOptions {
  /** Messages in a request at most. @default 100, or what the operator says */
  readonly max?: number
  /** How long a message waits for others when the source is quiet, in ms. @default 5 */
  readonly wait?: number
}

/** Options of {@link perBatch}. */
export interface PerBatchOptions extends RequestOptions {
  /** How many messages go into one request. @default { max: 100, wait: 5 } */
  readonly batch?: BatchOptions
  /** Whether one request may hold several messages of a lane: only where the server applies them in order. @default false */
  readonly repeats?: boolean
  /** Whether a `retryAfter` of the server holds back every request, not only the one it answers. @default false */
  readonly holdAll?: boolean
}

/** What became of one message of a request: a value to pass on, nothing to pass on, or a failure. */
export type Outcome<B> = { readonly value: B } | { readonly error: unknown } | 'drop'

/** One request, which carries many messages. */
export interface Batch<A> {
  /** Those that the requests were prepared from, in the same order. Settling them is not up to `send`. */
  readonly messages: readonly Message<A>[]
  /** Aborts when the time is up or the pipe is torn down. */
  readonly signal: AbortSignal
}

/**
 * Sends messages in batches, and settles each by its own outcome.
 *
 *     source                    a-b-c---d
 *     perBatch(…, {batch: 3})   ----(ABC)--D
 *
 * A batch goes off when it is full, when the source is quiet, or after `batch.wait`; never before one of `concurrency`
 * places is free, so batches grow under load. A transient failure of the whole request is tried again as it is; what
 * failed of its items, apart from the rest; both hold their lanes. When a request of several fails for good, its
 * messages are tried one by one, so that one bad message is one bad message. A message whose partition was taken away
 * is not sent any more.
 *
 * What `send` or an outcome fails with is *permanent*, unless it is a `TransientError` or `FatalError` or
 * `options.classify` says otherwise.
 *
 * ```ts
 * const setIn = (redis: Redis) =>
 *   perBatch(
 *     (order: Order) => [order.id, order.symbol],
 *     async (pairs) => {
 *       await redis.mset(pairs.flat())
 *       return pairs.map(([id]) => ({ value: id }))
 *     },
 *     { name: 'setIn', classify: () => 'transient' },
 *   )
 * ```
 *
 * @param prepare what a message asks for; if it throws, the message is nacked
 * @param send performs one request; gives one {@link Outcome} for each of `requests`, in order
 * @throws TypeError for a wrong option, at once
 */
export function perBatch<A, R, B>(
  prepare: (value: A, message: Message<A>) => R,
  send: (requests: readonly R[], batch: Batch<A>) => ObservableInput<readonly Outcome<B>[]>,
  options: PerBatchOptions = {},
): OperatorFunction<Message<A>, Message<B>> {
  const all = perBatchOptions(options)
  return (source) => new Observable((out) => new Batches(prepare, send, all, out).subscribe(source))
}

/** {@link PerBatchOptions} with their defaults. */
export interface AllPerBatchOptions extends Required<Omit<PerBatchOptions, 'batch'>> {
  readonly batch: Required<BatchOptions>
}

/** Gives the options of `perBatch` their defaults, and refuses wrong ones. */
export function perBatchOptions(options: PerBatchOptions): AllPerBatchOptions {
  const all: AllPerBatchOptions = {
    concurrency: options.concurrency ?? 16,
    order: options.order ?? 'key',
    timeout: options.timeout ?? 10_000,
    retry: options.retry ?? {},
    classify: guarded(options.classify ?? errorClassOf),
    name: options.name ?? 'perBatch',
    batch: { max: options.batch?.max ?? 100, wait: options.batch?.wait ?? 5 },
    repeats: options.repeats ?? false,
    holdAll: options.holdAll ?? false,
  }
  expectInteger('concurrency', all.concurrency, 1)
  expectOneOf('order', all.order, ORDERS)
  expectMs('timeout', all.timeout)
  expectInteger('batch.max', all.batch.max, 1)
  expectMs('batch.wait', all.batch.wait)
  expectInteger('retry.attempts', all.retry.attempts ?? 1, 1)
  expectMs('retry.delay', all.retry.delay ?? 0)
  expectMs('retry.max', all.retry.max ?? 0)
  return all
}

/** A table that throws can judge no failure: none of its messages would ever be settled. */
function guarded(classify: (error: unknown) => ErrorClass): (error: unknown) => ErrorClass {
  return (error) => {
    try {
      return classify(error)
    } catch {
      return 'fatal'
    }
  }
}
