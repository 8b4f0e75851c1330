import { from, Observable, type ObservableInput } from 'rxjs'
import type { FatalError } from '../../lib/errors.ts'
import { type Read, readBody } from './body.ts'
import type { Controllers } from './controllers.ts'
import { onAbort } from './onAbort.ts'
import { failure } from './outcome.ts'

/** What `postTo` uses of HTTP; any `fetch` is one. */
export type FetchLike = (url: string, init: PostInit) => ObservableInput<ResponseLike>

/** How `postTo` calls a {@link FetchLike}. */
export interface PostInit {
  readonly method: HttpMethod
  readonly headers: Record<string, string>
  readonly body: string | Uint8Array<ArrayBuffer>
  readonly redirect: 'manual'
  /** Aborts when the time is up, nobody waits for the answer, or enough of it is read. */
  readonly signal: AbortSignal
}

/** The methods that have a body. */
export type HttpMethod = 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** What `postTo` reads of an answer. */
export interface ResponseLike {
  readonly status: number
  readonly headers: { get(name: string): string | null }
  /** A stream of bytes. It is read to its end, or the request is aborted: else its socket would stay taken. */
  readonly body: ObservableInput<Uint8Array> | null
}

/** How requests are made. */
export interface Exchanges {
  readonly fetch: FetchLike
  readonly controllers: Controllers
  /** How much of an answer's body is read. */
  readonly maxBytes: number
}

/** One request. */
export interface Post {
  readonly url: URL
  readonly method: HttpMethod
  readonly headers: Record<string, string>
  readonly body: string | Uint8Array<ArrayBuffer>
  /** Why nothing may be sent so, for this message or any other. */
  readonly fault: FatalError | undefined
}

/** An answer that has come in. */
export interface Answer {
  readonly post: Post
  readonly status: number
  readonly headers: ResponseLike['headers']
  /** The body, or as much of it as may be read. */
  readonly text: string
  /** Whether the body goes on after `text`. */
  readonly isCut: boolean
}

/**
 * Makes one request and reads its answer; aborts it when nobody waits for it, or `ended` says so.
 *
 * @param ended aborts when the message's partition is taken away
 */
export function exchange(
  { fetch, controllers, maxBytes }: Exchanges,
  post: Post,
  ended: AbortSignal,
): Observable<Answer> {
  return new Observable((subscriber) => {
    const controller = controllers.take()
    const abort = () => controller.abort()
    let isRead = false
    const forget = onAbort(ended, abort)
    subscriber.add(() => {
      forget()
      if (isRead) controllers.giveBack(controller)
      else abort()
    })
    const fail = (error: unknown) => subscriber.error(failure(post, error))
    const done = (response: ResponseLike, { text, isCut }: Read) => {
      isRead = !isCut
      subscriber.next({ post, status: response.status, headers: response.headers, text, isCut })
      subscriber.complete()
    }
    const read = (response: ResponseLike) => {
      try {
        subscriber.add(readBody(response.body, maxBytes, (whole) => done(response, whole), fail))
      } catch (error) {
        fail(error)
      }
    }
    try {
      hear(ask(fetch, post, controller.signal), read, fail, () => subscriber.complete())
    } catch (error) {
      fail(error)
    }
  })
}

function hear(
  response: ObservableInput<ResponseLike>,
  read: (response: ResponseLike) => void,
  fail: (error: unknown) => void,
  none: () => void,
): void {
  if (response instanceof Promise) {
    // A subscriber for each would take a tenth of the time of a small request.
    response.then(read, fail)
    return
  }
  let isAnswered = false
  const next = (answer: ResponseLike) => {
    isAnswered = true
    read(answer)
  }
  from(response).subscribe({ next, error: fail, complete: () => isAnswered || none() })
}

function ask(
  fetch: FetchLike,
  { url, method, headers, body }: Post,
  signal: AbortSignal,
): ObservableInput<ResponseLike> {
  return fetch(url.href, { method, headers, body, redirect: 'manual', signal })
}
