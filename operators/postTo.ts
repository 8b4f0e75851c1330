import { fetch as crossFetch } from 'cross-fetch'
import { defer, from, map, mergeMap, Observable, type ObservableInput, type OperatorFunction } from 'rxjs'
import { excerpt, toJson } from '../lib/codec.ts'
import { FatalError, messageOf, PermanentError, TransientError } from '../lib/errors.ts'
import { refuse } from '../lib/expect.ts'
import type { Message } from '../lib/message.ts'
import { type Outcome, perBatch, type RequestOptions } from '../lib/perBatch.ts'

/** What `postTo` uses of HTTP; any `fetch` is one. */
export type FetchLike = (url: string, init: PostInit) => ObservableInput<ResponseLike>

/** How `postTo` calls a {@link FetchLike}. */
export interface PostInit {
  readonly method: 'POST'
  readonly headers: Record<string, string>
  readonly body: string
  readonly redirect: 'manual'
  readonly signal: AbortSignal
}

/** What `postTo` reads of an answer: always to its end, or its socket would stay taken. */
export interface ResponseLike {
  readonly status: number
  readonly headers: { get(name: string): string | null }
  text(): ObservableInput<string>
}

/** Options of {@link postTo}. */
export interface PostToOptions<A> extends RequestOptions {
  /** Headers beside `Content-Type: application/json`, or in its place. @default {} */
  readonly headers?: HttpHeaders | ((value: A, message: Message<A>) => HttpHeaders)
  /**
   * By what the receiver knows a request that it has served before; false sends none.
   * @default `<groupId>-<name>-<message.id>`: the same at every delivery
   */
  readonly idempotencyKey?: (value: A, message: Message<A>) => string | false
  /** Statuses that count as success, beside 2xx. @default [] */
  readonly successOn?: readonly number[]
  /** Statuses that may pass. @default [408, 425, 429, 500, 502, 503, 504] */
  readonly retryOn?: readonly number[]
  /** Does the requests. @default cross-fetch */
  readonly fetch?: FetchLike
}

/** Headers of a request, by name. */
export type HttpHeaders = Readonly<Record<string, string>>
type Post = Omit<PostInit, 'signal'>

interface Answer {
  readonly response: ResponseLike
  readonly body: string
}

/** The longest that a server's `Retry-After` is obeyed, in ms. */
const LONGEST_HOLD = 5 * 60_000

/**
 * Posts JSON for each message, and passes the message on after a 2xx.
 *
 *     source  a--b------|
 *     answer  --200 --429 ----200
 *     result  --a-----------------(b|)
 *
 * Messages of one Kafka key are posted one after the other, those of others at the same time. A request that is
 * repeated, here or after a crash, has the same `Idempotency-Key`. *Transient*, tried again: no answer within `timeout`
 * (10 s), no connection, the statuses of `retryOn`; a `Retry-After` (of 5 minutes at most) holds all requests.
 * *Permanent*, nacked: every other 3xx (redirects are not followed), 4xx and 5xx. *Fatal*: 401, 403, a bad certificate.
 *
 * @param select the body; if it throws, or JSON can't hold what it gives, the message is nacked
 * @throws TypeError for a wrong URL or option, at once
 */
export function postTo<A>(
  url: string | URL,
  select: (value: A, message: Message<A>) => unknown,
  options: PostToOptions<A> = {},
): OperatorFunction<Message<A>, Message<A>> {
  const { fetch = crossFetch, successOn = [], retryOn = [408, 425, 429, 500, 502, 503, 504] } = options
  const target = targetOf(url)
  if (typeof fetch !== 'function') refuse('fetch', 'a function', fetch)
  const outcome = (message: Message<A>, answer: Answer): Outcome<A> => {
    const { status } = answer.response
    if ((status >= 200 && status < 300) || successOn.includes(status)) return { value: message.value }
    if (!retryOn.includes(status)) throw refusal(target, answer)
    throw new TransientError(answerText(target, answer), retryAfterOf(answer, message.origin.clock.now()))
  }
  return perBatch<A, Post, A>(
    (value, message) => postOf(toJson(select(value, message)), headersOf(value, message, options)),
    ([post], { messages: [message] }) =>
      exchange(fetch, target, post as Post, message as Message<A>).pipe(
        map((answer) => [outcome(message as Message<A>, answer)]),
      ),
    { name: 'postTo', ...options, batch: { max: 1 }, repeats: false, holdAll: true },
  )
}

/** Refuses a URL that no request could go to. */
function targetOf(url: string | URL): URL {
  const target = URL.canParse(String(url)) ? new URL(url) : undefined
  if (target === undefined || !/^https?:$/.test(target.protocol)) refuse('url', 'an http: or https: URL', url)
  return target
}

function postOf(body: string, headers: Record<string, string>): Post {
  return { method: 'POST', headers, body, redirect: 'manual' }
}

function headersOf<A>(value: A, message: Message<A>, options: PostToOptions<A>): Record<string, string> {
  const { headers = {}, name = 'postTo', idempotencyKey } = options
  const own = typeof headers === 'function' ? headers(value, message) : headers
  const key = idempotencyKey === undefined ? defaultKey(name, message) : idempotencyKey(value, message)
  const all: Record<string, string> = { 'Content-Type': 'application/json' }
  if (key !== false) all['Idempotency-Key'] = key
  for (const [header, text] of Object.entries(own)) {
    for (const known of Object.keys(all)) if (known.toLowerCase() === header.toLowerCase()) delete all[known]
    all[header] = text
  }
  for (const [header, text] of Object.entries(all)) checkHeader(header, text)
  return all
}

/** A group may have a name that no header can hold. */
function defaultKey(name: string, message: Message<unknown>): string {
  return `${encodeURIComponent(message.origin.groupId)}-${encodeURIComponent(name)}-${message.id}`
}

/** A line break in a header would begin another one. */
function checkHeader(name: string, text: unknown): void {
  if (typeof text === 'string' && /^[\t\x20-\x7e\x80-\xff]*$/.test(text) && /^[\w!#$%&'*+.^`|~-]+$/.test(name)) return
  throw new PermanentError(
    `Expected header ${excerpt(name)} of postTo to be one line of Latin-1 text, got ${excerpt(text)}; see to it in the selector`,
  )
}

/** One request and its whole answer; aborted when nobody waits for it, or its partition is taken away. */
function exchange(fetch: FetchLike, url: URL, post: Post, message: Message<unknown>): Observable<Answer> {
  return new Observable((subscriber) => {
    const controller = new AbortController()
    const abort = () => controller.abort()
    const { signal } = message
    let isAnswered = false
    signal.addEventListener('abort', abort)
    subscriber.add(() => {
      signal.removeEventListener('abort', abort)
      if (!isAnswered) abort()
    })
    defer(() => from(fetch(url.href, { ...post, signal: controller.signal })))
      .pipe(mergeMap((response) => from(response.text()).pipe(map((body) => ({ response, body })))))
      .subscribe({
        next: (answer) => {
          isAnswered = true
          subscriber.next(answer)
        },
        error: (error) => subscriber.error(failure(url, error)),
        complete: () => subscriber.complete(),
      })
  })
}

/** A request without an answer. */
function failure(url: URL, error: unknown): Error {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: { code?: unknown; message?: string } }
  const why = cause?.message === undefined ? messageOf(error) : `${messageOf(error)}: ${cause.message}`
  const text = `Cannot POST to ${placeOf(url)}: ${why}`
  if (/CERT|ALTNAME|SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)/.test(String(code ?? cause?.code)))
    return new FatalError(`${text}; have the client trust the server's certificate`, { cause: error })
  // Every `fetch` gives a lost connection a code or a cause; without them it is a fault in the program.
  const isBug = (error instanceof TypeError || error instanceof ReferenceError) && cause === undefined
  return new (isBug ? FatalError : TransientError)(text, { cause: error })
}

/** An answer that no repetition would change. */
function refusal(url: URL, answer: Answer): Error {
  const { status, headers } = answer.response
  const text = answerText(url, answer)
  if (status === 401 || status === 403) return new FatalError(`${text}; give postTo the headers that let it in`)
  if (status >= 400) return new PermanentError(text)
  const to = headers.get('location')
  const where = to === null ? '' : ` to ${excerpt(to)}`
  return new PermanentError(`${text}; redirects${where} are not followed, give postTo the final URL`)
}

function answerText(url: URL, { response: { status }, body }: Answer): string {
  return `POST to ${placeOf(url)} was answered with ${status}${body === '' ? '' : ` ${excerpt(body)}`}`
}

/** Without the password or token that a URL may carry. */
function placeOf({ origin, pathname }: URL): string {
  return origin + pathname
}

/** `Retry-After` in seconds or as a date, in ms; nothing when it is absent, past or not understood. */
function retryAfterOf({ response }: Answer, now: number): { retryAfter?: number } {
  const written = response.headers.get('retry-after')?.trim() ?? ''
  const wait = /^\d+$/.test(written) ? Number(written) * 1000 : Date.parse(written) - now
  return wait > 0 ? { retryAfter: Math.min(wait, LONGEST_HOLD) } : {}
}
