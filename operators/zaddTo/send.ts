import { catchError, defer, forkJoin, from, map, type Observable, of } from 'rxjs'
import { TransientError } from '../../lib/errors.ts'
import type { RedisLike, RedisReplies } from './client.ts'
import type { Command } from './commands.ts'
import { redisError } from './redisError.ts'
import { type Said, saidOf } from './replies.ts'

/** How many replicas must have a write, and how long they are waited for, in ms. */
export interface Replicas {
  readonly count: number
  readonly wait: number
}

/** Sends pipelines at the same time; gives what Redis says of each message, by its place. */
export function send(
  redis: RedisLike,
  pipelines: readonly (readonly Command[])[],
  replicas: Replicas,
): Observable<readonly Said[]> {
  return forkJoin(pipelines.map((commands) => sendOne(redis, commands, replicas))).pipe(
    map((answers) => {
      const all: Said[] = []
      for (const [i, said] of answers.entries())
        for (const [j, { places }] of (pipelines[i] as readonly Command[]).entries())
          for (const [k, place] of places.entries()) all[place] = said[j]?.[k] as Said
      return all
    }),
  )
}

/** What Redis says of the messages of each command. A pipeline without any reply fails them all. */
function sendOne(redis: RedisLike, commands: readonly Command[], replicas: Replicas): Observable<readonly Said[][]> {
  const words = commands.map((command) => command.words)
  if (replicas.count > 0) words.push(['wait', replicas.count, replicas.wait])
  return defer(() => from(redis.pipeline(words).exec())).pipe(
    map((replies) => {
      const missing = replicas.count > 0 ? missingReplicas(replicas, replies?.[commands.length]) : undefined
      return commands.map((command, i) => without(missing, saidOf(command, replies?.[i])))
    }),
    catchError((error) => of(commands.map(({ places }) => places.map(() => ({ error: redisError(error) }))))),
  )
}

/** A write that too few replicas have is done again; of one that failed that is not asked. */
function without(missing: Error | undefined, said: Said[]): Said[] {
  return missing === undefined ? said : said.map((one) => ('error' in one ? one : { error: missing }))
}

function missingReplicas({ count, wait }: Replicas, pair: RedisReplies[number] | undefined): Error | undefined {
  const [error, reply] = pair ?? [null, 0]
  if (error !== null) return redisError(error)
  if (Number(reply) >= count) return undefined
  return new TransientError(`Only ${reply} of ${count} replicas of Redis had the write within ${wait} ms`)
}
