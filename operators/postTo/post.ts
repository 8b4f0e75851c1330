import { excerpt, toJson } from '../../lib/codec.ts'
import { FatalError, PermanentError } from '../../lib/errors.ts'
import type { Message } from '../../lib/message.ts'
import type { Post } from './exchange.ts'
import { checkHeaders, type HttpHeaders, mergeHeaders } from './headers.ts'
import { claimKey, defaultKey } from './idempotency.ts'
import type { PostToOptions } from './options.ts'
import { type HttpTarget, targetOf } from './target.ts'

/** What the options say of a request. */
type Writing<A, S> = Required<Pick<PostToOptions<A, S>, 'method' | 'headers' | 'maxRequestBytes' | 'name'>> &
  Pick<PostToOptions<A, S>, 'body' | 'idempotencyKey'>

/**
 * Makes what writes the request of each message.
 *
 * @throws TypeError for a wrong URL, at once
 */
export function postsOf<A, S>(
  target: HttpTarget<A>,
  select: (value: A, message: Message<A>) => S,
  options: Writing<A, S>,
): (value: A, message: Message<A>) => Post {
  const { method, headers, body, maxRequestBytes } = options
  const urlOf = targetOf(target)
  const write = body ?? toJson
  const common = body === undefined ? { 'Content-Type': 'application/json' } : {}
  return (value, message) => {
    const own = typeof headers === 'function' ? headers(value, message) : headers
    const key = keyOf(value, message, options)
    const all = mergeHeaders(common, key.headers, own)
    checkHeaders(all)
    const written = checkedBody(write(select(value, message)), maxRequestBytes)
    return { url: urlOf(value, message), method, headers: all, body: written, fault: key.fault }
  }
}

function keyOf<A>(
  value: A,
  message: Message<A>,
  { idempotencyKey, name }: Writing<A, never>,
): { headers: HttpHeaders; fault?: FatalError } {
  if (idempotencyKey !== undefined) {
    const key = idempotencyKey(value, message)
    return { headers: key === false ? {} : { 'Idempotency-Key': key } }
  }
  const key = defaultKey(name, message)
  const headers = { 'Idempotency-Key': key }
  return claimKey(key, message) ? { headers } : { headers, fault: new FatalError(sharedText(key, name)) }
}

function sharedText(key: string, name: string): string {
  return `Expected one postTo named ${excerpt(name)} in the pipe, got two: with the same Idempotency-Key ${excerpt(key)} the receiver would take the second request for a repetition; give each a \`name\``
}

function checkedBody(body: string | Uint8Array, max: number): string | Uint8Array<ArrayBuffer> {
  if (typeof body !== 'string' && !(body instanceof Uint8Array))
    throw new PermanentError(
      `Expected the body of postTo to be text or bytes, got ${excerpt(body)}; see to it in \`body\``,
    )
  const size = Buffer.byteLength(body)
  if (size <= max) return body as string | Uint8Array<ArrayBuffer>
  throw new PermanentError(
    `Expected the body of postTo to be of ${max} bytes at most, got ${size}; send less, or raise \`maxRequestBytes\``,
  )
}
