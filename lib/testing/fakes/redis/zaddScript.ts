import type { Keyspace } from './keyspace.ts'
import { replyError } from './replyError.ts'

/** Does one command: its name, then its arguments. */
type Run = (keys: Keyspace, words: readonly string[]) => unknown

/** Whether an EVAL is of the script that `zaddTo` sends: a fake knows no Lua, but this one by its first line. */
function isZaddScript(text: string): boolean {
  return text.startsWith('-- zaddTo 1\n')
}

/**
 * Does what the script of `zaddTo` does: writes members, counts each message once, then cuts and expires.
 *
 * @throws ReplyError for any other script
 */
export function zaddScript(keys: Keyspace, [text = '', count = '', ...words]: readonly string[], run: Run): unknown {
  if (!isZaddScript(text)) throw replyError('ERR this script is unknown to the fake Redis')
  const [key = '', ...seen] = words.slice(0, Number(count))
  const [flags = '', seenFor = '', from = '', to = '', oldest = '', ttl = '', once = '', ...pairs] = words.slice(
    Number(count),
  )
  let isWritten = false
  const replies = membersOf(pairs).map(([score, member], i) => {
    const counted = seen[i]
    if (counted !== undefined && keys.has(counted)) return attempt(() => run(keys, ['zscore', key, member]))
    return attempt(() => {
      const reply = run(keys, ['zadd', key, ...flags.split(' ').filter(Boolean), score, member])
      isWritten = true
      if (counted !== undefined) run(keys, ['set', counted, '1', 'PX', seenFor])
      return reply
    })
  })
  if (!isWritten) return replies
  if (from !== '') run(keys, ['zremrangebyrank', key, from, to])
  if (oldest !== '') run(keys, ['zremrangebyscore', key, '-inf', `(${oldest}`])
  if (ttl !== '') run(keys, ['pexpire', key, ttl, once])
  return replies
}

/** The members that an EVAL of the script writes. */
export function scriptMembers([text = '', count = '', ...words]: readonly string[]): readonly string[] {
  if (!isZaddScript(text)) return []
  return membersOf(words.slice(Number(count) + 7)).map(([, member]) => member)
}

function membersOf(pairs: readonly string[]): (readonly [score: string, member: string])[] {
  return pairs.flatMap((score, i) => (i % 2 === 0 ? [[score, pairs[i + 1] as string] as const] : []))
}

function attempt(work: () => unknown): unknown {
  try {
    return work()
  } catch (error) {
    return `!${(error as Error).message}`
  }
}
