import { Redis as Redis5 } from 'ioredis'
import { Redis as Redis6 } from 'ioredis-6'
import { type Observable, of, throwError } from 'rxjs'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { ack } from '../../lib/ack.ts'
import type { ErrorClass } from '../../lib/errors.ts'
import { marbleMessages } from '../../lib/testing/marbleMessages.ts'
import { filterValue, mapValue } from '../../lib/values.ts'
import { type RedisLike, type RedisReplies, type ZaddEntry, zaddTo } from '../../operators/zaddTo.ts'
import { marbles } from '../support/marbles.ts'

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
  it(
    'passes each message on after its reply',
    marbles(({ scheduler, cold, expectObservable }) => {
      const reply = '   --(r|)'
      const source = '  a-------b---|'
      const expected = '--a-------b-|'
      const { redis } = redisOf(() => cold(reply, { r: added }))
      const { messages, acks } = marbleMessages(scheduler, source, values, byUser)
      expectObservable(messages.pipe(zaddTo(redis, entryOf, one), ack())).toBe(expected, values)
      expectObservable(acks).toBe('--a-------b')
    }),
  )

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
    'keeps the order of a key over batches, while other keys go on',
    marbles(({ scheduler, cold, expectObservable }) => {
      const source = '  acb---|'
      const expected = '---a-b(c|)'
      const { redis } = redisOf(() => cold('---(r|)', { r: added }))
      const { messages } = marbleMessages(scheduler, source, values, byUser)
      expectObservable(messages.pipe(zaddTo(redis, entryOf, one), ack())).toBe(expected, values)
    }),
  )

  it(
    'has at most `concurrency` pipelines under way',
    marbles(({ scheduler, cold, expectObservable }) => {
      const source = '  (ab|)'
      const expected = '---a--(b|)'
      const { redis } = redisOf(() => cold('---(r|)', { r: added }))
      const { messages } = marbleMessages(scheduler, source, values, byUser)
      const result = messages.pipe(zaddTo(redis, entryOf, { ...one, concurrency: 1 }), ack())
      expectObservable(result).toBe(expected, values)
    }),
  )

  it(
    'completes with an empty source, and errors with a failing one',
    marbles(({ scheduler, expectObservable }) => {
      const { redis } = redisOf(() => of(added))
      const empty = marbleMessages(scheduler, '--|', values)
      const failing = marbleMessages(scheduler, '--#', values)
      expectObservable(empty.messages.pipe(zaddTo(redis, entryOf), ack())).toBe('--|')
      expectObservable(failing.messages.pipe(zaddTo(redis, entryOf), ack())).toBe('--#')
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

  it('ends the stream when the client is none', () => {
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, 'a-b|', values)
      const error = expect.objectContaining({ name: 'FatalError' })
      const result = messages.pipe(zaddTo({} as RedisLike, entryOf, one), ack())
      expectObservable(result).toBe('#', undefined, error)
    })()
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
