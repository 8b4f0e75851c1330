import * as fc from 'fast-check'
import {
  mergeMap,
  NEVER,
  type Observable,
  type ObservableInput,
  of,
  Subject,
  takeUntil,
  tap,
  throwError,
  timer,
} from 'rxjs'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { ack } from '../../lib/ack.ts'
import type { Answer } from '../../lib/answerCache.ts'
import { FatalError, fatalAt, MissError, PermanentError, TransientError } from '../../lib/errors.ts'
import type { Reply } from '../../lib/lookups.ts'
import type { Message } from '../../lib/message.ts'
import type { NackPolicy } from '../../lib/onNack.ts'
import { type PerLookupOptions, perLookup } from '../../lib/perLookup.ts'
import { kafkaTest } from '../../lib/testing/kafkaTest.ts'
import { outliving } from '../support/outliving.ts'
import { holds } from '../support/property.ts'

interface Order {
  readonly id: string
  readonly user: string
}

/** Capitals ask the same as their small letters, and have the same key; so do x and X, for which nothing is found. */
const values = Object.fromEntries([...'abcdxABCDX'].map((id) => [id, { id, user: id.toLowerCase() }]))
/** What is passed on: each id is its own marble. */
const ids = Object.fromEntries(Object.keys(values).map((id) => [id, id]))
const byUser = { key: ({ user }: Order) => user }
const oneKey = { key: () => 'k' }
const skip = { onNack: 'skip' } as const
const steady = { jitter: 'none', delay: 4 } as const
const find = (users: readonly string[]) => users.map((user) => ({ found: user === 'x' ? null : `<${user}>` }))

type Ask = (
  users: readonly string[],
  call: number,
  signal: AbortSignal,
) => ObservableInput<readonly Reply<Answer<string>>[]>

/** A look-up of users that keeps what it asked; it passes on the ids, and `id=` where nothing was found. */
function lookupOf(ask: Ask, options: PerLookupOptions<string> & { onMiss?: 'null' | 'drop' | 'nack' } = {}) {
  const asked: string[] = []
  const signals: AbortSignal[] = []
  const op = perLookup(
    (order: Order) => order.user,
    (users, { signal }) => {
      signals.push(signal)
      return ask(users, asked.push(users.join('')), signal)
    },
    { into: ({ id }, found) => (found === `<${id.toLowerCase()}>` ? id : `${id}=`), ...options },
  )
  return { op, asked, signals }
}

const findNow: Ask = (users) => of(find(users))
const alone = { batch: { max: 1 } }

// What perLookup owes as every operator does is in spec/operators/operator.suite.ts.
describe('perLookup', () => {
  it(
    'asks for a batch at once, and passes each message on with its own',
    kafkaTest(({ topic, expectOutput, expectAcks }) => {
      const op = perLookup(
        (order: Order) => order.user,
        (users) => of(find(users)),
        { into: 'name' },
      )
      expectOutput(topic('0: (ab)', values).pipe(op, ack())).toBe('(ab)', {
        a: { id: 'a', user: 'a', name: '<a>' },
        b: { id: 'b', user: 'b', name: '<b>' },
      })
      expectAcks('0: (ab)')
    }),
  )

  it(
    'asks equal requests of a batch once',
    kafkaTest(({ topic, expectOutput, flush }) => {
      const { op, asked } = lookupOf(findNow)
      expectOutput(topic('0: (abAaB)', values, byUser).pipe(op, ack())).toBe('(abAaB)', ids)
      flush()
      expect(asked).toEqual(['ab'])
    }),
  )

  it.each([
    ['their JSON', {}, '(aaA)', 'aA'],
    ['`keyOf`', { keyOf: ({ by }: { by: string }) => by.toLowerCase() }, '(aaa)', 'a'],
  ])('knows equal requests by %s', (_, options, expected, request) => {
    kafkaTest(({ topic, expectOutput, flush }) => {
      const asked: string[] = []
      const op = perLookup(
        (order: Order) => ({ by: order.id }),
        (requests) => {
          asked.push(requests.map(({ by }) => by).join(''))
          return of(requests.map(({ by }) => ({ found: by })))
        },
        { into: (_order, found) => found, ...options },
      )
      expectOutput(topic('0: (aaA)', values).pipe(op, ack())).toBe(expected, ids)
      flush()
      expect(asked).toEqual([request])
    })()
  })

  describe('misses', () => {
    it.each([
      ['null', '(xa)', '(xa)', ''],
      ['drop', 'a', '   (xa)', ''],
      ['nack', 'a', '   a', '   x'],
    ] as const)('are treated as `onMiss: %s` says', (onMiss, expected, acked, nacked) => {
      kafkaTest(({ topic, expectOutput, expectAcks, expectNacks }) => {
        const { op } = lookupOf(findNow, { onMiss })
        expectOutput(topic('0: (xa)', values, skip).pipe(op, ack())).toBe(expected, { a: 'a', x: 'x=' })
        expectAcks(`0: ${acked}`)
        expectNacks(`0: ${nacked}`, { x: new MissError('perLookup found nothing for "x"') })
      })()
    })

    it(
      'pass on with a default',
      kafkaTest(({ topic, expectOutput }) => {
        const op = perLookup(
          (order: Order) => order.user,
          (users) => of(find(users)),
          { into: 'name', onMiss: { default: 'nobody' } },
        )
        const x = { id: 'x', user: 'x', name: 'nobody' }
        expectOutput(topic('0: x', values).pipe(op, ack())).toBe('x', { x })
      }),
    )

    it(
      'are told by a `MissError`, which says what was asked',
      kafkaTest(({ topic, expectOutput, flush }) => {
        const errors: unknown[] = []
        const onNack: NackPolicy = ({ error }) => {
          errors.push(error)
          return { do: 'skip' }
        }
        const { op } = lookupOf(findNow, { onMiss: 'nack', name: 'withUser', asked: (user) => `user ${user}` })
        expectOutput(topic('0: x', values, { onNack }).pipe(op, ack())).toBe('')
        flush()
        expect(errors).toEqual([new MissError('withUser found nothing for user x')])
        expect(errors[0]).toMatchObject({ name: 'MissError', errorClass: 'permanent' })
      }),
    )

    it(
      'are those that found undefined, too',
      kafkaTest(({ topic, expectOutput, expectAcks }) => {
        const { op } = lookupOf((users) => of(users.map(() => ({ found: undefined }))), { onMiss: 'drop' })
        expectOutput(topic('0: a', values).pipe(op, ack())).toBe('')
        expectAcks('0: a')
      }),
    )

    it('shape the type of what passes on', () => {
      const user = (order: Order) => order.user
      const ask = (users: readonly string[]) => of(find(users))
      const into = 'name'
      type With<N> = (source: Observable<Message<Order>>) => Observable<Message<Order & { name: N }>>
      expectTypeOf(perLookup(user, ask, { into })).toEqualTypeOf<With<string | null>>()
      expectTypeOf(perLookup(user, ask, { into, onMiss: 'drop' })).toEqualTypeOf<With<string>>()
      expectTypeOf(perLookup(user, ask, { into, onMiss: 'nack' })).toEqualTypeOf<With<string>>()
      expectTypeOf(perLookup(user, ask, { into, onMiss: { default: 0 } })).toEqualTypeOf<With<string | 0>>()
      perLookup(user, ask, { into: (_, found) => expectTypeOf(found).toEqualTypeOf<string | null>() })
      perLookup(user, ask, { into: (_, found) => expectTypeOf(found).toEqualTypeOf<string>(), onMiss: 'drop' })
    })
  })

  describe('failures', () => {
    it(
      'of one request are those of its own messages',
      kafkaTest(({ topic, expectOutput, expectNacks }) => {
        const error = new PermanentError('bad')
        const { op } = lookupOf((users) => of(users.map((user) => (user === 'b' ? { error } : { found: `<${user}>` }))))
        expectOutput(topic('0: (abBc)', values, skip).pipe(op, ack())).toBe('(ac)', ids)
        expectNacks('0: (bB)', { b: error, B: error })
      }),
    )

    it(
      'are not kept: the next message asks again',
      kafkaTest(({ topic, expectOutput, expectNacks, flush }) => {
        const error = new PermanentError('bad')
        const { op, asked } = lookupOf((users, call) => of(call === 1 ? [{ error }] : find(users)), {
          cache: {},
          ...alone,
        })
        expectOutput(topic('0: a-A-a', values, skip).pipe(op, ack())).toBe('--A-a', ids)
        expectNacks('0: a', { a: error })
        flush()
        expect(asked).toEqual(['a', 'a'])
      }),
    )

    it.each([
      ['too few answers', [], '0 answers for 1 requests; ask() has to give one for each'],
      ['no answers', 'text', 'text, not answers, for 1 requests; ask() has to give one for each'],
      ['what is no answer', ['<a>'], '"<a>" for an answer; ask() has to give { found } or { error }'],
      ['undefined for an answer', [undefined], 'undefined for an answer; ask() has to give { found } or { error }'],
    ])('end the stream that gets %s', (_, answers, text) => {
      kafkaTest(({ topic, expectOutput }) => {
        const { op } = lookupOf(() => of<never>(answers as never))
        const place = { topic: 'topic', partition: 0, offset: 0 }
        const error = fatalAt(place, new FatalError(`perLookup got ${text}`))
        expectOutput(topic('0: a', values).pipe(op, ack())).toBe('#', ids, error)
      })()
    })

    it(
      'of `into` are those of its own message',
      kafkaTest(({ topic, expectOutput, expectNacks }) => {
        const into = ({ id }: Order) => {
          if (id === 'a') throw new Error('no place')
          return id
        }
        const op = perLookup(
          (order: Order) => order.user,
          (users) => of(find(users)),
          { into, cache: {} },
        )
        const messages = topic('0: (ab)---(ab)', values, skip)
        expectOutput(messages.pipe(op, ack())).toBe('b------b', ids)
        expectNacks('0: a------a', { a: 'no place' })
      }),
    )
  })

  describe('with a cache', () => {
    const cache = { ttl: 10, negativeTtl: 4 }

    it(
      'passes what is known at once, until it is too old since it was asked for',
      kafkaTest(({ topic, cold, expectOutput, expectAcks, flush }) => {
        const { op, asked } = lookupOf((users) => cold('---(r|)', { r: find(users) }), { cache, ...alone })
        const messages = topic('                  0: a---A----Aa', values, byUser)
        expectOutput(messages.pipe(op, ack())).toBe('---aA----A---a', ids)
        expectAcks('                              0: ---aA----A---a')
        flush()
        expect(asked).toEqual(['a', 'a'])
      }),
    )

    it(
      'keeps misses for a time of their own',
      kafkaTest(({ topic, expectOutput, flush }) => {
        const { op, asked } = lookupOf(findNow, { cache, ...alone })
        expectOutput(topic('0: x--XX', values).pipe(op, ack())).toBe('x--XX', { x: 'x=', X: 'X=' })
        flush()
        expect(asked).toEqual(['x', 'x'])
      }),
    )

    it(
      'keeps the answers that were used last',
      kafkaTest(({ topic, expectOutput, flush }) => {
        const { op, asked } = lookupOf(findNow, { cache: { max: 2 }, ...alone })
        expectOutput(topic('0: (abAcABC)', values).pipe(op, ack())).toBe('(abAcABC)', ids)
        flush()
        expect(asked).toEqual(['a', 'b', 'c', 'b', 'c'])
      }),
    )

    it(
      'keeps nothing from one subscription to the next',
      kafkaTest(({ topic, expectOutput, flush }) => {
        const { op, asked } = lookupOf(findNow, { cache })
        // The crash ends the first subscription.
        const drawing = `
          0:   (aA)--(aA)
          ctl: -----X
        `
        expectOutput(topic(drawing, values).pipe(op, ack())).toBe('(aA)--(aA)', ids)
        flush()
        expect(asked).toEqual(['a', 'a'])
      }),
    )

    it(
      'lets nothing overtake an older message of its lane',
      kafkaTest(({ topic, cold, expectOutput, flush }) => {
        const { op, asked } = lookupOf((users) => cold('---(r|)', { r: find(users) }), { cache: {}, ...alone })
        const messages = topic('                  0: a---bA------A', values, oneKey)
        expectOutput(messages.pipe(op, ack())).toBe('---a---(bA)-A', ids)
        flush()
        expect(asked).toEqual(['a', 'b'])
      }),
    )

    it(
      'lets nothing overtake one that waits for its next try',
      kafkaTest(({ topic, expectOutput }) => {
        const busy = throwError(() => new TransientError('busy'))
        const { op } = lookupOf((users, call) => (call === 2 ? busy : of(find(users))), {
          ...{ cache: {}, ...alone, retry: steady },
        })
        const messages = topic('                  0: abA', values, oneKey)
        expectOutput(messages.pipe(op, ack())).toBe('a----(bA)', ids)
      }),
    )

    it(
      'waits for an equal request that is under way, and for nothing else again',
      kafkaTest(({ topic, cold, expectOutput, flush }) => {
        const { op, asked } = lookupOf((users) => cold('------(r|)', { r: find(users) }), { cache: {} })
        const messages = topic('                  0: (ab)(Ac)-------BC', values)
        expectOutput(messages.pipe(op, ack())).toBe('------(ab)(Ac)-BC', ids)
        flush()
        expect(asked).toEqual(['ab', 'c'])
      }),
    )

    it(
      'tries again for all that wait when a request fails',
      kafkaTest(({ topic, cold, expectOutput, flush }) => {
        const busy = new TransientError('busy')
        const { op, asked } = lookupOf(
          (users, call) => (call === 1 ? cold<never>('--#', {}, busy) : cold('-(r|)', { r: find(users) })),
          { cache: {}, ...alone, retry: steady },
        )
        const messages = topic('                  0: aA', values)
        expectOutput(messages.pipe(op, ack())).toBe('-------(aA)', ids)
        flush()
        expect(asked).toEqual(['a', 'a'])
      }),
    )

    it(
      'goes on with a request that its first message has given up, as long as another waits for it',
      kafkaTest(({ topic, cold, expectOutput, flush }) => {
        const { op, asked, signals } = lookupOf((users) => cold('-----(r|)', { r: find(users) }), {
          ...{ cache: {}, ...alone, retry: { ...steady, attempts: 3 }, timeout: 4 },
        })
        const messages = topic('                  0: a-A', values)
        expectOutput(messages.pipe(op, ack())).toBe('-----A--a', ids)
        flush()
        expect(asked).toEqual(['a'])
        expect(signals.map(({ aborted }) => aborted)).toEqual([false])
      }),
    )

    it(
      'aborts a request when nobody waits for it any more',
      kafkaTest(({ topic, cold, expectOutput, expectNacks, flush }) => {
        const { op, signals } = lookupOf(() => NEVER, { cache: {}, ...alone })
        expectOutput(topic('0: aA', values).pipe(op, ack(), takeUntil(cold('----x')))).toBe('----|')
        expectNacks('0: ----(aA)', { a: 'abandoned', A: 'abandoned' })
        flush()
        expect(signals.map(({ aborted }) => aborted)).toEqual([true])
      }),
    )

    it(
      'abandons a message whose known answer ends the pipe as it is put in',
      kafkaTest((kit) => {
        const end = new Subject<string>()
        const into = (id: string) => {
          if (id === 'A') end.next(id)
          return id
        }
        const user = (id: string) => id.toLowerCase()
        const op = perLookup(user, (users) => of(find(users)), { into, cache, ...alone })
        kit.expectOutput(outliving(kit, '0: aA').pipe(op, ack(), takeUntil(end))).toBe('a|')
        kit.expectAcks('0: a')
        kit.expectNacks('0: -A', { A: 'abandoned' })
      }),
    )

    it(
      'nacks a miss that is known, too',
      kafkaTest(({ topic, expectOutput, expectNacks, flush }) => {
        const { op, asked } = lookupOf(findNow, { cache, onMiss: 'nack', ...alone })
        expectOutput(topic('0: xX', values, skip).pipe(op, ack())).toBe('')
        const error = new MissError('perLookup found nothing for "x"')
        expectNacks('0: xX', { x: error, X: error })
        flush()
        expect(asked).toEqual(['x'])
      }),
    )
  })

  it(
    'asks again for what is under way without a cache: its answer may be from before the message',
    kafkaTest(({ topic, cold, expectOutput, flush }) => {
      const { op, asked } = lookupOf(() => NEVER, alone)
      expectOutput(topic('0: aA', values).pipe(op, ack(), takeUntil(cold('---x')))).toBe('---|')
      flush()
      expect(asked).toEqual(['a', 'a'])
    }),
  )

  it.each([
    [{ into: '' }, 'Expected `into` to be a key or a function, got `` (string)'],
    [{ onMiss: 'skip' }, "Expected `onMiss` to be 'null', 'drop', 'nack' or { default }, got `skip` (string)"],
    [
      { into: () => 1, onMiss: { default: 1 } },
      "Expected `onMiss` to be 'null', 'drop' or 'nack' where into is a function",
    ],
    [{ cache: true }, 'Expected `cache` to be an object with some of max, ttl, negativeTtl, got `true` (boolean)'],
    [{ cache: { max: 0 } }, 'Expected `cache.max` to be an integer >= 1, got `0` (number)'],
    [{ cache: { max: Infinity } }, 'Expected `cache.max` to be an integer <= 10000000, got `Infinity` (number)'],
    [{ cache: { ttl: -1 } }, 'Expected `cache.ttl` to be a number of ms >= 0, got `-1` (number)'],
    [{ cache: { negativeTtl: '1s' } }, 'Expected `cache.negativeTtl` to be a number of ms >= 0, got `1s` (string)'],
    [{ concurrency: 0 }, 'Expected `concurrency` to be an integer >= 1, got `0` (number)'],
    [{ keyOf: 'id' }, 'Expected `keyOf` to be a function, got `id` (string)'],
    [{ asked: 'id' }, 'Expected `asked` to be a function, got `id` (string)'],
    // What look-ups are made of inside is nobody's option.
    [{ byPartition: 'no' }, 'Expected no `byPartition` in `options of perLookup`, got `no` (string)'],
    [{ cacheOf: true }, 'Expected no `cacheOf` in `options of perLookup`, got `true` (boolean)'],
    [{ show: true }, 'Expected no `show` in `options of perLookup`, got `true` (boolean)'],
    [{ repeats: false }, 'Expected no `repeats` in `options of perLookup`, got `false` (boolean)'],
  ])('refuses a wrong option at once: %o', (option, text) => {
    const options = { into: 'name', ...option } as { into: 'name' }
    expect(() =>
      perLookup(
        (order: Order) => order.user,
        () => of([{ found: null }]),
        options,
      ),
    ).toThrow(text)
  })

  it('keeps the order of each key and gives each its own, whatever is known, slow or failing', () => {
    const step = fc.record({ id: fc.constantFrom(...'abcdABCD'), gap: fc.nat(3) })
    const call = fc.record({ ms: fc.nat(6), isBusy: fc.boolean() })
    const sizes = { max: fc.integer({ min: 1, max: 3 }), places: fc.integer({ min: 1, max: 3 }) }
    const life = fc.record({
      steps: fc.array(step, { maxLength: 12 }),
      calls: fc.array(call),
      ttl: fc.nat(12),
      ...sizes,
    })
    holds(
      life,
      ({ steps, calls, ttl, max, places }) => {
        const passed: string[] = []
        const all = steps.map(({ id }) => id)
        kafkaTest(({ topic, expectOutput }) => {
          const ask: Ask = (users, n) => {
            const { ms, isBusy } = calls[n - 1] ?? { ms: 1, isBusy: false }
            const reply = isBusy ? throwError(() => new TransientError('busy')) : of(find(users))
            return timer(ms).pipe(mergeMap(() => reply))
          }
          const { op } = lookupOf(ask, {
            cache: { ttl, max },
            concurrency: places,
            batch: { max, wait: 2 },
            retry: steady,
          })
          const messages = topic(`0: ${steps.map(({ id, gap }) => id + '-'.repeat(gap)).join('')}`, values, byUser)
          expectOutput(
            messages.pipe(
              op,
              ack(),
              tap((id) => passed.push(id)),
            ),
          )
        })()
        expect(passed).toHaveLength(all.length)
        const ofKey = (list: readonly string[], key: string) => list.filter((id) => id.toLowerCase() === key)
        for (const key of 'abcd') expect(ofKey(passed, key)).toEqual(ofKey(all, key))
      },
      { runs: 300 },
    )
  })
})
