import { catchError, defer, from, map, type ObservableInput, type OperatorFunction } from 'rxjs'
import { excerpt } from '../lib/codec.ts'
import { FatalError, messageOf, PermanentError, TransientError } from '../lib/errors.ts'
import type { Message } from '../lib/message.ts'
import { type BatchOptions, operatorOptions, type RequestOptions } from '../lib/operatorOptions.ts'
import { type Outcome, perBatch } from '../lib/perBatch.ts'

/** What `zaddTo` uses of a Redis client; an ioredis instance (5 or 6) is one. */
export interface RedisLike {
  pipeline(commands: (string | number)[][]): { exec(): ObservableInput<RedisReplies | null> }
}

/** The replies of a pipeline: for each command its error, or null and its reply. */
export type RedisReplies = readonly (readonly [error: Error | null, reply?: unknown])[]

/** One member of a sorted set. */
export interface ZaddEntry {
  readonly key: string
  /** A double: whole numbers beyond 2^53 lose digits. ±Infinity is allowed, NaN is not. */
  readonly score: number
  readonly member: string
}

/** Options of {@link zaddTo}. */
export interface ZaddToOptions extends RequestOptions {
  /** Half of a partition's default `maxInFlight`, so that one batch fills while another is under way. @default { max: 500, wait: 5 } */
  readonly batch?: BatchOptions
}

/** Members in one ZADD at most: Redis serves nobody else while it runs one. */
const MEMBERS = 500

/**
 * Adds a member to a Redis sorted set for each message, and passes the message on after the reply.
 *
 *     source     a-b-c-------|
 *     pipeline   ----(ABC)       one ZADD a key, all in one round trip
 *     result     --------(abc|)
 *
 * Messages of one Kafka key keep their order: the last score of a member wins. A replay writes the same members again.
 * *Transient*, tried again: no connection, LOADING, BUSY, READONLY, OOM and the like. *Permanent*, nacked: a score that
 * is not a number, WRONGTYPE (only the messages of that Redis key), any other refusal. *Fatal*: wrong credentials.
 *
 * @param select the sorted set's key, the member and its score; if it throws, the message is nacked
 * @throws TypeError for a wrong option, at once
 */
export function zaddTo<A>(
  redis: RedisLike,
  select: (value: A, message: Message<A>) => ZaddEntry,
  options: ZaddToOptions = {},
): OperatorFunction<Message<A>, Message<A>> {
  const { request } = operatorOptions(options, { name: 'zaddTo', batch: { max: 500 } }, {})
  return perBatch<A, ZaddEntry, A>(
    (value, message) => checked(select(value, message)),
    (entries, { messages }) => {
      const commands = commandsOf(entries)
      return defer(() => from(redis.pipeline(commands.map(({ words }) => words)).exec())).pipe(
        map((replies) => outcomesOf(messages, commands, replies)),
        catchError((error) => {
          throw redisError(error)
        }),
      )
    },
    { ...request, repeats: true },
  )
}

/** One bad score would fail the whole ZADD it is in, so it is found before. */
function checked(entry: ZaddEntry): ZaddEntry {
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

/** One ZADD, and the places in the batch of the messages it is for. */
interface Command {
  readonly key: string
  readonly words: (string | number)[]
  readonly places: number[]
}

/** One variadic ZADD a key: several times the throughput of one a member. */
function commandsOf(entries: readonly ZaddEntry[]): Command[] {
  const commands: Command[] = []
  const open = new Map<string, Command>()
  for (const [place, { key, score, member }] of entries.entries()) {
    let command = open.get(key)
    if (command === undefined || command.places.length === MEMBERS) {
      // In small letters: ioredis 5's pipeline takes the name for that of its own method.
      command = { key, words: ['zadd', key], places: [] }
      commands.push(command)
      open.set(key, command)
    }
    command.words.push(scoreText(score), member)
    command.places.push(place)
  }
  return commands
}

function scoreText(score: number): string | number {
  if (Number.isFinite(score)) return score
  return score > 0 ? '+inf' : '-inf'
}

function outcomesOf<A>(
  messages: readonly Message<A>[],
  commands: readonly Command[],
  replies: RedisReplies | null,
): Outcome<A>[] {
  const errors = commands.map(({ key }, i) => errorOf(key, replies?.[i]))
  // Nothing came through: the batch is tried again as it is, rather than each message alone.
  const [first] = errors
  if (first !== undefined && errors.every((error) => error instanceof TransientError)) throw first
  const outcomes: Outcome<A>[] = messages.map(({ value }) => ({ value }))
  for (const [i, { places }] of commands.entries()) {
    const error = errors[i]
    if (error !== undefined) for (const place of places) outcomes[place] = { error }
  }
  return outcomes
}

function errorOf(key: string, reply: RedisReplies[number] | undefined): Error | undefined {
  if (reply === undefined) return new TransientError(`Redis gave no reply to ZADD of ${excerpt(key)}`)
  return reply[0] === null ? undefined : redisError(reply[0], key)
}

const TRANSIENT = ['LOADING', 'BUSY', 'READONLY', 'TRYAGAIN', 'CLUSTERDOWN', 'MASTERDOWN', 'OOM', 'MOVED', 'ASK']
const FATAL = ['NOAUTH', 'NOPERM', 'WRONGPASS']

/** Gives a client's error its class. A `ReplyError` is the server's own; whatever else it is, there was no reply. */
function redisError(error: unknown, key?: string): Error {
  if (error instanceof TransientError) return error
  const text = messageOf(error)
  const [code = ''] = text.split(' ')
  const what = key === undefined ? 'the pipeline' : `ZADD of ${excerpt(key)}`
  if ((error as Error).name !== 'ReplyError') {
    const isBug = error instanceof TypeError || error instanceof RangeError
    return new (isBug ? FatalError : TransientError)(`Cannot send ${what} to Redis: ${text}`, { cause: error })
  }
  const refusal = `Redis refused ${what}: ${text}`
  if (TRANSIENT.includes(code)) return new TransientError(refusal, { cause: error })
  if (FATAL.includes(code))
    return new FatalError(`${refusal}; give the client a user and password that may ZADD`, { cause: error })
  const advice = code === 'WRONGTYPE' ? '; delete what is under that key, or choose another in the selector' : ''
  return new PermanentError(refusal + advice, { cause: error })
}
