import { type Item, scoreText } from './entry.ts'

/** What is done beside a plain ZADD. */
export interface Extras {
  /** The places of the members that are too many, by rank. */
  readonly ranks: readonly [from: number, to: number] | undefined
  readonly maxAge: number | undefined
  readonly ttl: number | undefined
  readonly isOnce: boolean
  /** For how long a message is known to be counted; 0 when nothing is counted. */
  readonly seenFor: number
}

/**
 * Writes the members of one key, then trims and expires it: all at once, as a transaction does. Unlike a transaction it
 * leaves alone what is no sorted set: MULTI would have EXPIRE go on after a ZADD that was refused.
 *
 * A message is noted as counted after its ZADD, which may be refused, and in the same script, which nothing comes between.
 * Each member has its reply: what ZADD said, or its error behind a `!`.
 */
const SCRIPT = `-- zaddTo 1
local zadd, replies, written = {'ZADD', KEYS[1]}, {}, false
for flag in string.gmatch(ARGV[1], '%a+') do zadd[#zadd + 1] = flag end
local n = #zadd
for at = 8, #ARGV, 2 do
  local i = at / 2 - 3
  local seen, reply = KEYS[i + 1]
  if seen and redis.call('EXISTS', seen) == 1 then
    reply = redis.pcall('ZSCORE', KEYS[1], ARGV[at + 1])
  else
    zadd[n + 1], zadd[n + 2] = ARGV[at], ARGV[at + 1]
    reply = redis.pcall(unpack(zadd))
    if type(reply) ~= 'table' then
      written = true
      if seen then redis.call('SET', seen, 1, 'PX', ARGV[2]) end
    end
  end
  if type(reply) == 'table' then reply = '!' .. reply.err end
  replies[i] = reply
end
if written then
  if ARGV[3] ~= '' then redis.call('ZREMRANGEBYRANK', KEYS[1], ARGV[3], ARGV[4]) end
  if ARGV[5] ~= '' then redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', '(' .. ARGV[5]) end
  if ARGV[6] ~= '' and ARGV[7] == 'NX' then redis.call('PEXPIRE', KEYS[1], ARGV[6], 'NX')
  elseif ARGV[6] ~= '' then redis.call('PEXPIRE', KEYS[1], ARGV[6]) end
end
return replies`

/** The script's EVAL for the items of one key. Its text goes along each time: a Redis that was restarted knows none. */
export function scriptOf(items: readonly Item[], flags: readonly string[], extras: Extras): (string | number)[] {
  const { ranks, maxAge, ttl, isOnce, seenFor } = extras
  const [{ key }] = items as [Item]
  const seen = items.flatMap((item) => item.seen ?? [])
  const newest = items.reduce((latest, { timestamp }) => Math.max(latest, timestamp), Number.NEGATIVE_INFINITY)
  return [
    'eval',
    SCRIPT,
    1 + seen.length,
    key,
    ...seen,
    flags.join(' '),
    seenFor,
    ...(ranks ?? ['', '']),
    maxAge === undefined ? '' : newest - maxAge,
    ttl ?? '',
    isOnce ? 'NX' : '',
    ...items.flatMap(({ score, member }) => [scoreText(score), member]),
  ]
}
