import { fetch as crossFetch } from 'cross-fetch'
import type { ObservableInput } from 'rxjs'
import { type Check, expectFunction, expectInteger, expectOneOf, optional, refuse } from '../../lib/expect.ts'
import type { Message } from '../../lib/message.ts'
import type { RequestOptions } from '../../lib/operatorOptions.ts'
import { expectInto, RESPONSES } from './answer.ts'
import type { FetchLike, HttpMethod } from './exchange.ts'
import { expectHeaders, type HttpHeaders } from './headers.ts'

/** Options of `postTo`. `A` is the message's value, `S` what the selector gives. */
export interface PostToOptions<A, S = unknown> extends RequestOptions {
  /** @default 'POST' */
  readonly method?: HttpMethod
  /** Headers beside `Content-Type: application/json`, or in its place. @default {} */
  readonly headers?: HttpHeaders | ((value: A, message: Message<A>) => HttpHeaders)
  /**
   * Headers that let requests in, such as a token; they go over `headers`. Asked for before the first request, shared
   * by all, and asked for again once when a request is answered with 401 or 403.
   */
  readonly auth?: () => ObservableInput<HttpHeaders>
  /** Writes the body; `Content-Type` is then up to `headers`. @default JSON */
  readonly body?: (selected: S) => string | Uint8Array
  /**
   * By what the receiver knows a request that it has served before; false sends none.
   * @default `<groupId>/<name>/<message.id>`: the same at every delivery
   */
  readonly idempotencyKey?: (value: A, message: Message<A>) => string | false
  /** Statuses that count as success, beside 2xx. @default [] */
  readonly successOn?: readonly number[]
  /** Statuses that may pass. @default [408, 425, 429, 500, 502, 503, 504] */
  readonly retryOn?: readonly number[]
  /** The longest body that is sent, in bytes; a longer one is nacked. @default 1_048_576 */
  readonly maxRequestBytes?: number
  /** How much of an answer is read, in bytes. @default 1_048_576 */
  readonly maxResponseBytes?: number
  /** Does the requests. @default cross-fetch */
  readonly fetch?: FetchLike
}

/** One MiB. */
const MIB = 1_048_576

export const DEFAULTS = {
  name: 'postTo',
  method: 'POST',
  headers: {},
  successOn: [],
  retryOn: [408, 425, 429, 500, 502, 503, 504],
  maxRequestBytes: MIB,
  maxResponseBytes: MIB,
  fetch: crossFetch as FetchLike,
} as const

const METHODS: readonly HttpMethod[] = ['POST', 'PUT', 'PATCH', 'DELETE']

export const CHECKS = {
  method: (name: string, value: unknown) => expectOneOf(name, value, METHODS),
  headers: expectHeaders,
  auth: optional(expectFunction),
  body: optional(expectFunction),
  idempotencyKey: optional(expectFunction),
  successOn: expectStatuses,
  retryOn: expectStatuses,
  maxRequestBytes: (name: string, value: unknown) => expectInteger(name, value, 1),
  maxResponseBytes: (name: string, value: unknown) => expectInteger(name, value, 0),
  fetch: expectFunction,
  into: optional(expectInto),
  response: optional((name, value) => expectOneOf(name, value, RESPONSES)),
} satisfies Readonly<Record<string, Check>>

function expectStatuses(name: string, statuses: unknown): void {
  const isStatus = (status: unknown) =>
    Number.isInteger(status) && (status as number) >= 200 && (status as number) <= 599
  if (!Array.isArray(statuses) || !statuses.every(isStatus)) refuse(name, 'a list of HTTP statuses', statuses)
}
