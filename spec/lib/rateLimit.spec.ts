import { of, throwError } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { ack } from '../../lib/ack.ts'
import { TransientError } from '../../lib/errors.ts'
import { type PerBatchOptions, perBatch } from '../../lib/perBatch.ts'
import { rateLimit } from '../../lib/rateLimit.ts'
import { marbleMessages } from '../../lib/testing/marbleMessages.ts'
import { HandClock } from '../support/handClock.ts'
import { marbles } from '../support/marbles.ts'

const values = { a: 'a', b: 'b', c: 'c', d: 'd', e: 'e', f: 'f' }

/** Asks a server that answers at once, one letter a request. */
const ask = (options: PerBatchOptions, send = (letter: string) => of([{ value: letter }])) =>
  perBatch(
    (letter: string) => letter,
    ([letter]: readonly string[]) => send(letter as string),
    { batch: { max: 1 }, ...options },
  )

describe('rateLimit', () => {
  it(
    'lets so many requests off in an interval, the rest as soon as they may',
    marbles(({ scheduler, expectObservable }) => {
      const source = '  (abcde|)'
      const expected = '(ab)-(cd)-(e|)'
      const { messages } = marbleMessages(scheduler, source, values)
      const limit = rateLimit({ count: 2, interval: 5 })
      expectObservable(messages.pipe(ask({ rateLimit: limit }), ack())).toBe(expected, values)
    }),
  )

  it(
    'counts any interval, not those of a clock',
    marbles(({ scheduler, expectObservable }) => {
      const source = '  a---bc---|'
      const expected = 'a---b----(c|)'
      const { messages } = marbleMessages(scheduler, source, values)
      const limit = rateLimit({ count: 2, interval: 9 })
      expectObservable(messages.pipe(ask({ rateLimit: limit }), ack())).toBe(expected, values)
    }),
  )

  it('counts tries, not messages', () => {
    const sent: string[] = []
    marbles(({ scheduler, expectObservable }) => {
      let tries = 0
      const busy = new TransientError('busy')
      const send = (letter: string) => {
        sent.push(`${letter}@${scheduler.now()}`)
        return ++tries < 3 ? throwError(() => busy) : of([{ value: letter }])
      }
      const options = { rateLimit: rateLimit({ count: 1, interval: 10 }), retry: { delay: 0 } }
      const { messages } = marbleMessages(scheduler, '(a|)', values)
      expectObservable(messages.pipe(ask(options, send), ack())).toBe('20ms (a|)', values)
    })()
    expect(sent).toEqual(['a@0', 'a@10', 'a@20'])
  })

  it(
    'has the operators that share it take turns, however many messages each has',
    marbles(({ scheduler, expectObservable }) => {
      const limit = rateLimit({ count: 1, interval: 2 })
      const many = marbleMessages(scheduler, '(abcd|)', values)
      const few = marbleMessages(scheduler, '  (ef|)', values)
      expectObservable(many.messages.pipe(ask({ rateLimit: limit }), ack())).toBe('a-b---c---(d|)', values)
      expectObservable(few.messages.pipe(ask({ rateLimit: limit }), ack())).toBe(' ----e---(f|)', values)
    }),
  )

  it('gives the turn of one that has been torn down to the next', () => {
    marbles(({ scheduler, expectObservable }) => {
      const limit = rateLimit({ count: 1, interval: 4 })
      const first = marbleMessages(scheduler, ' (ab)-', values)
      const second = marbleMessages(scheduler, '(c|)', values)
      expectObservable(first.messages.pipe(ask({ rateLimit: limit }), ack()), '--!').toBe('a')
      expectObservable(second.messages.pipe(ask({ rateLimit: limit }), ack())).toBe('   ----(c|)', values)
      expectObservable(first.abandoned).toBe('--b')
    })()
  })

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
