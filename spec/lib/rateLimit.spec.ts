import { of, takeUntil } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { ack } from '../../lib/ack.ts'
import { type PerBatchOptions, perBatch } from '../../lib/perBatch.ts'
import { rateLimit } from '../../lib/rateLimit.ts'
import { res } from '../../lib/testing/fakes/fakeHttp.ts'
import { kafkaTest } from '../../lib/testing/kafkaTest.ts'
import { postTo } from '../../operators/postTo/postTo.ts'
import { HandClock } from '../support/handClock.ts'

/** Asks a server that answers at once, one letter a request. */
const ask = (options: PerBatchOptions) =>
  perBatch(
    (letter: string) => letter,
    ([letter]: readonly string[]) => of([{ value: letter as string }]),
    { batch: { max: 1 }, ...options },
  )

describe('rateLimit', () => {
  it(
    'lets so many requests off in an interval, the rest as soon as they may',
    kafkaTest(({ topic, expectOutput }) => {
      const limit = rateLimit({ count: 2, interval: 5 })
      expectOutput(topic('0: (abcde)').pipe(ask({ rateLimit: limit }), ack())).toBe('(ab)-(cd)-e')
    }),
  )

  it(
    'counts any interval, not those of a clock',
    kafkaTest(({ topic, expectOutput }) => {
      const limit = rateLimit({ count: 2, interval: 9 })
      const messages = topic('0: a---bc')
      const expected = '         a---b----c'
      expectOutput(messages.pipe(ask({ rateLimit: limit }), ack())).toBe(expected)
    }),
  )

  it(
    'counts tries, not messages',
    kafkaTest(({ topic, http, expectOutput, expectCalls }) => {
      http.replies('(n|)', '(n|)', { n: res(503) })
      const limits = { rateLimit: rateLimit({ count: 1, interval: 10 }), retry: { delay: 0 } }
      const post = postTo('http://server', String, { ...limits, fetch: http.fetch })
      expectOutput(topic('0: a').pipe(post, ack())).toBe('20ms a')
      expectCalls(http).toBe('a 9ms a 9ms a')
    }),
  )

  it(
    'has the operators that share it take turns, however many messages each has',
    kafkaTest(({ topic, expectOutput }) => {
      const limit = rateLimit({ count: 1, interval: 2 })
      const many = topic('many', '0: (abcd)', {}, { groupId: 'many' })
      const few = topic('few', '0: (ef)', {}, { groupId: 'few' })
      expectOutput(many.pipe(ask({ rateLimit: limit }), ack())).toBe('a-b---c---d')
      expectOutput(few.pipe(ask({ rateLimit: limit }), ack())).toBe(' ----e---f')
    }),
  )

  it(
    'gives the turn of one that has been torn down to the next',
    kafkaTest(({ topic, cold, expectOutput, expectNacks }) => {
      const limit = rateLimit({ count: 1, interval: 4 })
      const first = topic('first', '0: (ab)', {}, { groupId: 'first' })
      const second = topic('second', '0: c', {}, { groupId: 'second' })
      const result = first.pipe(ask({ rateLimit: limit }), ack(), takeUntil(cold('--x')))
      expectOutput(result).toBe('                                   a-|')
      expectOutput(second.pipe(ask({ rateLimit: limit }), ack())).toBe('----c')
      expectNacks('first[0]: --b')
    }),
  )

  it('has one timer while something waits, and none afterwards', () => {
    const clock = new HandClock()
    const limit = rateLimit({ count: 1, interval: 100 })
    const gone: string[] = []
    const places = ['a', 'b', 'c', 'd'].map((name) => limit.admit({}, clock, () => gone.push(name)))
    expect(places[0]).toBeUndefined()
    expect(clock.pending).toBe(1)
    places[2]?.unsubscribe()
    clock.pass(100)
    expect([gone, clock.pending]).toEqual([['b'], 1])
    clock.pass(100)
    expect([gone, clock.pending]).toEqual([['b', 'd'], 0])
    limit.admit({}, clock, () => {})?.unsubscribe()
    expect(clock.pending).toBe(0)
  })

  it('does not wait for a clock that was set back', () => {
    let now = 1_000_000
    const clock = { now: () => now, schedule: () => ({ unsubscribe() {} }) }
    const limit = rateLimit({ count: 1, interval: 100 })
    limit.admit({}, clock, () => {})
    now = 0
    expect(limit.admit({}, clock, () => {})).toBeUndefined()
  })

  it.each([
    [{ count: 0, interval: 1 }, 'Expected `rateLimit.count` to be an integer >= 1, got `0` (number)'],
    [{ count: Number.POSITIVE_INFINITY, interval: 1 }, 'Expected `rateLimit.count` to be a finite number'],
    [{ count: 1, interval: 0 }, 'Expected `rateLimit.interval` to be a number of ms > 0, got `0` (number)'],
    [{ count: 1, interval: 1, per: 2 }, 'Expected no `per` in `rateLimit`, got `2` (number); it has count, interval'],
    [7, 'Expected `rateLimit` to be an object with some of count, interval, got `7` (number)'],
  ])('refuses %j at once', (options, text) => {
    expect(() => rateLimit(options as never)).toThrow(text)
  })
})
