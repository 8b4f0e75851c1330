import { excerpt, safeText } from '../../lib/codec.ts'
import { TransientError } from '../../lib/errors.ts'
import type { RedisReplies } from './client.ts'
import type { Command } from './commands.ts'
import { redisError } from './redisError.ts'

/** What became of one message: what Redis said of it, or why it is not written. */
export type Said = { readonly reply: unknown } | { readonly error: Error }

/** What Redis says of each message of a command. */
export function saidOf({ key, places }: Command, pair: RedisReplies[number] | undefined): Said[] {
  if (pair === undefined)
    return places.map(() => ({ error: new TransientError(`Redis gave no reply to ZADD of ${excerpt(key)}`) }))
  const [error, reply] = pair
  if (error !== null) {
    const own = redisError(error, key)
    return places.map(() => ({ error: own }))
  }
  // A script answers for each message, ZADD for all of them.
  return places.map((_, i) => (Array.isArray(reply) ? answered(reply[i], key) : { reply }))
}

function answered(reply: unknown, key: string): Said {
  const text = reply instanceof Uint8Array ? Buffer.from(reply).toString() : reply
  if (typeof text !== 'string' || !text.startsWith('!')) return { reply: text }
  return { error: redisError(Object.assign(new Error(text.slice(1)), { name: 'ReplyError' }), key) }
}

/** The new score; null where `when` had nothing written, or the member is gone. */
export function scoreOf(reply: unknown): number | null {
  if (reply === null || reply === undefined) return null
  const text = safeText(reply)
  if (text === 'inf') return Number.POSITIVE_INFINITY
  return text === '-inf' ? Number.NEGATIVE_INFINITY : Number(text)
}
