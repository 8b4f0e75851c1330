import { map, type OperatorFunction } from 'rxjs'
import { excerpt } from '../../lib/codec.ts'
import { FatalError, PermanentError, TransientError } from '../../lib/errors.ts'
import { refuse } from '../../lib/expect.ts'
import type { Message } from '../../lib/message.ts'
import { operatorOptions } from '../../lib/operatorOptions.ts'
import { type Outcome, perBatch } from '../../lib/perBatch.ts'
import { withField } from '../../lib/withField.ts'
import { claim } from './claims.ts'
import type { RedisLike } from './client.ts'
import { commandsOf, pipelinesOf } from './commands.ts'
import { checked, type Item, seenKey, type ZaddEntry } from './entry.ts'
import {
  type AnyZaddOptions,
  CHECKS,
  DEFAULTS,
  expectFit,
  type ZaddDedupe,
  type ZaddIncrOptions,
  type ZaddSetOptions,
  type ZaddToOptions,
} from './options.ts'
import { planOf } from './plan.ts'
import { type Said, scoreOf } from './replies.ts'
import { send } from './send.ts'

export type { RedisLike, RedisReplies } from './client.ts'
export type { ZaddEntry } from './entry.ts'
export type { NodeRedisClient, NodeRedisCluster } from './nodeRedis.ts'
export { nodeRedis } from './nodeRedis.ts'
export type { ZaddDedupe, ZaddIncrOptions, ZaddSetOptions, ZaddToOptions, ZaddWhen } from './options.ts'

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
 * @param options `into`: where the reply goes, a key of the value or a function: whether the member is new (or `changed`,
 * by `result`), with `incr` its new score
 * @throws TypeError for a wrong option, at once
 */
export function zaddTo<A>(
  redis: RedisLike,
  select: (value: A, message: Message<A>) => ZaddEntry,
  options?: ZaddToOptions<NoInfer<A>> & { readonly into?: never },
): OperatorFunction<Message<A>, Message<A>>
export function zaddTo<A, const K extends string>(
  redis: RedisLike,
  select: (value: A, message: Message<A>) => ZaddEntry,
  options: ZaddSetOptions & { readonly into: K },
): OperatorFunction<Message<A>, Message<A & { [P in K]: boolean }>>
export function zaddTo<A, const K extends string>(
  redis: RedisLike,
  select: (value: A, message: Message<A>) => ZaddEntry,
  options: ZaddIncrOptions<NoInfer<A>> & { readonly into: K },
): OperatorFunction<Message<A>, Message<A & { [P in K]: number | null }>>
export function zaddTo<A, B>(
  redis: RedisLike,
  select: (value: A, message: Message<A>) => ZaddEntry,
  options: ZaddSetOptions & { readonly into: (value: A, result: boolean) => B },
): OperatorFunction<Message<A>, Message<B>>
export function zaddTo<A, B>(
  redis: RedisLike,
  select: (value: A, message: Message<A>) => ZaddEntry,
  options: ZaddIncrOptions<NoInfer<A>> & { readonly into: (value: A, score: number | null) => B },
): OperatorFunction<Message<A>, Message<B>>
export function zaddTo<A, B>(
  redis: RedisLike,
  select: (value: A, message: Message<A>) => ZaddEntry,
  options: AnyZaddOptions<A, B> = {},
): OperatorFunction<Message<A>, Message<A | B>> {
  if (typeof redis?.pipeline !== 'function')
    refuse('redis', 'a client with pipeline(): one of ioredis, or nodeRedis(client)', redis)
  const { request, ...own } = operatorOptions(options, DEFAULTS, CHECKS)
  expectFit(options)
  const { into, incr, dedupe, waitReplicas } = own
  const plan = planOf({ ...own, isEach: into !== undefined })
  const replicas = { count: waitReplicas, wait: Math.ceil(request.timeout / 2) }
  const { isCluster = false } = redis
  const put = putter<A, B>(into, incr ? scoreOf : isWritten)

  return perBatch<A, Item, A | B>(
    (value, message) => {
      const { key, score, member } = checked(select(value, message))
      const timestamp = own.maxAge === undefined ? 0 : message.timestamp
      if (dedupe === undefined) return { key, score, member, timestamp, seen: undefined, fault: undefined }
      const seen = seenKey(key, idOf(dedupe, value, message), message.origin.groupId, request.name, isCluster)
      const fault = claim(seen, plan, message) ? undefined : new FatalError(sharedText(request.name))
      return { key, score, member, timestamp, seen, fault }
    },
    (items, { messages }) => {
      for (const { fault } of items) if (fault !== undefined) throw fault
      return send(redis, pipelinesOf(commandsOf(items, plan), isCluster), replicas).pipe(
        map((said) => outcomesOf(messages, said, put)),
      )
    },
    { ...request, repeats: true },
  )
}

function idOf<A>({ by }: ZaddDedupe<A>, value: A, message: Message<A>): string {
  const id = by === undefined ? message.id : by(value, message)
  if (typeof id === 'string') return id
  throw new PermanentError(`Expected dedupe.by of zaddTo to give a string, got ${excerpt(id)}`)
}

function sharedText(name: string): string {
  return `Expected one zaddTo named ${excerpt(name)} that counts a message, got two: the second would take it for counted; give each a \`name\``
}

/** Puts what a reply says into a value, or leaves the value as it is. */
function putter<A, B>(into: AnyZaddOptions<A, B>['into'], read: (reply: unknown) => unknown) {
  if (into === undefined) return (value: A): A | B => value
  const put = typeof into === 'function' ? into : (value: A, result: unknown) => withField(value, into, result) as B
  return (value: A, reply: unknown): A | B => put(value, read(reply) as never)
}

function isWritten(reply: unknown): boolean {
  return Number(reply) > 0
}

/** @throws TransientError when nothing came through: the batch is tried again as it is, rather than in parts */
function outcomesOf<A, B>(
  messages: readonly Message<A>[],
  said: readonly Said[],
  put: (value: A, reply: unknown) => A | B,
): Outcome<A | B>[] {
  const [first] = said
  if (first !== undefined && 'error' in first && said.every(isTransient)) throw first.error
  return said.map((one, i) => {
    if ('error' in one) return one
    try {
      return { value: put((messages[i] as Message<A>).value, one.reply) }
    } catch (error) {
      return { error }
    }
  })
}

function isTransient(said: Said): boolean {
  return 'error' in said && said.error instanceof TransientError
}
