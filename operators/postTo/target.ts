import { excerpt } from '../../lib/codec.ts'
import { PermanentError } from '../../lib/errors.ts'
import { refuse } from '../../lib/expect.ts'
import type { Message } from '../../lib/message.ts'

/**
 * Where requests go: always to one URL, or where the message says. A URL made of data could lead anywhere, also into
 * your own network, so `allow` has the origins it may have: `https://hooks.example`, `http://localhost:8080`; a bare
 * host stands for its https: origin.
 */
export type HttpTarget<A> =
  | string
  | URL
  | {
      readonly url: (value: A, message: Message<A>) => string | URL
      readonly allow: readonly string[]
    }

/**
 * Makes what finds the URL of each message.
 *
 * @throws TypeError for what no request could go to
 */
export function targetOf<A>(target: HttpTarget<A>): (value: A, message: Message<A>) => URL {
  if (!isFixed(target)) {
    const { url, allow } = target
    if (typeof url !== 'function') refuse('url', 'a function, beside `allow`', url)
    const origins = originsOf(allow)
    return (value, message) => allowed(url(value, message), origins)
  }
  const url = urlOf(target)
  if (url === undefined) refuse('url', 'an http: or https: URL, or { url: a function, allow: [origins] }', target)
  return () => url
}

/** Whether all requests go to one URL. */
export function isFixed(target: HttpTarget<never>): target is string | URL {
  return typeof target !== 'object' || target === null || !('allow' in target)
}

/** The part of a URL that errors show: it may carry a password or a token. */
export function placeOf({ origin, pathname }: URL): string {
  return origin + pathname
}

function urlOf(written: string | URL): URL | undefined {
  const url = URL.canParse(String(written)) ? new URL(written) : undefined
  return url !== undefined && /^https?:$/.test(url.protocol) ? url : undefined
}

function originsOf(allow: unknown): ReadonlySet<string> {
  if (!Array.isArray(allow) || allow.length === 0) refuse('allow', 'a list of origins', allow)
  return new Set(allow.map(originOf))
}

function originOf(entry: unknown): string {
  const written = String(entry)
  const url = urlOf(/^[a-z]+:\/\//i.test(written) ? written : `https://${written}`)
  const isOrigin = url !== undefined && url.href === `${url.origin}/` && !url.host.includes('*')
  if (typeof entry !== 'string' || !isOrigin)
    refuse('allow', 'a list of origins, such as https://hooks.example, or hosts', entry)
  return url.origin
}

function allowed(written: string | URL, origins: ReadonlySet<string>): URL {
  const url = urlOf(written)
  if (url !== undefined && origins.has(url.origin) && url.username === '' && url.password === '') return url
  const got = url === undefined ? excerpt(String(written)) : placeOf(url)
  const why = url?.username || url?.password ? ' with a user or password' : ''
  throw new PermanentError(
    `Expected the url of postTo to be at ${[...origins].join(' or ')}, got ${got}${why}; see to it in the selector, or put its origin into \`allow\``,
  )
}
