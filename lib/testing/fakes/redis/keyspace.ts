import type { Clock } from '../../../clock.ts'
import { replyError } from './replyError.ts'

/** A sorted set: members and their scores. */
export type SortedSet = Map<string, number>

interface Entry {
  readonly value: SortedSet | string
  /** In ms since 1970. */
  expiresAt: number
}

/** What a Redis holds, by key; what has expired is gone. */
export class Keyspace {
  private readonly clock: Clock
  private readonly entries = new Map<string, Entry>()

  constructor(clock: Clock) {
    this.clock = clock
  }

  now(): number {
    return this.clock.now()
  }

  has(key: string): boolean {
    return this.entryOf(key) !== undefined
  }

  /** A key's sorted set; undefined when there is none. */
  setAt(key: string): SortedSet | undefined {
    const value = this.entryOf(key)?.value
    if (typeof value === 'string') throw replyError('WRONGTYPE Operation against a key holding the wrong kind of value')
    return value
  }

  textAt(key: string): string | undefined {
    const value = this.entryOf(key)?.value
    if (value instanceof Map) throw replyError('WRONGTYPE Operation against a key holding the wrong kind of value')
    return value
  }

  /** Puts a value under a key. A sorted set without members is none. */
  put(key: string, value: SortedSet | string, expiresAt = Number.POSITIVE_INFINITY): void {
    if (value instanceof Map && value.size === 0) this.entries.delete(key)
    else this.entries.set(key, { value, expiresAt })
  }

  delete(key: string): boolean {
    return this.has(key) && this.entries.delete(key)
  }

  /** When a key goes, in ms since 1970: Infinity for never, undefined for one that is not there. */
  expiryOf(key: string): number | undefined {
    return this.entryOf(key)?.expiresAt
  }

  expireAt(key: string, at: number): void {
    const entry = this.entryOf(key)
    if (entry !== undefined) entry.expiresAt = at
  }

  private entryOf(key: string): Entry | undefined {
    const entry = this.entries.get(key)
    if (entry === undefined || entry.expiresAt > this.clock.now()) return entry
    this.entries.delete(key)
    return undefined
  }
}

/** The members of a sorted set and their scores, the lowest first; of one score, by their bytes. */
export function ranked(set: SortedSet): [member: string, score: number][] {
  return [...set].sort(([a, low], [b, high]) =>
    low === high ? Buffer.compare(Buffer.from(a), Buffer.from(b)) : low - high,
  )
}
