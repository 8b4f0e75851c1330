import { map, type Observable } from 'rxjs'
import { type Clock, systemClock } from '../../../clock.ts'
import { afterServing, Script } from '../script.ts'
import type { Scripted } from '../scripted.ts'
import { run } from './commands.ts'
import { Keyspace, ranked } from './keyspace.ts'
import { replyError } from './replyError.ts'
import { drawnAs, type RedisReply, type RedisUnit, repliesTo, unitsOf } from './transaction.ts'
import { membersOf } from './zadd.ts'
import { scriptMembers } from './zaddScript.ts'

/** A command as it is given to a pipeline: its name and arguments. */
export type RedisWords = readonly (string | number)[]

/** A Redis with sorted sets, at the port of `zaddTo`. */
export interface FakeRedis extends Scripted<RedisUnit> {
  pipeline(commands: readonly RedisWords[]): { exec(): Observable<readonly RedisReply[]> }
  /** A sorted set: its members and scores, the lowest first. */
  scores(key: string): ReadonlyMap<string, number>
  /**
   * Does one command beside the script: to prepare what the test finds, or to look at it.
   *
   * @throws ReplyError
   */
  run(...words: RedisWords): unknown
}

/**
 * A fake Redis for `zaddTo(redis, …)`: sorted sets with all the options of ZADD, their cuts by rank and score, expiry by
 * the clock, transactions, and the script of `zaddTo`, but no other.
 *
 * ```ts
 * const redis = fakeRedis(scheduler)
 * redis.replies({ ann: '-----(r|)' })   // ZADD of the member `ann` takes 5 ms
 * ```
 *
 * A call's name is the member; a command of many members replies when the drawings of all have. Its errors: *transient*,
 * LOADING; *lost*, a closed connection; *permanent*, WRONGTYPE; *fatal*, NOAUTH.
 */
export function fakeRedis(clock: Clock = systemClock): FakeRedis {
  const keys = new Keyspace(clock)
  const script = new Script<RedisUnit, Replies>({ clock, errors: errors(), namesOf })
  const serve = (unit: RedisUnit) => new Replies(repliesTo(unit, (words) => run(keys, words)))
  const exec = (commands: readonly RedisWords[]) => {
    const units = unitsOf(commands.map((words) => words.map(String)))
    const shown = (reply: unknown, i: number) =>
      reply instanceof Replies ? reply.all : drawnAs(reply, units[i] as RedisUnit)
    return script.ask(units, (served) => served.map(serve)).pipe(map((replies) => replies.flatMap(shown)))
  }
  return script.control({
    pipeline: (commands: readonly RedisWords[]) => ({ exec: () => exec(commands) }),
    scores: (key: string) => new Map(ranked(keys.setAt(key) ?? new Map())),
    run: (...words: RedisWords) => run(keys, words.map(String)),
  })
}

function namesOf({ commands }: RedisUnit): readonly string[] {
  return commands.flatMap(([name = '', ...words]) => {
    if (name.toLowerCase() === 'eval') return scriptMembers(words)
    return name.toLowerCase() === 'zadd' ? membersOf(words.slice(1)) : []
  })
}

function errors() {
  return {
    transient: replyError('LOADING Redis is loading the dataset in memory'),
    permanent: replyError('WRONGTYPE Operation against a key holding the wrong kind of value'),
    fatal: replyError('NOAUTH Authentication required.'),
    lost: afterServing(new Error('Connection is closed.')),
  }
}

/** The fake's own replies to a unit, apart from what a letter may stand for. */
class Replies {
  readonly all: readonly RedisReply[]

  constructor(all: readonly RedisReply[]) {
    this.all = all
  }
}
