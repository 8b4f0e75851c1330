import { map } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { ack } from '../../../../lib/ack.ts'
import { fakeRedis, kafkaTest } from '../../../../lib/testing/index.ts'
import { zaddTo } from '../../../../operators/index.ts'
import { redisSuite } from '../../../operators/redis.suite.ts'

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

const values = { a: { member: 'a', score: 1 }, b: { member: 'b', score: 2 } }
const entryOf = ({ member, score }: { member: string; score: number }) => ({ key: 'k', score, member })

describe('the fake Redis in virtual time', () => {
  it(
    'replies to a ZADD when the drawings of all its members do',
    kafkaTest(({ topic, redis, expectOutput, expectCalls, flush }) => {
      const messages = topic('0: (ab)', values)
      redis.replies({ a: '-(r|)', b: '--(r|)' })
      expectOutput(messages.pipe(zaddTo(redis, entryOf), ack())).toBe('--(ab)')
      expectCalls(redis).toBe('(ab)')
      flush()
      expect(redis.log.map(({ request }) => request)).toEqual([1, 1])
      expect([...redis.scores('k')]).toEqual([
        ['a', 1],
        ['b', 2],
      ])
    }),
  )

  it(
    'has added what it lost the reply to, and adds it again',
    kafkaTest(({ topic, redis, expectOutput, expectCalls, flush }) => {
      const messages = topic('0: a', values)
      redis.replies('-#', { '#': redis.errors.lost })
      const retry = { delay: 3, jitter: 'none' } as const
      expectOutput(messages.pipe(zaddTo(redis, entryOf, { retry }), ack())).toBe('----a')
      expectCalls(redis).toBe('a---a')
      flush()
      expect(redis.log.map(({ isServed }) => isServed)).toEqual([true, true])
    }),
  )

  it(
    'has a key go when its time is up',
    kafkaTest(({ redis, cold, expectOutput }) => {
      redis.run('zadd', 'k', 1, 'a')
      redis.run('pexpire', 'k', 5)
      const sizes = cold('a---bc').pipe(map(() => redis.scores('k').size))
      expectOutput(sizes).toBe('y---yn', { y: 1, n: 0 })
    }),
  )

  it('has as many replicas as a WAIT asks for', () => {
    expect(fakeRedis().run('wait', 2, 500)).toBe(2)
  })

  it('says which commands it has not', () => {
    expect(() => fakeRedis().run('lpush', 'k', 1)).toThrow("ERR unknown command 'lpush', to the fake Redis at least")
  })
})
