import type { RetryOptions } from './backoff.ts'
import { type ErrorClass, errorClassOf } from './errors.ts'
import {
  type Check,
  expectFunction,
  expectInteger,
  expectKnown,
  expectMs,
  expectOneOf,
  expectParts,
  expectText,
  optional,
  refuse,
} from './expect.ts'
import { ORDERS, type Order } from './lanes.ts'
import { expectRateLimit, type RateLimit } from './rateLimit.ts'

/** Options of every operator that asks a server. Times in ms. */
export interface RequestOptions {
  /** Requests under way at the same time. @default 16 */
  readonly concurrency?: number
  /** Which messages may not overtake each other. @default 'key' */
  readonly order?: Order
  /** How long one try may take. @default 10_000 */
  readonly timeout?: number
  /**
   * How long all tries of a message may take together, from the beginning of the first: what has not succeeded by then
   * is nacked with its last failure. @default Infinity
   */
  readonly totalTimeout?: number
  /** How transient failures are tried again, in place: the message's lane waits. @default for ever, 200 ms × 2 up to 30 s */
  readonly retry?: RetryOptions
  /** How often the server may be asked, by all operators that hold the limit: see `rateLimit`. @default as often as can be */
  readonly rateLimit?: RateLimit
  /**
   * Says what becomes of a failure; its `cause` is the client's own error. @default the operator's own table; in
   * `perBatch` a `TransientError` is transient, a `FatalError` fatal, any other permanent
   */
  readonly classify?: (error: unknown) => ErrorClass
  /** The operator's name, in errors, in `health()` and for the receivers' idempotency keys. @default the function's name */
  readonly name?: string
}

/** How many messages go into one request. */
export interface BatchOptions {
  /** Messages in a request at most. @default 100, or what the operator says */
  readonly max?: number
  /** How long a message waits for others when the source is quiet, in ms. @default 5 */
  readonly wait?: number
}

/** {@link RequestOptions} with their defaults. */
export interface AllRequestOptions extends Required<Omit<RequestOptions, 'rateLimit'>> {
  readonly rateLimit?: RateLimit
  readonly batch: Required<BatchOptions>
}

/** An operator's defaults: its name, its own of the common options, and those of options that only it has. */
type Defaults<O> = Partial<O> & { readonly name: string; readonly batch?: BatchOptions }

/** The options that only this operator has. */
type Own<O> = Omit<O, keyof RequestOptions | 'batch'>

/** All options of an operator: the common ones under `request`, its own beside it. */
type All<O, D> = Omit<Own<O>, keyof D> &
  Required<Pick<Own<O>, keyof D & keyof Own<O>>> & { readonly request: AllRequestOptions }

const COMMON = ['concurrency', 'order', 'timeout', 'totalTimeout', 'retry', 'rateLimit', 'classify', 'name'] as const

/**
 * Checks the options of an operator when its pipe is built, and gives them all, with their defaults.
 *
 * ```ts
 * const { request, index } = operatorOptions(options, { name: 'indexToEs', batch: { max: 500 } }, { index: expectText })
 * return perBatch(prepare, send, request)
 * ```
 *
 * An option that is `undefined` counts as left out. An operator whose defaults have no `batch` takes none: it sends one
 * message a request.
 *
 * @param checks one for each option that only this operator has
 * @throws TypeError that names the option, what was expected and what came; also for a name that nobody knows
 */
export function operatorOptions<O extends RequestOptions, const D extends Defaults<O>>(
  options: O,
  defaults: D,
  checks: { readonly [K in keyof Own<O>]-?: Check },
): All<O, D> {
  const own = Object.entries<Check>(checks)
  const batch = defaults.batch === undefined ? [] : ['batch']
  expectKnown(`options of ${defaults.name}`, options, [...COMMON, ...batch, ...own.map(([option]) => option)])
  const all = { ...defaults, ...given(options) } as unknown as Record<string, unknown>
  for (const [option, check] of own) check(option, all[option])
  const request = requestOptions(all, defaults.batch ?? { max: 1 })
  return { ...Object.fromEntries(own.map(([option]) => [option, all[option]])), request } as All<O, D>
}

function requestOptions(options: RequestOptions & { batch?: BatchOptions }, batch: BatchOptions): AllRequestOptions {
  const { rateLimit } = options
  for (const [option, check] of Object.entries(CHECKS)) optional(check)(option, options[option as keyof typeof CHECKS])
  return {
    concurrency: options.concurrency ?? 16,
    order: options.order ?? 'key',
    timeout: options.timeout ?? 10_000,
    totalTimeout: options.totalTimeout ?? Number.POSITIVE_INFINITY,
    retry: options.retry ?? {},
    ...(rateLimit === undefined ? {} : { rateLimit }),
    classify: options.classify ?? errorClassOf,
    name: options.name as string,
    batch: { max: 100, wait: 5, ...batch, ...given(options.batch ?? {}) },
  }
}

/** An option that is `undefined` was left out. */
function given(options: object): object {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
}

const atLeastOne: Check = (name, value) => expectInteger(name, value, 1)

const RETRY: Readonly<Record<keyof RetryOptions, Check>> = {
  attempts: atLeastOne,
  delay: expectMs,
  factor: (name, value) => {
    if (typeof value !== 'number' || !(value >= 1)) refuse(name, 'a number >= 1', value)
  },
  max: expectMs,
  jitter: (name, value) => expectOneOf(name, value, ['full', 'none']),
}

const BATCH: Readonly<Record<keyof BatchOptions, Check>> = { max: atLeastOne, wait: expectMs }

const CHECKS: Readonly<Record<keyof RequestOptions | 'batch', Check>> = {
  concurrency: atLeastOne,
  order: (name, value) => expectOneOf(name, value, ORDERS),
  timeout: expectMs,
  totalTimeout: expectMs,
  retry: (name, value) => expectParts(name, value, RETRY),
  rateLimit: expectRateLimit,
  classify: expectFunction,
  name: expectText,
  batch: (name, value) => expectParts(name, value, BATCH),
}
