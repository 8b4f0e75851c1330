import { fetch as crossFetch } from 'cross-fetch'
import { map, type Observable, type ObservableInput, type OperatorFunction } from 'rxjs'
import { type Check, expectFunction, expectInteger, optional, refuse } from '../../lib/expect.ts'
import type { Message } from '../../lib/message.ts'
import { operatorOptions, type RequestOptions } from '../../lib/operatorOptions.ts'
import { type Outcome, perBatch } from '../../lib/perBatch.ts'
import {
  type AnyInto,
  type HttpAnswer,
  type HttpBody,
  type HttpResponse,
  type IntoAnswer,
  intoAnswer,
} from './answer.ts'
import { Auth } from './auth.ts'
import { exchange, type FetchLike, type HttpMethod, type Post } from './exchange.ts'
import { type HttpHeaders, mergeHeaders } from './headers.ts'
import { answerError, isRefused, isSuccess } from './outcome.ts'
import { postsOf } from './post.ts'
import type { HttpTarget } from './target.ts'

export type { HttpAnswer, HttpBody, HttpResponse, IntoAnswer } from './answer.ts'
export type { FetchLike, HttpMethod, PostInit, ResponseLike } from './exchange.ts'
export type { HttpHeaders } from './headers.ts'
export type { HttpTarget } from './target.ts'

/** Options of {@link postTo}. `A` is the message's value, `S` what the selector gives. */
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

const DEFAULTS = {
  name: 'postTo',
  successOn: [],
  retryOn: [408, 425, 429, 500, 502, 503, 504],
  /** One MiB. */
  maxResponseBytes: 1_048_576,
  fetch: crossFetch as FetchLike,
}

/** Where it is used. */
const isCheckedLater: Check = () => {}

const expectStatuses: Check = (name, statuses) => {
  const isStatus = (status: unknown) =>
    Number.isInteger(status) && (status as number) >= 200 && (status as number) <= 599
  if (!Array.isArray(statuses) || !statuses.every(isStatus)) refuse(name, 'a list of HTTP statuses', statuses)
}

const CHECKS = {
  method: isCheckedLater,
  headers: isCheckedLater,
  auth: optional(expectFunction),
  body: optional(expectFunction),
  idempotencyKey: optional(expectFunction),
  successOn: expectStatuses,
  retryOn: expectStatuses,
  maxRequestBytes: isCheckedLater,
  maxResponseBytes: (name: string, value: unknown) => expectInteger(name, value, 0),
  fetch: expectFunction,
  into: isCheckedLater,
  response: isCheckedLater,
}

/**
 * Posts JSON for each message, and passes the message on after a 2xx; with `into`, with what was answered.
 *
 *     source  a--b------|
 *     answer  --200 --429 ----200
 *     result  --a-----------------(b|)
 *
 * Messages of one Kafka key are posted one after the other, those of others at the same time. A request that is
 * repeated, here or after a crash, has the same `Idempotency-Key`. *Transient*, tried again: no answer within `timeout`
 * (10 s), no connection, the statuses of `retryOn`; a `Retry-After` (of 5 minutes at most) holds all requests to that
 * host. *Permanent*, nacked: every other 3xx (redirects are not followed), 4xx and 5xx, and what HTTP can't carry.
 * *Fatal*: 401 and 403 (after `auth` was asked again), a bad certificate.
 *
 * @param target a URL, or `{ url, allow }`: a function of the message, and the origins that it may give
 * @param select the body; if it throws, or JSON can't hold what it gives, the message is nacked
 * @throws TypeError for a wrong URL or option, at once
 */
export function postTo<A, S = unknown>(
  target: HttpTarget<A>,
  select: (value: A, message: Message<A>) => S,
  options?: PostToOptions<A, S> & { readonly into?: undefined; readonly response?: 'discard' },
): OperatorFunction<Message<A>, Message<A>>
export function postTo<A, S, const K extends string, R extends 'json' | 'text' = 'json'>(
  target: HttpTarget<A>,
  select: (value: A, message: Message<A>) => S,
  options: PostToOptions<A, S> & IntoAnswer<K, R>,
): OperatorFunction<Message<A>, Message<A & { [P in K]: HttpBody<R> }>>
export function postTo<A, S, B, R extends HttpResponse = 'json'>(
  target: HttpTarget<A>,
  select: (value: A, message: Message<A>) => S,
  options: PostToOptions<A, S> & IntoAnswer<(value: A, answer: HttpAnswer<HttpBody<R>>) => B, R>,
): OperatorFunction<Message<A>, Message<B>>
export function postTo<A, S, B>(
  target: HttpTarget<A>,
  select: (value: A, message: Message<A>) => S,
  options: PostToOptions<A, S> & AnyInto<A, B> = {},
): OperatorFunction<Message<A>, Message<B>> {
  const { request, ...own } = operatorOptions(options, DEFAULTS, CHECKS)
  const { fetch, auth, maxResponseBytes, successOn, retryOn } = own
  const statuses = { successOn, retryOn }
  const token = auth && new Auth(auth)
  const put = intoAnswer(options, maxResponseBytes)
  const send = (post: Post, message: Message<A>): Observable<Outcome<B>> => {
    if (post.fault !== undefined) throw post.fault
    const ask = (headers?: HttpHeaders) => exchange(fetch, withHeaders(post, headers), maxResponseBytes, message.signal)
    const answers = token?.let(ask, (answer) => isRefused(answer, statuses)) ?? ask()
    return answers.pipe(
      map((answer) => {
        if (!isSuccess(answer, statuses)) throw answerError(answer, statuses, message.origin.clock.now())
        return { value: put(message.value, answer) }
      }),
    )
  }
  return perBatch<A, Post, B>(
    postsOf(target, select, options),
    ([post], { messages: [message] }) => send(post as Post, message as Message<A>).pipe(map((outcome) => [outcome])),
    { ...request, holdAll: true },
  )
}

function withHeaders(post: Post, headers: HttpHeaders | undefined): Post {
  return headers === undefined ? post : { ...post, headers: mergeHeaders(post.headers, headers) }
}
