import { excerpt } from '../../lib/codec.ts'
import { type FatalError, PermanentError } from '../../lib/errors.ts'

/** One member of a sorted set. */
export interface ZaddEntry {
  readonly key: string
  /** A double: whole numbers beyond 2^53 lose digits. ±Infinity is allowed, NaN is not. With `incr`, what is added. */
  readonly score: number
  readonly member: string
}

/** An entry, and what the script has to know of its message. */
export interface Item extends ZaddEntry {
  /** Of the message, in ms since 1970; 0 where it does not matter. */
  readonly timestamp: number
  /** The key that says whether the message has been counted. */
  readonly seen: string | undefined
  /** Why none of the messages can be counted. */
  readonly fault: FatalError | undefined
}

/** Refuses an entry that is none: one bad score would fail the whole ZADD it is in. */
export function checked(entry: ZaddEntry): ZaddEntry {
  const { key, score, member } = entry
  if (typeof score !== 'number' || Number.isNaN(score)) refuse('score', 'a number other than NaN', score)
  if (typeof key !== 'string') refuse('key', 'a string', key)
  if (typeof member !== 'string') refuse('member', 'a string', member)
  return entry
}

function refuse(name: string, expected: string, value: unknown): never {
  const got = typeof value === 'number' ? String(value) : excerpt(value)
  throw new PermanentError(`Expected the ${name} of zaddTo to be ${expected}, got ${got}; see to it in the selector`)
}

/**
 * The key that says whether a message has been counted: in the hash slot of the set, so that one script may have both.
 *
 * @throws PermanentError when a cluster has no such key
 */
export function seenKey(key: string, id: string, groupId: string, name: string, isCluster: boolean): string {
  const tag = hashedPart(key)
  if (isCluster && (tag === '' || tag.includes('}')))
    throw new PermanentError(
      `Cannot keep what was counted in the hash slot of ${excerpt(key)}: give the key a {tag}, or no }, in the selector`,
    )
  return `zaddTo:{${tag}}:${groupId}:${name}:${id}`
}

/** What of a key decides its hash slot: what is between its first `{` and the next `}`, or all of it. */
export function hashedPart(key: string): string {
  const from = key.indexOf('{')
  const to = key.indexOf('}', from + 1)
  return from >= 0 && to > from + 1 ? key.slice(from + 1, to) : key
}

/** A score as Redis reads it. */
export function scoreText(score: number): string | number {
  if (Number.isFinite(score)) return score
  return score > 0 ? '+inf' : '-inf'
}
