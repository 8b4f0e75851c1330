import { map, type Observable, of } from 'rxjs'
import { type Clock, systemClock } from '../../clock.ts'
import { abortable } from './abortable.ts'
import { afterServing, Script } from './script.ts'
import type { Scripted } from './scripted.ts'

/** A request as it reached the fake. */
export interface HttpRequest {
  readonly url: string
  readonly method: string
  /** By name, in small letters. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What a server answers. */
export interface HttpReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** What {@link FakeHttp.fetch} is called with, of all that `fetch` can be. */
export interface FakeRequestInit {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  readonly signal?: AbortSignal
}

/** What comes back: of a `Response`, what can be told without a promise. */
export interface FakeResponse {
  readonly status: number
  readonly ok: boolean
  readonly headers: { get(name: string): string | null }
  readonly body: Observable<Uint8Array>
  text(): Observable<string>
}

/** A server behind `fetch`. */
export interface FakeHttp extends Scripted<HttpRequest> {
  readonly fetch: (url: string, init?: FakeRequestInit) => Observable<FakeResponse>
}

/** Options of {@link fakeHttp}. */
export interface FakeHttpOptions {
  /** What the server does with a request, and its own reply. @default answers 200, without a body */
  readonly serve?: (request: HttpRequest) => HttpReply
  /** What a request is called by. @default its body; of JSON text, the text */
  readonly name?: (request: HttpRequest) => string
}

/** Writes a reply, as a letter of a drawing: `res(429, { 'retry-after': '3' })`. A body that is no text becomes JSON. */
export function res(status: number, headers: Readonly<Record<string, string>> = {}, body: unknown = ''): HttpReply {
  return { status, headers: named(headers), body: typeof body === 'string' ? body : JSON.stringify(body) }
}

/**
 * A fake HTTP server: a `fetch` whose answers virtual time can see, for `postTo(url, select, { fetch: http.fetch })`.
 *
 * ```ts
 * const http = fakeHttp(scheduler)
 * http.replies('-(1|)', '-(2|)', { 1: res(429, { 'retry-after': '3' }), 2: res(200) })
 * ```
 *
 * Its errors: *transient*, a refused connection; *lost*, one that is cut before the answer; *permanent*, 400; *fatal*,
 * 401.
 */
export function fakeHttp(clock: Clock = systemClock, options: FakeHttpOptions = {}): FakeHttp {
  const { serve = () => res(200), name = ({ body }) => nameOf(body) } = options
  const script = new Script<HttpRequest, HttpReply>({ clock, errors: errors(), namesOf: (request) => [name(request)] })
  const fetch = (url: string, { method = 'GET', headers = {}, body = '', signal }: FakeRequestInit = {}) =>
    script
      .ask([{ url, method, headers: named(headers), body: Buffer.from(body).toString() }], (requests) =>
        requests.map(serve),
      )
      .pipe(
        abortable(signal, () => new DOMException('This operation was aborted', 'AbortError')),
        map(([reply]) => {
          if (reply instanceof Error) throw reply
          return responseOf(reply as HttpReply)
        }),
      )
  return script.control({ fetch })
}

function errors() {
  return {
    transient: failed('ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:80'),
    permanent: res(400, {}, 'bad request'),
    fatal: res(401, {}, 'unauthorized'),
    lost: afterServing(failed('UND_ERR_SOCKET', 'other side closed')),
  }
}

/** As Node's own `fetch` tells that there is no answer. */
function failed(code: string, why: string): TypeError {
  return new TypeError('fetch failed', { cause: Object.assign(new Error(why), { code }) })
}

function responseOf({ status, headers, body }: HttpReply): FakeResponse {
  return {
    status,
    ok: status >= 200 && status < 300,
    headers: { get: (name) => headers[name.toLowerCase()] ?? null },
    body: of(Buffer.from(body)),
    text: () => of(body),
  }
}

function named(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

function nameOf(body: string): string {
  try {
    const json = JSON.parse(body)
    return typeof json === 'string' ? json : body
  } catch {
    return body
  }
}
