import type { SortedSet } from './keyspace.ts'
import { NO_FLOAT, replyError, SYNTAX } from './replyError.ts'

/** A ZADD, read. */
interface Zadd {
  readonly flags: ReadonlySet<string>
  readonly pairs: readonly (readonly [score: number, member: string])[]
}

const FLAGS = ['NX', 'XX', 'GT', 'LT', 'CH', 'INCR']
const FLOAT = /^[+-]?(\d+\.?\d*(e[+-]?\d+)?|\.\d+(e[+-]?\d+)?|0x[\da-f]+|inf(inity)?)$/i

/** Adds to a sorted set as ZADD does; gives its reply. It is all or nothing. */
export function zadd(words: readonly string[], setAt: () => SortedSet): number | string | null {
  const { flags, pairs } = read(words)
  // A key of another type is found out last.
  const set = setAt()
  const written = pairs.map(([score, member]) => write(set, flags, score, member))
  if (flags.has('INCR')) return written[0] === 'kept' ? null : scoreText(set.get(pairs[0]?.[1] as string) as number)
  return written.filter((what) => what === 'added' || (what === 'changed' && flags.has('CH'))).length
}

type Written = 'added' | 'changed' | 'same' | 'kept'

function write(set: SortedSet, flags: ReadonlySet<string>, score: number, member: string): Written {
  const old = set.get(member)
  const next = flags.has('INCR') && old !== undefined ? old + score : score
  if (Number.isNaN(next)) throw replyError('ERR resulting score is not a number (NaN)')
  if (!isAllowed(flags, old, next)) return 'kept'
  set.set(member, next)
  if (old === undefined) return 'added'
  return old === next ? 'same' : 'changed'
}

/** The members that a ZADD names. */
export function membersOf(words: readonly string[]): readonly string[] {
  return words.slice(flagsOf(words).length).filter((_, i) => i % 2 === 1)
}

/** A score as a reply has it. */
export function scoreText(score: number): string {
  return String(score).replace('Infinity', 'inf')
}

/** @throws ReplyError */
export function scoreOf(word: string): number {
  if (!FLOAT.test(word)) throw replyError(NO_FLOAT)
  const sign = word.startsWith('-') ? -1 : 1
  const rest = word.replace(/^[+-]/, '')
  return sign * (/^inf/i.test(rest) ? Number.POSITIVE_INFINITY : Number(rest))
}

function read(words: readonly string[]): Zadd {
  const flags = new Set(flagsOf(words).map((flag) => flag.toUpperCase()))
  const rest = words.slice(flagsOf(words).length)
  if (rest.length === 0 || rest.length % 2 === 1) throw replyError(SYNTAX)
  expectFit(flags)
  if (flags.has('INCR') && rest.length > 2) throw replyError('ERR INCR option supports a single increment-element pair')
  const pairs = rest.flatMap((word, i) => (i % 2 === 0 ? [[scoreOf(word), rest[i + 1] as string] as const] : []))
  return { flags, pairs }
}

function flagsOf(words: readonly string[]): readonly string[] {
  const count = words.findIndex((word) => !FLAGS.includes(word.toUpperCase()))
  return count < 0 ? words : words.slice(0, count)
}

function expectFit(flags: ReadonlySet<string>): void {
  if (flags.has('NX') && flags.has('XX')) throw replyError('ERR XX and NX options at the same time are not compatible')
  if (['NX', 'GT', 'LT'].filter((flag) => flags.has(flag)).length > 1)
    throw replyError('ERR GT, LT, and/or NX options at the same time are not compatible')
}

function isAllowed(flags: ReadonlySet<string>, old: number | undefined, next: number): boolean {
  if (old === undefined) return !flags.has('XX')
  if (flags.has('NX')) return false
  return !(flags.has('GT') && next <= old) && !(flags.has('LT') && next >= old)
}
