import { excerpt } from '../../lib/codec.ts'
import { FatalError, messageOf, PermanentError, TransientError } from '../../lib/errors.ts'
import type { Answer, Post } from './exchange.ts'
import { placeOf } from './target.ts'

/** The longest that a server's `Retry-After` is obeyed, in ms. */
const LONGEST_HOLD = 5 * 60_000

/** Which answers count as what. */
export interface Statuses {
  /** Beside 2xx. */
  readonly successOn: readonly number[]
  readonly retryOn: readonly number[]
}

/** Says whether the request did what it should. */
export function isSuccess({ status }: Answer, { successOn }: Statuses): boolean {
  return (status >= 200 && status < 300) || successOn.includes(status)
}

/** Says whether the server wants to know who asks. */
export function isRefused({ status }: Answer, { successOn, retryOn }: Statuses): boolean {
  return (status === 401 || status === 403) && !successOn.includes(status) && !retryOn.includes(status)
}

/** Gives an answer that is no success its class. */
export function answerError(answer: Answer, statuses: Statuses, now: number): Error {
  const { status, headers } = answer
  const text = answerText(answer)
  const cause = causeOf(answer)
  if (statuses.retryOn.includes(status)) return new TransientError(text, { cause, ...retryAfterOf(answer, now) })
  if (status === 401 || status === 403)
    return new FatalError(`${text}; give postTo the headers that let it in`, { cause })
  if (status < 300 || status >= 400) return new PermanentError(text, { cause })
  const to = headers.get('location')
  const where = to === null ? '' : ` to ${excerpt(to)}`
  return new PermanentError(`${text}; redirects${where} are not followed, give postTo the final URL`, { cause })
}

/** Gives a request without an answer its class. */
export function failure({ method, url }: Post, error: unknown): Error {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: { code?: unknown; message?: string } }
  const why = cause?.message === undefined ? messageOf(error) : `${messageOf(error)}: ${cause.message}`
  const text = `Cannot ${method} to ${placeOf(url)}: ${withoutSecrets(why, url)}`
  const said = String(code ?? cause?.code)
  if (/CERT|ALTNAME|SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)/.test(said))
    return new FatalError(`${text}; have the client trust the server's certificate`, { cause: error })
  // Every `fetch` gives a lost connection a code or a cause; without them it is a fault in the program.
  const isBug = (error instanceof TypeError || error instanceof ReferenceError) && cause === undefined
  return new (isBug || /INVALID_ARG/.test(said) ? FatalError : TransientError)(text, { cause: error })
}

/** node-fetch says the whole URL. */
function withoutSecrets(text: string, { search, username, password }: URL): string {
  const user = password === '' ? username : `${username}:${password}`
  return [search, user && `${user}@`].reduce(
    (left, secret) => (secret === '' ? left : left.replaceAll(secret, '')),
    text,
  )
}

/** What an answer said, in a line. */
export function answerText({ post, status, text }: Answer): string {
  return `${post.method} to ${placeOf(post.url)} was answered with ${status}${text === '' ? '' : ` ${excerpt(text)}`}`
}

/** For `classify`, and whoever looks into a dead letter. */
function causeOf({ status, text }: Answer): { status: number; body: string } {
  return { status, body: text }
}

/** `Retry-After` in seconds or as a date, in ms; nothing when it is absent, past or not understood. */
function retryAfterOf({ headers }: Answer, now: number): { retryAfter?: number } {
  const written = headers.get('retry-after')?.trim() ?? ''
  const wait = /^\d+$/.test(written) ? Number(written) * 1000 : untilDate(written, headers.get('date'), now)
  return wait > 0 ? { retryAfter: Math.min(wait, LONGEST_HOLD) } : {}
}

/** By the server's own clock, where the answer has it: ours may be another. */
function untilDate(written: string, date: string | null, now: number): number {
  return /GMT$/.test(written) ? Date.parse(written) - (Date.parse(date ?? '') || now) : 0
}
