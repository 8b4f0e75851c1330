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
    let isAnswered = false
    const read = (response: ResponseLike) => {
      isAnswered = true
      try {
        subscriber.add(readBody(response.body, maxBytes, (whole) => done(response, whole), fail))
      } catch (error) {
        fail(error)
      }
    }
    try {
      const response = ask(fetch, post, controller.signal)
      // No chain of operators, nor a subscriber where a callback will do: these cost as much as the rest of it.
      if (response instanceof Promise) response.then(read, fail)
      else from(response).subscribe({ next: read, error: fail, complete: () => isAnswered || subscriber.complete() })
    } catch (error) {
      fail(error)
    }
  })
}

function ask(
  fetch: FetchLike,
  { url, method, headers, body }: Post,
  signal: AbortSignal,
): ObservableInput<ResponseLike> {
  return fetch(url.href, { method, headers, body, redirect: 'manual', signal })
}
