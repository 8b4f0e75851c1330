import slotOf from 'cluster-key-slot'
import fc from 'fast-check'
import { Redis as Redis5 } from 'ioredis'
import { Redis as Redis6 } from 'ioredis-6'
import { EMPTY, finalize, map, NEVER, type Observable, type OperatorFunction, takeUntil } from 'rxjs'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { ack } from '../../lib/ack.ts'
import type { ErrorClass } from '../../lib/errors.ts'
import type { Message } from '../../lib/message.ts'
import { type FakeRedis, fakeRedis } from '../../lib/testing/fakes/redis/fakeRedis.ts'
import { replyError } from '../../lib/testing/fakes/redis/replyError.ts'
import { kafkaTest } from '../../lib/testing/kafkaTest.ts'
import { filterValue, mapValue } from '../../lib/values.ts'
import { hashedPart, seenKey } from '../../operators/zaddTo/entry.ts'
import { type RedisLike, type ZaddEntry, type ZaddToOptions, zaddTo } from '../../operators/zaddTo/zaddTo.ts'
import { holds } from '../support/property.ts'

interface Activity {
  readonly user: string
  readonly at: number
  readonly text: string
}

/** A Redis knows them by their texts, which are their marbles. */
const a = { user: 'ann', at: 1, text: 'a' }
const b = { user: 'bob', at: 2, text: 'b' }
const c = { user: 'ann', at: 3, text: 'c' }
const values = { a, b, c }
const byUser = { key: ({ user }: Activity) => user }
const skipping = { ...byUser, onNack: 'skip' } as const
const entryOf = ({ user, at, text }: Activity): ZaddEntry => ({ key: user, score: at, member: text })
const one = { batch: { max: 1 } }
const retry = { jitter: 'none', delay: 10 } as const

/** The pipelines that were sent: the commands of each. */
const pipelinesTo = ({ log }: FakeRedis) =>
  [...new Set(log.map(({ request }) => request))].map((request) => {
    const units = new Set(log.filter((call) => call.request === request).map(({ item }) => item))
    return [...units].flatMap(({ commands }) => commands)
  })

describe('zaddTo', () => {
  it(
    'puts the messages of a batch into one ZADD a key, in one pipeline',
    kafkaTest(({ topic, redis, expectOutput, flush }) => {
      const messages = topic('0: (abc)', values, byUser)
      expectOutput(messages.pipe(zaddTo(redis, entryOf), ack())).toBe('(abc)')
      flush()
      const ann = ['zadd', 'ann', '1', 'a', '3', 'c']
      expect(pipelinesTo(redis)).toEqual([[ann, ['zadd', 'bob', '2', 'b']]])
    }),
  )

  it(
    'adds at most 500 members in one ZADD',
    kafkaTest(({ topic, redis, expectOutput, flush }) => {
      const messages = topic(`0: (${'a'.repeat(999)})`, values, byUser)
      const result = messages.pipe(
        zaddTo(redis, entryOf, { batch: { max: 2000 } }),
        filterValue(() => false),
        ack(),
      )
      expectOutput(result).toBe('')
      flush()
      const sizes = pipelinesTo(redis).map((commands) => commands.map(({ length }) => (length - 2) / 2))
      expect(sizes).toEqual([[500, 499]])
    }),
  )

  it(
    'writes infinite scores as Redis reads them',
    kafkaTest(({ topic, redis, expectOutput, flush }) => {
      const messages = topic('0: (ab)', { a: Number.POSITIVE_INFINITY, b: Number.NEGATIVE_INFINITY })
      const result = messages.pipe(
        zaddTo(redis, (score) => ({ key: 'k', score, member: String(score) })),
        ack(),
      )
      expectOutput(result).toBe('(ab)')
      flush()
      expect(pipelinesTo(redis)).toEqual([[['zadd', 'k', '+inf', 'Infinity', '-inf', '-Infinity']]])
    }),
  )

  it(
    'stops its requests when it is unsubscribed',
    kafkaTest(({ topic, kafka, cold, expectOutput, expectNacks, flush }) => {
      const stopped: number[] = []
      const silent = NEVER.pipe(finalize(() => stopped.push(kafka.clock.now())))
      const redis: RedisLike = { pipeline: () => ({ exec: () => silent }) }
      const messages = topic('0: a-b', values, byUser)
      const result = messages.pipe(zaddTo(redis, entryOf, one), ack(), takeUntil(cold('---x')))
      expectOutput(result).toBe('---|')
      expectNacks('0: ---(ab)')
      flush()
      expect(stopped).toEqual([3, 3])
    }),
  )

  it.each([
    ['score', { score: Number.NaN }, 'score of zaddTo to be a number other than NaN, got NaN'],
    ['score', { score: undefined }, 'score of zaddTo to be a number other than NaN, got undefined'],
    ['score', { score: '7' }, 'score of zaddTo to be a number other than NaN, got "7"'],
    ['key', { key: null }, 'key of zaddTo to be a string, got null'],
    ['member', { member: { x: 1 } }, 'member of zaddTo to be a string, got {"x":1}'],
  ])('nacks a message with a wrong %s: %j', (_name, wrong, text) => {
    kafkaTest(({ topic, redis, expectOutput, expectNacks, flush }) => {
      const messages = topic('0: (ab)', values, skipping)
      const select = (value: Activity) => ({ ...entryOf(value), ...(value === a ? wrong : {}) }) as ZaddEntry
      expectOutput(messages.pipe(zaddTo(redis, select), ack())).toBe('b')
      expectNacks('0: a', { a: `Expected the ${text}; see to it in the selector` })
      flush()
      expect(pipelinesTo(redis)).toEqual([[['zadd', 'bob', '2', 'b']]])
    })()
  })

  it(
    'nacks only the messages of the key that Redis refuses, once',
    kafkaTest(({ topic, redis, expectOutput, expectCalls, expectAcks, expectNacks }) => {
      const messages = topic('0: (abc)', values, skipping)
      redis.run('set', 'ann', 'mine')
      expectOutput(messages.pipe(zaddTo(redis, entryOf), ack())).toBe('b')
      expectCalls(redis).toBe('(acb)')
      const text =
        'Redis refused ZADD of "ann": WRONGTYPE Operation against a key holding the wrong kind of value; delete what is under that key, or choose another in the selector'
      expectNacks('0: (ac)', { a: text, c: text })
      expectAcks(' 0: b')
    }),
  )

  it.each(['LOADING', 'BUSY', 'READONLY', 'TRYAGAIN', 'CLUSTERDOWN', 'MASTERDOWN', 'OOM'])(
    'tries %s again, as the whole batch that it was',
    (code) => {
      kafkaTest(({ topic, redis, expectOutput, expectCalls, flush }) => {
        const messages = topic('0: (abc)', values, byUser)
        redis.replies('#', '#', { '#': replyError(`${code} for now`) })
        expectOutput(messages.pipe(zaddTo(redis, entryOf, { retry }), ack())).toBe('30ms (abc)')
        expectCalls(redis).toBe('(acb)-----(acb) 15ms (acb)')
        flush()
        expect(pipelinesTo(redis).map(({ length }) => length)).toEqual([2, 2, 2])
      })()
    },
  )

  it(
    'tries a lost connection again',
    kafkaTest(({ topic, redis, expectOutput, expectCalls }) => {
      const messages = topic('0: a', values, byUser)
      redis.replies('#', { '#': redis.errors.lost })
      expectOutput(messages.pipe(zaddTo(redis, entryOf, { retry }), ack())).toBe('----------a')
      expectCalls(redis).toBe('a---------a')
    }),
  )

  it(
    'holds its place while Redis refuses all: what waits behind is not tried',
    kafkaTest(({ topic, redis, expectOutput, expectCalls }) => {
      const messages = topic('0: (ab)', values, byUser)
      redis.replies('#', '#')
      const result = messages.pipe(zaddTo(redis, entryOf, { ...one, concurrency: 1, retry }), ack())
      expectOutput(result).toBe(' 30ms (ab)')
      expectCalls(redis).toBe('a---------a 19ms (ab)')
    }),
  )

  it(
    'tries only the key again that met a passing failure',
    kafkaTest(({ topic, redis, expectOutput, flush }) => {
      const messages = topic('0: (abc)', values, byUser)
      redis.replies({ a: ['#'] }, { '#': replyError('OOM command not allowed') })
      expectOutput(messages.pipe(zaddTo(redis, entryOf, { retry }), ack())).toBe('b---------(ac)')
      flush()
      expect(pipelinesTo(redis).slice(1)).toEqual([[['zadd', 'ann', '1', 'a', '3', 'c']]])
    }),
  )

  it.each(['NOAUTH Authentication required.', "NOPERM no 'zadd' for you", 'WRONGPASS invalid password'])(
    'ends the stream with %s',
    (text) => {
      kafkaTest(({ topic, redis, expectOutput }) => {
        const messages = topic('0: a-b', values, skipping)
        redis.replies({ '*': '#' }, { '#': replyError(text) })
        const told = `Redis refused ZADD of "ann": ${text}; give the client a user and password that may ZADD`
        expectOutput(messages.pipe(zaddTo(redis, entryOf, one), ack())).toBe('#', {}, told)
      })()
    },
  )

  it.each([{}, undefined, { zadd: () => 1 }])('refuses %s in the place of a client at once', (client) => {
    expect(() => zaddTo(client as unknown as RedisLike, entryOf)).toThrow(
      'Expected `redis` to be a client with pipeline(): one of ioredis, or nodeRedis(client), got `',
    )
  })

  it(
    'lets `classify` have its way; the cause is the client’s own error',
    kafkaTest(({ topic, redis, expectOutput, expectNacks }) => {
      const messages = topic('0: a', values, skipping)
      redis.replies({ '*': '#' }, { '#': replyError('READONLY for ever') })
      const classify = (error: unknown): ErrorClass =>
        String((error as Error).cause).includes('READONLY for ever') ? 'permanent' : 'transient'
      expectOutput(messages.pipe(zaddTo(redis, entryOf, { ...one, classify }), ack())).toBe('')
      expectNacks('0: a', { a: /^Redis refused ZADD of "ann": READONLY for ever$/ })
    }),
  )

  it('refuses a wrong option at once', () => {
    expect(() => zaddTo(fakeRedis(), entryOf, { batch: { max: 0 } })).toThrow(
      'Expected `batch.max` to be an integer >= 1, got `0` (number)',
    )
  })

  describe('ZADD', () => {
    /** What is sent for messages a, b, c. */
    const sent = (options: ZaddToOptions<Activity>) => {
      let pipelines: unknown[] = []
      kafkaTest(({ topic, redis, expectOutput, flush }) => {
        const messages = topic('0: (abc)', values, byUser)
        expectOutput(messages.pipe(zaddTo(redis, entryOf, options), ack())).toBe('(abc)')
        flush()
        pipelines = pipelinesTo(redis)
      })()
      return pipelines
    }

    it.each(['NX', 'XX', 'GT', 'LT', 'XX GT', 'XX LT'] as const)('has the flag %s', (when) => {
      const flags = when.split(' ')
      expect(sent({ when })).toEqual([
        [
          ['zadd', 'ann', ...flags, '1', 'a', '3', 'c'],
          ['zadd', 'bob', ...flags, '2', 'b'],
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
          ['eval', script, '1', 'ann', ...args.map(String), '1', 'a', '3', 'c'],
          ['eval', script, '1', 'bob', ...args.map(String), '2', 'b'],
        ],
      ])
    })

    it('with `incr` is in one script with what says that a message was counted', () => {
      const script = expect.stringContaining("redis.call('SET', seen")
      const dedupe = { ttl: 60_000 }
      expect(sent({ incr: true, dedupe, name: 'count' })).toEqual([
        [
          [
            ...['eval', script, '3', 'ann', 'zaddTo:{ann}:group:count:topic-0-0', 'zaddTo:{ann}:group:count:topic-0-2'],
            ...['INCR', '60000', '', '', '', '', '', '1', 'a', '3', 'c'],
          ],
          [
            ...['eval', script, '2', 'bob', 'zaddTo:{bob}:group:count:topic-0-1'],
            ...['INCR', '60000', '', '', '', '', '', '2', 'b'],
          ],
        ],
      ])
    })

    it('knows a message by what `dedupe.by` says', () => {
      const dedupe = { ttl: 1, by: ({ at }: Activity) => `at ${at}` }
      const seen = 'zaddTo:{bob}:group:zaddTo:at 2'
      expect(sent({ incr: true, dedupe })).toEqual([[expect.anything(), expect.arrayContaining([seen])]])
    })
  })

  describe('counted twice in a pipe', () => {
    const count = (redis: RedisLike, name?: string) => {
      const dedupe = { ttl: 1, by: ({ user }: Activity) => user }
      return zaddTo<Activity>(redis, entryOf, { incr: true, dedupe, ...(name === undefined ? {} : { name }) })
    }

    it(
      'ends the stream under one name: the second would take every message for counted',
      kafkaTest(({ topic, redis, expectOutput }) => {
        const messages = topic('0: (ac)', values, skipping)
        const text = 'Cannot process topic[0]@0: Expected one zaddTo named "zaddTo" that counts a message, got two'
        expectOutput(messages.pipe(count(redis), count(redis), ack())).toBe('#', {}, text)
      }),
    )

    it(
      'goes on under two names',
      kafkaTest(({ topic, redis, expectOutput }) => {
        const messages = topic('0: (ac)', values, skipping)
        expectOutput(messages.pipe(count(redis, 'a'), count(redis, 'b'), ack())).toBe('(ac)')
      }),
    )
  })

  it(
    'fails one message of a script that Redis refuses, and tries only those again that may pass',
    kafkaTest(({ topic, redis, expectOutput, expectCalls, expectNacks }) => {
      const messages = topic('0: (abc)', values, skipping)
      redis.replies('(x|)', '(y|)', {
        x: ['3', '!ERR resulting score is not a number (NaN)', '!OOM for now'],
        y: ['5'],
      })
      const select = ({ at, text }: Activity) => ({ key: 'k', score: at, member: text })
      const options = { incr: true, dedupe: { ttl: 1 }, into: (_: Activity, score: number | null) => score } as const
      const result = messages.pipe(zaddTo(redis, select, { ...options, retry }), ack())
      expectOutput(result).toBe('   x---------y', { x: 3, y: 5 })
      expectCalls(redis).toBe('   (abc)-----c')
      expectNacks('0: b', { b: 'Redis refused ZADD of "k": ERR resulting score is not a number (NaN)' })
    }),
  )

  describe('`into` has what Redis says', () => {
    it(
      'whether the member is new, by a ZADD a message',
      kafkaTest(({ topic, redis, expectOutput, flush }) => {
        const messages = topic('0: (ab)', { a, b: a })
        expectOutput(messages.pipe(zaddTo(redis, entryOf, { into: 'isNew' }), ack())).toBe('(xy)', {
          x: { ...a, isNew: true },
          y: { ...a, isNew: false },
        })
        flush()
        const zadd = ['zadd', 'ann', '1', 'a']
        expect(pipelinesTo(redis)).toEqual([[zadd, zadd]])
      }),
    )

    it(
      'whether it has changed',
      kafkaTest(({ topic, redis, expectOutput, flush }) => {
        const messages = topic('0: (abc)', { a, b: { ...a, at: 7 }, c: { ...a, at: 7 } })
        const result = messages.pipe(zaddTo(redis, entryOf, { into: 'isNews', result: 'changed' }), ack())
        expectOutput(result).toBe('(xyz)', {
          x: { ...a, isNews: true },
          y: { ...a, at: 7, isNews: true },
          z: { ...a, at: 7, isNews: false },
        })
        flush()
        expect(pipelinesTo(redis)[0]?.[0]).toEqual(['zadd', 'ann', 'CH', '1', 'a'])
      }),
    )

    it.each([
      ['7.5', 7.5],
      [Buffer.from('7.5'), 7.5],
      ['inf', Number.POSITIVE_INFINITY],
      ['-inf', Number.NEGATIVE_INFINITY],
      [null, null],
    ])('its new score: %s is %s', (reply, score) => {
      kafkaTest(({ topic, redis, expectOutput }) => {
        const messages = topic('0: (ab)', { a, b: a })
        redis.replies('(s|)', { s: [reply, reply] })
        const result = messages.pipe(
          zaddTo(redis, entryOf, { into: 'score', incr: true, dedupe: { ttl: 1 } }),
          mapValue((value) => value.score),
          ack(),
        )
        expectOutput(result).toBe('(xx)', { x: score })
      })()
    })

    it(
      'and nacks a message for which it throws',
      kafkaTest(({ topic, redis, expectOutput, expectNacks }) => {
        const messages = topic('0: (ab)', values, skipping)
        const into = ({ user }: Activity) => {
          if (user === 'ann') throw new Error('boom')
          return user
        }
        expectOutput(messages.pipe(zaddTo(redis, entryOf, { into }), ack())).toBe('x', { x: 'bob' })
        expectNacks('0: a', { a: 'boom' })
      }),
    )
  })

  describe('a cluster', () => {
    it(
      'is sent the keys of one {tag} in one pipeline',
      kafkaTest(({ topic, redis, expectOutput, flush }) => {
        const messages = topic('0: (abc)', values, byUser)
        const keys = ['{x}:1', '{x}:2', 'x']
        const select = ({ at, text }: Activity) => ({ key: keys[at - 1] as string, score: at, member: text })
        expectOutput(messages.pipe(zaddTo({ ...redis, isCluster: true }, select), ack())).toBe('(abc)')
        flush()
        expect(pipelinesTo(redis)).toEqual([
          [
            ['zadd', '{x}:1', '1', 'a'],
            ['zadd', '{x}:2', '2', 'b'],
            ['zadd', 'x', '3', 'c'],
          ],
        ])
      }),
    )

    it(
      'is sent a pipeline for each key without one',
      kafkaTest(({ topic, redis, expectOutput, flush }) => {
        const messages = topic('0: (abc)', values, byUser)
        expectOutput(messages.pipe(zaddTo({ ...redis, isCluster: true }, entryOf), ack())).toBe('(abc)')
        flush()
        expect(pipelinesTo(redis)).toEqual([[['zadd', 'ann', '1', 'a', '3', 'c']], [['zadd', 'bob', '2', 'b']]])
      }),
    )

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

    it(
      'has no place beside some keys to note what was counted: their messages are nacked',
      kafkaTest(({ topic, redis, expectOutput, expectCalls, expectNacks }) => {
        const messages = topic('0: (abc)', values, skipping)
        const select = ({ at, text }: Activity) => ({ key: 'a}b', score: at, member: text })
        const options = { incr: true, dedupe: { ttl: 1 } } as const
        expectOutput(messages.pipe(zaddTo({ ...redis, isCluster: true }, select, options), ack())).toBe('')
        expectCalls(redis).toBe('')
        const text =
          'Cannot keep what was counted in the hash slot of "a}b": give the key a {tag}, or no }, in the selector'
        expectNacks('0: (abc)', { a: text, b: text, c: text })
      }),
    )
  })

  describe('waitReplicas', () => {
    it(
      'asks after each write, for half of the time that it has, whether so many replicas have it',
      kafkaTest(({ topic, redis, expectOutput, flush }) => {
        const asked: unknown[] = []
        const watched: RedisLike = {
          pipeline: (commands) => {
            asked.push(commands)
            return redis.pipeline(commands)
          },
        }
        const messages = topic('0: a', values)
        const result = messages.pipe(zaddTo(watched, entryOf, { waitReplicas: 2, timeout: 1000 }), ack())
        expectOutput(result).toBe('a')
        flush()
        expect(asked).toEqual([
          [
            ['zadd', 'ann', 1, 'a'],
            ['wait', 2, 500],
          ],
        ])
      }),
    )

    it(
      'tries again what too few replicas have, but not what was refused',
      kafkaTest(({ topic, redis, expectOutput, expectCalls, expectNacks }) => {
        let replicas = 0
        const joining: RedisLike = {
          pipeline: (commands) => ({
            exec: () =>
              redis
                .pipeline(commands)
                .exec()
                .pipe(map((replies) => [...replies.slice(0, -1), [null, replicas++]])),
          }),
        }
        redis.run('set', 'bob', 'mine')
        const messages = topic('0: (ab)', values, skipping)
        const result = messages.pipe(zaddTo(joining, entryOf, { waitReplicas: 2, retry }), ack())
        expectOutput(result).toBe(' 30ms a')
        expectCalls(redis).toBe('(ab)------a 19ms a')
        expectNacks('0: b', { b: 'WRONGTYPE' })
      }),
    )
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
    expect(() => zaddTo(fakeRedis(), entryOf, options as ZaddToOptions<Activity>)).toThrow(text)
  })

  it('takes no mix of options that contradict each other', () => {
    const redis = fakeRedis()
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
    const messages: Observable<Message<Activity>> = EMPTY
    const result = messages.pipe(
      zaddTo(redis5, ({ user, at, text }, { key }) => ({ key: `${user}${key}`, score: at, member: text })),
      zaddTo(redis6, ({ user, at, text }) => ({ key: user, score: at, member: text })),
      mapValue(({ at }) => at),
      ack(),
    )
    expectTypeOf(result).toEqualTypeOf<Observable<number>>()
    // @ts-expect-error a score is a number
    messages.pipe(zaddTo(redis5, ({ user, text }) => ({ key: user, score: user, member: text })))
  })
})
