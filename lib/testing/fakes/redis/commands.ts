import { type Keyspace, ranked, type SortedSet } from './keyspace.ts'
import { NO_INTEGER, replyError, SYNTAX } from './replyError.ts'
import { scoreOf, scoreText, zadd } from './zadd.ts'
import { zaddScript } from './zaddScript.ts'

/** Does a command: its words come without its name. */
type Run = (keys: Keyspace, words: readonly string[]) => unknown

/** The commands of sorted sets, and what else `zaddTo` and its specs need: the fewest words of each, and what it does. */
const COMMANDS: Readonly<Record<string, readonly [words: number, run: Run]>> = {
  zadd: [3, (keys, [key = '', ...words]) => change(keys, key, (setAt) => zadd(words, setAt))],
  zcard: [1, (keys, [key = '']) => keys.setAt(key)?.size ?? 0],
  zscore: [2, (keys, [key = '', member = '']) => replyOf(keys.setAt(key)?.get(member))],
  zrange: [3, range],
  zremrangebyrank: [
    3,
    (keys, [key = '', ...ends]) => remove(keys, key, (all) => all.slice(...ranks(all.length, ends))),
  ],
  zremrangebyscore: [
    3,
    (keys, [key = '', min = '', max = '']) => {
      const [isAbove, isBelow] = [limit(min, 1), limit(max, -1)]
      return remove(keys, key, (all) => all.filter(([, score]) => isAbove(score) && isBelow(score)))
    },
  ],
  expire: [2, (keys, [key = '', s = '', flag]) => expire(keys, key, integer(s) * 1000, flag)],
  pexpire: [2, (keys, [key = '', ms = '', flag]) => expire(keys, key, integer(ms), flag)],
  pttl: [1, (keys, [key = '']) => leftOf(keys, key)],
  set: [2, set],
  get: [1, (keys, [key = '']) => keys.textAt(key) ?? null],
  exists: [1, (keys, names) => names.filter((key) => keys.has(key)).length],
  del: [1, (keys, names) => names.filter((key) => keys.delete(key)).length],
  // There are always as many replicas as are asked for.
  wait: [2, (_, [replicas = '']) => integer(replicas)],
  eval: [2, (keys, words) => zaddScript(keys, words, run)],
}

/**
 * Does a command.
 *
 * @throws ReplyError
 */
export function run(keys: Keyspace, words: readonly string[]): unknown {
  expectCommand(words)
  const [name = '', ...rest] = words
  return COMMANDS[name.toLowerCase()]?.[1](keys, rest)
}

/**
 * Refuses what is no command before it is done: within a transaction, it is when the command is queued.
 *
 * @throws ReplyError
 */
export function expectCommand([name = '', ...words]: readonly string[]): void {
  const command = COMMANDS[name.toLowerCase()]
  if (command === undefined) throw replyError(`ERR unknown command '${name}', to the fake Redis at least`)
  if (words.length < command[0]) throw replyError(`ERR wrong number of arguments for '${name.toLowerCase()}' command`)
}

function change<T>(keys: Keyspace, key: string, work: (setAt: () => SortedSet) => T): T {
  let found: SortedSet | undefined
  const reply = work(() => {
    found = keys.setAt(key) ?? new Map()
    return found
  })
  if (found !== undefined) keys.put(key, found, keys.expiryOf(key))
  return reply
}

function remove(keys: Keyspace, key: string, which: (all: Ranked) => Ranked): number {
  const found = keys.setAt(key) ?? new Map()
  const gone = which(ranked(found))
  for (const [member] of gone) found.delete(member)
  if (found.size === 0) keys.delete(key)
  return gone.length
}

type Ranked = ReturnType<typeof ranked>

function range(keys: Keyspace, [key = '', start = '', stop = '', ...flags]: readonly string[]): readonly string[] {
  const upper = flags.map((flag) => flag.toUpperCase())
  if (upper.some((flag) => flag !== 'REV' && flag !== 'WITHSCORES')) throw replyError(SYNTAX)
  const all = ranked(keys.setAt(key) ?? new Map())
  if (upper.includes('REV')) all.reverse()
  const found = all.slice(...ranks(all.length, [start, stop]))
  return found.flatMap(([member, score]) => (upper.includes('WITHSCORES') ? [member, scoreText(score)] : [member]))
}

/** Both ends included, negative ones from the end; as `slice` takes them. */
function ranks(length: number, [start = '', stop = '']: readonly string[]): [number, number] {
  const from = (rank: number) => Math.max(0, rank < 0 ? length + rank : rank)
  const end = integer(stop)
  return [from(integer(start)), end < 0 ? Math.max(0, length + end + 1) : end + 1]
}

/** One end of a range of scores; `(` leaves the end itself out. */
function limit(word: string, sign: 1 | -1): (score: number) => boolean {
  const isOpen = word.startsWith('(')
  let end: number
  try {
    end = scoreOf(isOpen ? word.slice(1) : word)
  } catch {
    throw replyError('ERR min or max is not a float')
  }
  return (score) => (isOpen ? sign * score > sign * end : sign * score >= sign * end)
}

function expire(keys: Keyspace, key: string, ms: number, flag = ''): number {
  const condition = flag.toUpperCase()
  if (!['', 'NX', 'XX', 'GT', 'LT'].includes(condition)) throw replyError(`ERR Unsupported option ${flag}`)
  const old = keys.expiryOf(key)
  const at = keys.now() + ms
  const isForever = old === Number.POSITIVE_INFINITY
  if (old === undefined || (condition === 'NX' && !isForever) || (condition === 'XX' && isForever)) return 0
  if ((condition === 'GT' && at <= old) || (condition === 'LT' && at >= old)) return 0
  keys.expireAt(key, at)
  return 1
}

function leftOf(keys: Keyspace, key: string): number {
  const at = keys.expiryOf(key)
  if (at === undefined) return -2
  return at === Number.POSITIVE_INFINITY ? -1 : at - keys.now()
}

function set(keys: Keyspace, [key = '', text = '', ...words]: readonly string[]): 'OK' | null {
  const [isNew, unit, time] =
    words[0]?.toUpperCase() === 'NX' ? [true, words[1], words[2]] : [false, words[0], words[1]]
  const factor = unit === undefined ? 1 : { PX: 1, EX: 1000 }[unit.toUpperCase()]
  if (factor === undefined || (unit !== undefined && time === undefined)) throw replyError(SYNTAX)
  if (isNew && keys.has(key)) return null
  keys.put(key, text, time === undefined ? Number.POSITIVE_INFINITY : keys.now() + integer(time) * factor)
  return 'OK'
}

function replyOf(score: number | undefined): string | null {
  return score === undefined ? null : scoreText(score)
}

function integer(word: string): number {
  const number = Number(word)
  if (!/^-?\d+$/.test(word) || !Number.isSafeInteger(number)) throw replyError(NO_INTEGER)
  return number
}
