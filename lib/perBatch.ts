import { Observable, type ObservableInput, type OperatorFunction } from 'rxjs'
import { Batches } from './batches.ts'
import type { ErrorClass } from './errors.ts'
import { expectBoolean, expectFunction, optional } from './expect.ts'
import type { Message } from './message.ts'
import { type AllRequestOptions, type BatchOptions, operatorOptions, type RequestOptions } from './operatorOptions.ts'

/** Options of {@link perBatch}. */
export interface PerBatchOptions<R = unknown> extends RequestOptions {
  /** How many messages go into one request. @default { max: 100, wait: 5 } */
  readonly batch?: BatchOptions
  /** Whether one request may hold several messages of a lane: only where the server applies them in order. @default false */
  readonly repeats?: boolean
  /** Whether a `retryAfter` of the server holds back every request, not only the one it answers. @default false */
  readonly holdAll?: boolean
  /**
   * Which server a request goes to, where there are several: a `retryAfter` holds back all requests to the one that
   * asked for it, and what waits for one server takes no place from the others. @default one for all
   */
  readonly serverOf?: (request: R) => string
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
 * places is free, so batches grow under load. A transient failure of the whole request is tried again as it is, or in
 * halves, down to one message, when it got no answer in time or was `tooLarge`; what failed of its items, apart from the
 * rest; all hold their lanes. When a request of several fails for good, its
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
  options: PerBatchOptions<NoInfer<R>> = {},
): OperatorFunction<Message<A>, Message<B>> {
  const all = perBatchOptions(options)
  return (source) => new Observable((out) => new Batches(prepare, send, all, out).subscribe(source))
}

/** {@link PerBatchOptions} with their defaults. */
export interface AllPerBatchOptions<R> extends AllRequestOptions {
  readonly repeats: boolean
  readonly holdAll: boolean
  readonly serverOf?: ((request: R) => string) | undefined
  /** Whether a request holds messages of as few partitions as it can. */
  readonly byPartition?: boolean | undefined
}

/** Gives the options of `perBatch`, or of what is made of it, their defaults, and refuses wrong ones. */
export function perBatchOptions<R>(options: PerBatchOptions<R>): AllPerBatchOptions<R> {
  const defaults = { name: 'perBatch', batch: {}, repeats: false, holdAll: false }
  const checks = { repeats: expectBoolean, holdAll: expectBoolean, serverOf: optional(expectFunction) }
  const { request, ...own } = operatorOptions(options, defaults, checks)
  return { ...request, ...own, classify: guarded(request.classify) }
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
