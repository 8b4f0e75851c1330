import { map } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { ack } from '../../../../lib/ack.ts'
import { fakeRedis, marbleMessages } from '../../../../lib/testing/index.ts'
import { zaddTo } from '../../../../operators/index.ts'
import { redisSuite } from '../../../operators/redis.suite.ts'
import { marbles } from '../../../support/marbles.ts'

redisSuite('the fake Redis', () => {
  const redis = fakeRedis()
  return {
    redis,
    run: async (...words) => redis.run(...words),
    key: (name) => name,
    failing: (how) => {
      const failing = fakeRedis()
      return failing.replies({ '*': '#' }, { '#': failing.errors[how] })
    },
  }
})

const values = { a: 1, b: 2, c: 3 }
const entryOf = (score: number) => ({ key: 'k', score, member: `m${score}` })

describe('the fake Redis in virtual time', () => {
  it(
    'replies to a ZADD when the drawings of all its members do',
    marbles(({ scheduler, expectObservable, flush }) => {
      const source = '  (ab)-------|'
      const expected = '-------(ab)|'
      const redis = fakeRedis(scheduler).replies({ m1: '-(r|)', m2: '--(r|)' })
      const { messages } = marbleMessages(scheduler, source, values)
      expectObservable(messages.pipe(zaddTo(redis, entryOf), ack())).toBe(expected, values)
      flush()
      expect(redis.log.map(({ name, at, request }) => [name, at, request])).toEqual([
        ['m1', 5, 1],
        ['m2', 5, 1],
      ])
      expect([...redis.scores('k')]).toEqual([
        ['m1', 1],
        ['m2', 2],
      ])
    }),
  )

  it(
    'has added what it lost the reply to, and adds it again',
    marbles(({ scheduler, expectObservable, flush }) => {
      const redis = fakeRedis(scheduler)
      redis.replies('-#', { '#': redis.errors.lost })
      const { messages } = marbleMessages(scheduler, 'a|', values)
      const retry = { delay: 3, jitter: 'none' } as const
      const result = messages.pipe(zaddTo(redis, entryOf, { retry, batch: { max: 1 } }), ack())
      expectObservable(result).toBe('----(a|)', values)
      flush()
      expect(redis.log.map(({ at }) => at)).toEqual([0, 4])
    }),
  )

  it(
    'has a key go when its time is up',
    marbles(({ scheduler, cold, expectObservable }) => {
      const redis = fakeRedis(scheduler)
      redis.run('zadd', 'k', 1, 'a')
      redis.run('pexpire', 'k', 5)
      const sizes = cold('a---bc').pipe(map(() => redis.scores('k').size))
      expectObservable(sizes).toBe('y---yn', { y: 1, n: 0 })
    }),
  )

  it('says which commands it has not', () => {
    expect(() => fakeRedis().run('lpush', 'k', 1)).toThrow("ERR unknown command 'lpush', to the fake Redis at least")
  })
})
