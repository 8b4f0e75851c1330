import { map, type Observable, type OperatorFunction } from 'rxjs'
import type { Message } from '../../lib/message.ts'
import { operatorOptions } from '../../lib/operatorOptions.ts'
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
import { Controllers } from './controllers.ts'
import { exchange, type Post } from './exchange.ts'
import { type HttpHeaders, mergeHeaders } from './headers.ts'
import { CHECKS, DEFAULTS, type PostToOptions } from './options.ts'
import { answerError, isRefused, isSuccess } from './outcome.ts'
import { postsOf } from './post.ts'
import { type HttpTarget, isFixed } from './target.ts'

export type { HttpAnswer, HttpBody, HttpResponse, IntoAnswer } from './answer.ts'
export type { FetchLike, HttpMethod, PostInit, ResponseLike } from './exchange.ts'
export type { HttpHeaders } from './headers.ts'
export type { PostToOptions } from './options.ts'
export type { HttpTarget } from './target.ts'

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
  const { fetch, auth, maxResponseBytes, ...statuses } = own
  const exchanges = { fetch, controllers: new Controllers(fetch), maxBytes: maxResponseBytes }
  const token = auth && new Auth(auth)
  const put = intoAnswer(own, maxResponseBytes)
  const send = (post: Post, message: Message<A>): Observable<[Outcome<B>]> => {
    if (post.fault !== undefined) throw post.fault
    const ask = (headers?: HttpHeaders) => exchange(exchanges, withHeaders(post, headers), message.signal)
    const answers = token?.let(ask, (answer) => isRefused(answer, statuses)) ?? ask()
    return answers.pipe(
      map((answer) => {
        if (!isSuccess(answer, statuses)) throw answerError(answer, statuses, message.origin.clock.now())
        return [{ value: put(message.value, answer) }]
      }),
    )
  }
  return perBatch<A, Post, B>(
    postsOf(target, select, { ...own, name: request.name }),
    ([post], { messages: [message] }) => send(post as Post, message as Message<A>),
    // Where there may be several servers, what waits for one must take no place from the others.
    isFixed(target) ? { ...request, holdAll: true } : { ...request, serverOf: ({ url }) => url.origin },
  )
}

function withHeaders(post: Post, headers: HttpHeaders | undefined): Post {
  return headers === undefined ? post : { ...post, headers: mergeHeaders(post.headers, headers) }
}
