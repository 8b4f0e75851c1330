import { excerpt } from '../../lib/codec.ts'
import { PermanentError } from '../../lib/errors.ts'
import { refuse } from '../../lib/expect.ts'

/** Headers of a request, by name. */
export type HttpHeaders = Readonly<Record<string, string>>

/** Say where a request ends, or what becomes of its connection: that is up to `fetch`. */
const FRAMING = /^(connection|content-length|expect|keep-alive|proxy-connection|te|trailer|transfer-encoding|upgrade)$/i

/** Puts headers together; of those with one name, in whatever letters, the last counts. */
export function mergeHeaders(...all: readonly HttpHeaders[]): Record<string, string> {
  const merged = new Map<string, [name: string, text: string]>()
  for (const headers of all)
    for (const [name, text] of Object.entries(headers)) merged.set(name.toLowerCase(), [name, text])
  return Object.fromEntries(merged.values())
}

/**
 * Refuses headers of a message that HTTP can't carry.
 *
 * @throws PermanentError
 */
export function checkHeaders(headers: HttpHeaders): void {
  const fault = headerFault(headers)
  if (fault !== undefined) throw new PermanentError(`Expected ${fault}; see to it in the selector`)
}

/** Refuses headers for all messages that HTTP can't carry, and what are none. */
export function expectHeaders(name: string, headers: unknown): void {
  if (typeof headers === 'function') return
  if (typeof headers !== 'object' || headers === null) refuse(name, 'an object or a function', headers)
  const fault = headerFault(headers as HttpHeaders)
  if (fault !== undefined) throw new TypeError(`Expected ${fault}, in \`${name}\``)
}

/** What is wrong with headers, if anything: what was expected of which, and what came. Shows no text: it may be secret. */
export function headerFault(headers: HttpHeaders): string | undefined {
  for (const [name, text] of Object.entries(headers)) {
    const header = `header ${excerpt(name)} of postTo`
    if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) return `the name of ${header} to be of letters, digits and hyphens`
    if (FRAMING.test(name)) return `no ${header}: it is up to fetch`
    const fault = textFault(text)
    if (fault !== undefined) return `${header} to be one line of Latin-1 text without spaces around it, got ${fault}`
  }
  return undefined
}

/** A line break would begin another header; what is not Latin-1 can't be written; spaces around it would be lost. */
function textFault(text: unknown): string | undefined {
  if (typeof text !== 'string') return text === null ? 'null' : typeof text
  const place = text.search(/^[\t ]|[\t ]$|[^\t\x20-\x7e\x80-\xff]/)
  if (place < 0) return undefined
  const code = (text.codePointAt(place) as number).toString(16).toUpperCase().padStart(4, '0')
  return `U+${code} at ${place}`
}
