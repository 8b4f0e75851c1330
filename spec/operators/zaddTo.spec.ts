import slotOf from 'cluster-key-slot'
import fc from 'fast-check'
import { Redis as Redis5 } from 'ioredis'
import { Redis as Redis6 } from 'ioredis-6'
import { type Observable, type OperatorFunction, of, throwError } from 'rxjs'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { ack } from '../../lib/ack.ts'
import type { ErrorClass } from '../../lib/errors.ts'
import type { Message } from '../../lib/message.ts'
import { marbleMessages } from '../../lib/testing/marbleMessages.ts'
import { filterValue, mapValue } from '../../lib/values.ts'
import { hashedPart, seenKey } from '../../operators/zaddTo/entry.ts'
import {
  type RedisLike,
  type RedisReplies,
  type ZaddEntry,
  type ZaddToOptions,
  zaddTo,
} from '../../operators/zaddTo/zaddTo.ts'
import { marbles } from '../support/marbles.ts'
import { holds } from '../support/property.ts'

interface Activity {
  readonly user: string
  readonly at: number
  readonly text: string
}

const a = { user: 'ann', at: 1, text: 'in' }
const b = { user: 'bob', at: 2, text: 'in' }
const c = { user: 'ann', at: 3, text: 'out' }
const values = { a, b, c }
const byUser = { key: ({ user }: Activity) => user }
const entryOf = ({ user, at, text }: Activity): ZaddEntry => ({ key: user, score: at, member: text })
const one = { batch: { max: 1 } }
const steady = { jitter: 'none', delay: 4 } as const

type Commands = (string | number)[][]

/** Answers each pipeline by `answer`, and keeps what it was asked. */
function redisOf(answer: (commands: Commands, call: number) => Observable<RedisReplies | null>) {
  const asked: Commands[] = []
  const redis: RedisLike = {
    pipeline: (commands) => ({ exec: () => answer(commands, asked.push(commands)) }),
  }
  return { redis, asked }
}

const added: RedisReplies = [[null, 1]]
const allAdded = (commands: Commands): RedisReplies => commands.map(() => [null, 1])
const replyError = (text: string) => Object.assign(new Error(text), { name: 'ReplyError' })
const refused = (text: string): RedisReplies => [[replyError(text)]]

describe('zaddTo', () => {
  it('puts the messages of a batch into one ZADD a key, in one pipeline', () => {
    const { redis, asked } = redisOf((commands) => of(allAdded(commands)))
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, '(abc|)', values, byUser)
      expectObservable(messages.pipe(zaddTo(redis, entryOf), ack())).toBe('(abc|)', values)
    })()
    const ann = ['zadd', 'ann', 1, 'in', 3, 'out']
    expect(asked).toEqual([[ann, ['zadd', 'bob', 2, 'in']]])
  })

  it('adds at most 500 members in one ZADD', () => {
    const { redis, asked } = redisOf((commands) => of(allAdded(commands)))
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, `(${'a'.repeat(1001)}|)`, values, byUser)
      const result = messages.pipe(
        zaddTo(redis, entryOf, { batch: { max: 2000 } }),
        filterValue(() => false),
        ack(),
      )
      expectObservable(result).toBe('|')
    })()
    expect(asked.map((commands) => commands.map(({ length }) => (length - 2) / 2))).toEqual([[500, 500, 1]])
  })

  it('writes infinite scores as Redis reads them', () => {
    const { redis, asked } = redisOf((commands) => of(allAdded(commands)))
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, '(ab|)', {
        a: Number.POSITIVE_INFINITY,
        b: Number.NEGATIVE_INFINITY,
      })
      const result = messages.pipe(
        zaddTo(redis, (score) => ({ key: 'k', score, member: String(score) })),
        filterValue(() => false),
        ack(),
      )
      expectObservable(result).toBe('|')
    })()
    expect(asked).toEqual([[['zadd', 'k', '+inf', 'Infinity', '-inf', '-Infinity']]])
  })

  it(
    'sends a batch when it is full, after its wait, and at the end of the source',
    marbles(({ scheduler, cold, expectObservable }) => {
      const reply = '   -(r|)'
      const source = '  ab-a-------b|'
      const expected = '--(ab)---a---(b|)'
      const { redis } = redisOf((commands) => cold(reply, { r: allAdded(commands) }))
      const { messages } = marbleMessages(scheduler, source, values)
      expectObservable(messages.pipe(zaddTo(redis, entryOf, { batch: { max: 2 } }), ack())).toBe(expected, values)
    }),
  )

  it(
    'abandons what is under way when it is unsubscribed',
    marbles(({ scheduler, cold, expectObservable, expectSubscriptions }) => {
      const reply = cold<RedisReplies>('-----(r|)', { r: added })
      const { redis } = redisOf(() => reply)
      const { messages, acks, abandoned } = marbleMessages(scheduler, 'a-b------', values, byUser)
      const unsubscribe = '                                        ---!'
      expectObservable(messages.pipe(zaddTo(redis, entryOf, one), ack()), unsubscribe).toBe('-')
      expectObservable(acks).toBe('-')
      expectObservable(abandoned).toBe('---(ab)')
      expectSubscriptions(reply.subscriptions).toBe(['^--!', '--^!'])
    }),
  )

  it(
    'nacks a message whose selector throws, and goes on',
    marbles(({ scheduler, expectObservable }) => {
      const { redis } = redisOf(() => of(added))
      const { messages, nacks } = marbleMessages(scheduler, 'a-b|', values)
      const select = (value: Activity) => {
        if (value === a) throw new Error('boom')
        return entryOf(value)
      }
      expectObservable(messages.pipe(zaddTo(redis, select, one), ack())).toBe('--b|', values)
      expectObservable(nacks).toBe('x', { x: 'a: boom' })
    }),
  )

  it.each([
    ['score', { score: Number.NaN }, 'score of zaddTo to be a number other than NaN, got NaN'],
    ['score', { score: undefined }, 'score of zaddTo to be a number other than NaN, got undefined'],
    ['score', { score: '7' }, 'score of zaddTo to be a number other than NaN, got "7"'],
    ['key', { key: null }, 'key of zaddTo to be a string, got null'],
    ['member', { member: { x: 1 } }, 'member of zaddTo to be a string, got {"x":1}'],
  ])('nacks a message with a wrong %s: %j', (_name, wrong, text) => {
    const { redis, asked } = redisOf((commands) => of(allAdded(commands)))
    marbles(({ scheduler, expectObservable }) => {
      const { messages, nacks } = marbleMessages(scheduler, '(ab|)', values)
      const select = (value: Activity) => ({ ...entryOf(value), ...(value === a ? wrong : {}) }) as ZaddEntry
      expectObservable(messages.pipe(zaddTo(redis, select), ack())).toBe('(b|)', values)
      expectObservable(nacks).toBe('x', { x: `a: Expected the ${text}; see to it in the selector` })
    })()
    expect(asked).toEqual([[['zadd', 'bob', 2, 'in']]])
  })

  it('nacks only the messages of the key that Redis refuses', () => {
    const wrongType = 'WRONGTYPE Operation against a key holding the wrong kind of value'
    const { redis, asked } = redisOf(() => of([[replyError(wrongType)], [null, 1]]))
    marbles(({ scheduler, expectObservable }) => {
      const { messages, acks, nacks } = marbleMessages(scheduler, '(abc|)', values, byUser)
      expectObservable(messages.pipe(zaddTo(redis, entryOf), ack())).toBe('(b|)', values)
      const text = `Redis refused ZADD of "ann": ${wrongType}; delete what is under that key, or choose another in the selector`
      expectObservable(nacks).toBe('(xy)', { x: `a: ${text}`, y: `c: ${text}` })
      expectObservable(acks).toBe('b')
    })()
    expect(asked).toHaveLength(1)
  })

  it.each(['LOADING', 'BUSY', 'READONLY', 'TRYAGAIN', 'CLUSTERDOWN', 'MASTERDOWN', 'OOM'])(
    'tries %s again, as the whole batch that it was',
    (code) => {
      const { redis, asked } = redisOf((commands, call) =>
        of(call < 3 ? commands.map(() => [replyError(`${code} for now`)] as const) : allAdded(commands)),
      )
      marbles(({ scheduler, expectObservable }) => {
        const { messages } = marbleMessages(scheduler, '(abc|)', values, byUser)
        const result = messages.pipe(zaddTo(redis, entryOf, { retry: steady }), ack())
        expectObservable(result).toBe('4ms 8ms (abc|)', values)
      })()
      expect(asked.map(({ length }) => length)).toEqual([2, 2, 2])
    },
  )

  it('tries a lost connection again', () => {
    const { redis, asked } = redisOf((_commands, call) =>
      call < 2 ? throwError(() => new Error('Connection is closed.')) : of(added),
    )
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, '(a|)', values)
      expectObservable(messages.pipe(zaddTo(redis, entryOf, { retry: steady }), ack())).toBe('4ms (a|)', values)
    })()
    expect(asked).toHaveLength(2)
  })

  it('holds its place while Redis refuses all: what waits behind is not tried', () => {
    const { redis, asked } = redisOf((commands, call) =>
      of(call < 3 ? commands.map(() => [replyError('LOADING for now')] as const) : allAdded(commands)),
    )
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, '(ab|)', values, byUser)
      const result = messages.pipe(zaddTo(redis, entryOf, { ...one, concurrency: 1, retry: steady }), ack())
      expectObservable(result).toBe('12ms (ab|)', values)
    })()
    expect(asked.map(([zadd]) => zadd?.[1])).toEqual(['ann', 'ann', 'ann', 'bob'])
  })

  it('tries only the key again that met a passing failure', () => {
    const { redis, asked } = redisOf((commands, call) =>
      of(call < 2 ? [[replyError('OOM command not allowed')], [null, 1]] : allAdded(commands)),
    )
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, '(abc|)', values, byUser)
      const result = messages.pipe(zaddTo(redis, entryOf, { retry: steady }), ack())
      expectObservable(result).toBe('b---(ac|)', values)
    })()
    expect(asked[1]).toEqual([['zadd', 'ann', 1, 'in', 3, 'out']])
  })

  it.each(['NOAUTH Authentication required.', "NOPERM no 'zadd' for you", 'WRONGPASS invalid password'])(
    'ends the stream with %s',
    (text) => {
      const { redis } = redisOf(() => of(refused(text)))
      marbles(({ scheduler, expectObservable }) => {
        const { messages } = marbleMessages(scheduler, 'a-b|', values)
        const error = expect.objectContaining({
          name: 'FatalError',
          message: expect.stringContaining(
            `Redis refused ZADD of "ann": ${text}; give the client a user and password that may ZADD`,
          ),
        })
        expectObservable(messages.pipe(zaddTo(redis, entryOf, one), ack())).toBe('#', undefined, error)
      })()
    },
  )

  it.each([{}, undefined, { zadd: () => 1 }])('refuses %s in the place of a client at once', (client) => {
    expect(() => zaddTo(client as unknown as RedisLike, entryOf)).toThrow(
      'Expected `redis` to be a client with pipeline(): one of ioredis, or nodeRedis(client), got `',
    )
  })

  it('lets `classify` have its way; the cause is the client’s own error', () => {
    const { redis } = redisOf(() => of(refused('READONLY for ever')))
    marbles(({ scheduler, expectObservable }) => {
      const classify = (error: unknown): ErrorClass =>
        String((error as Error).cause).includes('READONLY for ever') ? 'permanent' : 'transient'
      const { messages, nacks } = marbleMessages(scheduler, '(a|)', values)
      expectObservable(messages.pipe(zaddTo(redis, entryOf, { ...one, classify }), ack())).toBe('|')
      expectObservable(nacks).toBe('x', { x: 'a: Redis refused ZADD of "ann": READONLY for ever' })
    })()
  })

  it('refuses a wrong option at once', () => {
    const { redis } = redisOf(() => of(added))
    expect(() => zaddTo(redis, entryOf, { batch: { max: 0 } })).toThrow(
      'Expected `batch.max` to be an integer >= 1, got `0` (number)',
    )
  })

  describe('ZADD', () => {
    /** What is sent for messages a, b, c. */
    const sent = (options: ZaddToOptions<Activity>) => {
      const { redis, asked } = redisOf((commands) => of(allAdded(commands)))
      marbles(({ scheduler, expectObservable }) => {
        const { messages } = marbleMessages(scheduler, '(abc|)', values, byUser)
        expectObservable(messages.pipe(zaddTo(redis, entryOf, options), ack())).toBe('(abc|)', values)
      })()
      return asked
    }

    it.each(['NX', 'XX', 'GT', 'LT', 'XX GT', 'XX LT'] as const)('has the flag %s', (when) => {
      const flags = when.split(' ')
      expect(sent({ when })).toEqual([
        [
          ['zadd', 'ann', ...flags, 1, 'in', 3, 'out'],
          ['zadd', 'bob', ...flags, 2, 'in'],
        ],
      ])
    })

    it.each([
      [{ maxLen: 10 }, ['', 0, 0, -11, '', '', '']],
      [{ maxLen: 10, keep: 'lowest' }, ['', 0, 10, -1, '', '', '']],
      [{ maxAge: 10, when: 'GT' }, ['GT', 0, '', '', -10, '', '']],
      [{ ttl: 10 }, ['', 0, '', '', '', 10, '']],
      [{ ttl: 10, ttlMode: 'once', maxLen: 1 }, ['', 0, 0, -2, '', 10, 'NX']],
    ] as const)('with %j is in one script with it, for each key', (options, args) => {
      const script = expect.stringContaining("{'ZADD', KEYS[1]}")
      expect(sent(options as ZaddToOptions<Activity>)).toEqual([
        [
          ['eval', script, 1, 'ann', ...args, 1, 'in', 3, 'out'],
          ['eval', script, 1, 'bob', ...args, 2, 'in'],
        ],
      ])
    })

    it('with `incr` is in one script with what says that a message was counted', () => {
      const script = expect.stringContaining("redis.call('SET', seen")
      const dedupe = { ttl: 60_000 }
      expect(sent({ incr: true, dedupe, name: 'count' })).toEqual([
        [
          [
            ...['eval', script, 3, 'ann', 'zaddTo:{ann}:group:count:topic-0-0', 'zaddTo:{ann}:group:count:topic-0-2'],
            ...['INCR', 60_000, '', '', '', '', '', 1, 'in', 3, 'out'],
          ],
          [
            ...['eval', script, 2, 'bob', 'zaddTo:{bob}:group:count:topic-0-1'],
            ...['INCR', 60_000, '', '', '', '', '', 2, 'in'],
          ],
        ],
      ])
    })

    it('knows a message by what `dedupe.by` says', () => {
      const dedupe = { ttl: 1, by: ({ at }: Activity) => `at ${at}` }
      expect(sent({ incr: true, dedupe })[0]?.[1]).toContain('zaddTo:{bob}:group:zaddTo:at 2')
    })
  })

  it('ends the stream when two count under one name: the second would take every message for counted', () => {
    const { redis } = redisOf((commands) => of(commands.map(() => [null, ['1', '1', '1']] as const)))
    const count = (name?: string) => {
      const dedupe = { ttl: 1, by: ({ user }: Activity) => user }
      return zaddTo<Activity>(redis, entryOf, { incr: true, dedupe, ...(name === undefined ? {} : { name }) })
    }
    marbles(({ scheduler, expectObservable }) => {
      const shared = marbleMessages(scheduler, '(ac|)', values)
      const named = marbleMessages(scheduler, ' (ac|)', values)
      const text = 'Cannot process topic[0]@0: Expected one zaddTo named "zaddTo" that counts a message, got two'
      const error = expect.objectContaining({ name: 'FatalError', message: expect.stringContaining(text) })
      expectObservable(shared.messages.pipe(count(), count(), ack())).toBe('#', undefined, error)
      expectObservable(named.messages.pipe(count('a'), count('b'), ack())).toBe('(ac|)', values)
    })()
  })

  it('fails one message of a script that Redis refuses, and tries only those again that may pass', () => {
    const { redis, asked } = redisOf((_commands, call) =>
      of([[null, call < 2 ? ['3', '!ERR resulting score is not a number (NaN)', '!OOM for now'] : ['5']]]),
    )
    marbles(({ scheduler, expectObservable }) => {
      const { messages, nacks } = marbleMessages(scheduler, '(abc|)', values)
      const select = ({ at }: Activity) => ({ key: 'k', score: at, member: 'm' })
      const options = { incr: true, dedupe: { ttl: 1 }, into: (_: Activity, score: number | null) => score } as const
      const result = messages.pipe(zaddTo(redis, select, { ...options, retry: steady }), ack())
      expectObservable(result).toBe('x---(y|)', { x: 3, y: 5 })
      expectObservable(nacks).toBe('n', {
        n: 'b: Redis refused ZADD of "k": ERR resulting score is not a number (NaN)',
      })
    })()
    expect(asked).toHaveLength(2)
  })

  describe('`into` has what Redis says', () => {
    const resultOf = (reply: unknown, options: object) => {
      const { redis, asked } = redisOf((commands) => of(commands.map(() => [null, reply] as const)))
      const results: unknown[] = []
      marbles(({ scheduler, flush }) => {
        const { messages } = marbleMessages(scheduler, '(ab|)', { a, b: a })
        messages
          .pipe(zaddTo(redis, entryOf, options as { into: 'it' }), ack())
          .subscribe((value) => results.push(value))
        flush()
      })()
      return { results, asked }
    }

    it('whether the member is new, by a ZADD a message', () => {
      const { results, asked } = resultOf(1, { into: 'it' })
      expect(results).toEqual([
        { ...a, it: true },
        { ...a, it: true },
      ])
      expect(asked).toEqual([
        [
          ['zadd', 'ann', 1, 'in'],
          ['zadd', 'ann', 1, 'in'],
        ],
      ])
      expect(resultOf(0, { into: 'it' }).results).toMatchObject([{ it: false }, { it: false }])
    })

    it('whether it has changed', () => {
      const { results, asked } = resultOf(0, { into: 'it', result: 'changed' })
      expect(results).toMatchObject([{ it: false }, { it: false }])
      expect(asked[0]?.[0]).toEqual(['zadd', 'ann', 'CH', 1, 'in'])
    })

    it.each([
      ['7.5', 7.5],
      [Buffer.from('7.5'), 7.5],
      ['inf', Number.POSITIVE_INFINITY],
      ['-inf', Number.NEGATIVE_INFINITY],
      [null, null],
    ])('its new score: %s is %s', (reply, score) => {
      const { results } = resultOf([reply, reply], { into: 'it', incr: true, dedupe: { ttl: 1 } })
      expect(results).toMatchObject([{ it: score }, { it: score }])
    })

    it('and nacks a message for which it throws', () => {
      const { redis } = redisOf((commands) => of(allAdded(commands)))
      marbles(({ scheduler, expectObservable }) => {
        const { messages, nacks } = marbleMessages(scheduler, '(ab|)', values)
        const into = ({ user }: Activity) => {
          if (user === 'ann') throw new Error('boom')
          return user
        }
        expectObservable(messages.pipe(zaddTo(redis, entryOf, { into }), ack())).toBe('(b|)', { b: 'bob' })
        expectObservable(nacks).toBe('x', { x: 'a: boom' })
      })()
    })
  })

  describe('a cluster', () => {
    const inCluster = (select: (value: Activity) => ZaddEntry, options: object = {}) => {
      const { redis, asked } = redisOf((commands) => of(allAdded(commands)))
      const nacked: string[] = []
      marbles(({ scheduler, flush }) => {
        const { messages, nacks } = marbleMessages(scheduler, '(abc|)', values)
        nacks.subscribe((nack) => nacked.push(nack))
        messages.pipe(zaddTo({ ...redis, isCluster: true }, select, options), ack()).subscribe()
        flush()
      })()
      return { asked, nacked }
    }

    it('is sent a pipeline for each hash slot that is known to be one: of a key, or of its {tag}', () => {
      const keys = ['{x}:1', '{x}:2', 'x']
      const tagged = inCluster(({ at }) => ({ key: keys[at - 1] as string, score: at, member: 'm' }))
      expect(tagged.asked).toEqual([keys.map((key, i) => ['zadd', key, i + 1, 'm'])])
      expect(inCluster(entryOf).asked).toEqual([[['zadd', 'ann', 1, 'in', 3, 'out']], [['zadd', 'bob', 2, 'in']]])
    })

    it('has the keys of a pipeline in one hash slot, and what was counted beside its set', () => {
      const keys = fc.string({ unit: fc.constantFrom('{', '}', 'a', 'b', ''), maxLength: 8 })
      holds(
        fc.tuple(keys, keys),
        ([one, other]) => {
          if (hashedPart(one) === hashedPart(other)) expect(slotOf(one)).toBe(slotOf(other))
          const tag = hashedPart(one)
          if (tag === '' || tag.includes('}')) return
          expect(slotOf(seenKey(one, 'id', 'group', 'name', true))).toBe(slotOf(one))
        },
        { runs: 2000 },
      )
    })

    it('has no place beside some keys to note what was counted: their messages are nacked', () => {
      const options = { incr: true, dedupe: { ttl: 1 } }
      const { asked, nacked } = inCluster(({ at }) => ({ key: 'a}b', score: at, member: 'm' }), options)
      const text =
        'Cannot keep what was counted in the hash slot of "a}b": give the key a {tag}, or no }, in the selector'
      expect(nacked).toEqual([`a: ${text}`, `b: ${text}`, `c: ${text}`])
      expect(asked).toEqual([])
    })
  })

  describe('waitReplicas', () => {
    it('tries again what too few replicas have, but not what was refused', () => {
      const { redis, asked } = redisOf((commands, call) =>
        of(commands.map(([name]) => [null, name === 'wait' ? call - 1 : 1] as const)),
      )
      marbles(({ scheduler, expectObservable }) => {
        const { messages } = marbleMessages(scheduler, '(a|)', values)
        const result = messages.pipe(zaddTo(redis, entryOf, { waitReplicas: 2, timeout: 1000, retry: steady }), ack())
        expectObservable(result).toBe('12ms (a|)', values)
      })()
      expect(asked[2]).toEqual([
        ['zadd', 'ann', 1, 'in'],
        ['wait', 2, 500],
      ])
    })
  })

  it.each([
    [{ incr: true }, 'Expected `dedupe` to be { ttl, by } where `incr` is'],
    [{ incr: true, dedupe: {} }, 'Expected `dedupe.ttl` to be a whole number of ms >= 1, got `undefined` (undefined)'],
    [{ incr: true, dedupe: { ttl: 5, by: 'id' } }, 'Expected `dedupe.by` to be a function, got `id` (string)'],
    [{ dedupe: { ttl: 5 } }, 'Expected `dedupe` to be left out without `incr`'],
    [{ incr: true, dedupe: { ttl: 5 }, into: 'x', result: 'added' }, 'Expected `result` to be left out with `incr`'],
    [{ result: 'added' }, 'Expected `result` to be left out without `into`'],
    [{ keep: 'lowest' }, 'Expected `keep` to be left out without `maxLen`'],
    [{ ttlMode: 'once' }, 'Expected `ttlMode` to be left out without `ttl`'],
    [{ when: 'NX GT' }, 'Expected `when` to be one of NX, XX, GT, LT, XX GT, XX LT, got `NX GT` (string)'],
    [{ maxLen: 0 }, 'Expected `maxLen` to be an integer >= 1, got `0` (number)'],
    [{ maxAge: -1 }, 'Expected `maxAge` to be a number of ms >= 0, got `-1` (number)'],
    [{ ttl: 0.5 }, 'Expected `ttl` to be a whole number of ms >= 1, got `0.5` (number)'],
    [{ into: '' }, 'Expected `into` to be a key or a function'],
    [{ waitReplicas: -1 }, 'Expected `waitReplicas` to be an integer >= 0, got `-1` (number)'],
    [{ expire: 5 }, 'Expected no `expire` in `options of zaddTo`, got `5` (number); it has concurrency, '],
  ])('refuses %j at once', (options, text) => {
    const { redis } = redisOf(() => of(added))
    expect(() => zaddTo(redis, entryOf, options as ZaddToOptions<Activity>)).toThrow(text)
  })

  it('takes no mix of options that contradict each other', () => {
    const { redis } = redisOf(() => of(added))
    const build = (options: ZaddToOptions<Activity>) => options
    const dedupe = { ttl: 1 }
    build({ incr: true, dedupe, when: 'XX GT', maxLen: 5, keep: 'lowest', ttl: 5, ttlMode: 'once' })
    // @ts-expect-error NX and GT exclude each other
    build({ when: 'NX GT' })
    // @ts-expect-error what is added would be added twice
    build({ incr: true })
    // @ts-expect-error a score that is set is set twice without harm
    build({ dedupe })
    // @ts-expect-error an INCR gives the new score
    build({ incr: true, dedupe, result: 'added' })
    expectTypeOf(zaddTo(redis, entryOf, { into: 'isNew' })).toEqualTypeOf<
      OperatorFunction<Message<Activity>, Message<Activity & { isNew: boolean }>>
    >()
    expectTypeOf(zaddTo(redis, entryOf, { incr: true, dedupe, into: 'total' })).toEqualTypeOf<
      OperatorFunction<Message<Activity>, Message<Activity & { total: number | null }>>
    >()
    expectTypeOf(zaddTo(redis, entryOf, { into: (_: Activity, isNew) => ({ isNew }) })).toEqualTypeOf<
      OperatorFunction<Message<Activity>, Message<{ isNew: boolean }>>
    >()
  })

  it('infers in a pipe, and takes ioredis 5 and 6 as they are', () => {
    const redis5 = new Redis5({ lazyConnect: true })
    const redis6 = new Redis6({ lazyConnect: true })
    marbles(({ scheduler }) => {
      const { messages } = marbleMessages(scheduler, '-', values)
      const result = messages.pipe(
        zaddTo(redis5, ({ user, at, text }, { key }) => ({ key: `${user}${key}`, score: at, member: text })),
        zaddTo(redis6, ({ user, at, text }) => ({ key: user, score: at, member: text })),
        mapValue(({ at }) => at),
        ack(),
      )
      expectTypeOf(result).toEqualTypeOf<Observable<number>>()
      // @ts-expect-error a score is a number
      messages.pipe(zaddTo(redis5, ({ user, text }) => ({ key: user, score: user, member: text })))
    })()
  })
})
