import * as fc from 'fast-check'
import { mergeMap, NEVER, type Observable, type ObservableInput, of, throwError, timer } from 'rxjs'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { ack } from '../../lib/ack.ts'
import type { Answer } from '../../lib/answerCache.ts'
import { MissError, PermanentError, TransientError } from '../../lib/errors.ts'
import type { Reply } from '../../lib/lookups.ts'
import type { Message } from '../../lib/message.ts'
import { type PerLookupOptions, perLookup } from '../../lib/perLookup.ts'
import { marbleMessages } from '../../lib/testing/marbleMessages.ts'
import { mapValue } from '../../lib/values.ts'
import { marbles } from '../support/marbles.ts'
import { holds } from '../support/property.ts'

interface Order {
  readonly id: string
  readonly user: string
}

/** Capitals ask the same as their small letters, and have the same key; so do x and X, for which nothing is found. */
const values = Object.fromEntries([...'abcdxABCDX'].map((id) => [id, { id, user: id.toLowerCase() }]))
const byUser = { key: ({ user }: Order) => user }
const oneKey = { key: () => 'k' }
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

describe('perLookup', () => {
  it(
    'asks for a batch at once, and passes each message on with its own',
    marbles(({ scheduler, expectObservable }) => {
      const { messages, acks } = marbleMessages(scheduler, 'ab-------|', values)
      const op = perLookup(
        (order: Order) => order.user,
        (users) => of(find(users)),
        { into: 'name' },
      )
      expectObservable(messages.pipe(op, ack())).toBe('-----(ab)|', {
        a: { id: 'a', user: 'a', name: '<a>' },
        b: { id: 'b', user: 'b', name: '<b>' },
      })
      expectObservable(acks).toBe('-----(ab)')
    }),
  )

  it('asks equal requests of a batch once', () => {
    const { op, asked } = lookupOf(findNow)
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, '(abAaB|)', values, byUser)
      expectObservable(messages.pipe(op, ack())).toBe('(abAaB|)', { a: 'a', b: 'b', A: 'A', B: 'B' })
    })()
    expect(asked).toEqual(['ab'])
  })

  it('knows equal requests by their JSON, or by `keyOf`', () => {
    const asked: unknown[] = []
    const byId = (order: Order) => ({ by: order.id })
    const ask = (requests: readonly { by: string }[]) => {
      asked.push(requests.map(({ by }) => by).join(''))
      return of(requests.map(({ by }) => ({ found: by })))
    }
    marbles(({ scheduler, expectObservable }) => {
      const own = perLookup(byId, ask, { into: (_, found) => found })
      expectObservable(marbleMessages(scheduler, '(aaA|)', values).messages.pipe(own, ack())).toBe('(aaA|)')
      const given = perLookup(byId, ask, { into: (_, found) => found, keyOf: ({ by }) => by.toLowerCase() })
      expectObservable(marbleMessages(scheduler, '(aaA|)', values).messages.pipe(given, ack())).toBe('(aaa|)')
    })()
    expect(asked).toEqual(['aA', 'a'])
  })

  describe('misses', () => {
    it.each([
      ['null', '(xa|)', '(xa)', ''],
      ['drop', '(a|)', '(xa)', ''],
      ['nack', '(a|)', 'a', 'x'],
    ] as const)('are treated as `onMiss: %s` says', (onMiss, expected, acked, nacked) => {
      marbles(({ scheduler, expectObservable }) => {
        const { op } = lookupOf(findNow, { onMiss })
        const { messages, acks, nacks } = marbleMessages(scheduler, '(xa|)', values)
        expectObservable(messages.pipe(op, ack())).toBe(expected, { a: 'a', x: 'x=' })
        expectObservable(acks).toBe(acked)
        expectObservable(nacks).toBe(nacked, { x: 'x: perLookup found nothing for "x"' })
      })()
    })

    it(
      'pass on with a default',
      marbles(({ scheduler, expectObservable }) => {
        const { messages } = marbleMessages(scheduler, '(x|)', values)
        const op = perLookup(
          (order: Order) => order.user,
          (users) => of(find(users)),
          {
            into: 'name',
            onMiss: { default: 'nobody' },
          },
        )
        expectObservable(messages.pipe(op, ack())).toBe('(x|)', { x: { id: 'x', user: 'x', name: 'nobody' } })
      }),
    )

    it('are told by a `MissError`, which says what was asked', () => {
      const errors: unknown[] = []
      const { op } = lookupOf(findNow, { onMiss: 'nack', name: 'withUser', asked: (user) => `user ${user}` })
      marbles(({ scheduler, flush }) => {
        const { messages } = marbleMessages(scheduler, '(x|)', values)
        const nacked = mapValue((order: Order, message: Message<Order>) => {
          Object.assign(message.token, { settle: (...[, , error]: unknown[]) => errors.push(error) })
          return order
        })
        messages.pipe(nacked, op).subscribe()
        flush()
      })()
      expect(errors).toEqual([new MissError('withUser found nothing for user x')])
      expect(errors[0]).toMatchObject({ name: 'MissError', errorClass: 'permanent' })
    })

    it(
      'are those that found undefined, too',
      marbles(({ scheduler, expectObservable }) => {
        const { op } = lookupOf((users) => of(users.map(() => ({ found: undefined }))), { onMiss: 'drop' })
        expectObservable(marbleMessages(scheduler, '(a|)', values).messages.pipe(op, ack())).toBe('|')
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
      marbles(({ scheduler, expectObservable }) => {
        const error = new PermanentError('bad')
        const { op } = lookupOf((users) => of(users.map((user) => (user === 'b' ? { error } : { found: `<${user}>` }))))
        const { messages, nacks } = marbleMessages(scheduler, '(abBc|)', values)
        expectObservable(messages.pipe(op, ack())).toBe('(ac|)')
        expectObservable(nacks).toBe('(bB)', { b: 'b: bad', B: 'B: bad' })
      }),
    )

    it('are not kept: the next message asks again', () => {
      const error = new PermanentError('bad')
      const { op, asked } = lookupOf((users, call) => of(call === 1 ? [{ error }] : find(users)), {
        cache: {},
        ...alone,
      })
      marbles(({ scheduler, expectObservable }) => {
        const { messages, nacks } = marbleMessages(scheduler, 'a-A-a|', values)
        expectObservable(messages.pipe(op, ack())).toBe('--A-a|')
        expectObservable(nacks).toBe('a', { a: 'a: bad' })
      })()
      expect(asked).toEqual(['a', 'a'])
    })

    it.each([
      ['too few answers', [], 'perLookup got 0 answers for 1 requests; ask() has to give one for each'],
      ['no answers', 'text', 'perLookup got text, not answers, for 1 requests'],
      ['what is no answer', ['<a>'], 'perLookup got "<a>" for an answer; ask() has to give { found } or { error }'],
      ['undefined for an answer', [undefined], 'perLookup got undefined for an answer'],
    ])('end the stream that gets %s', (_, answers, text) => {
      marbles(({ scheduler, expectObservable }) => {
        const { op } = lookupOf(() => of<never>(answers as never))
        const { messages } = marbleMessages(scheduler, '(a|)', values)
        const told = { name: 'FatalError', message: expect.stringContaining(text) }
        expectObservable(messages.pipe(op, ack())).toBe('#', undefined, expect.objectContaining(told))
      })()
    })

    it(
      'of `into` are those of its own message',
      marbles(({ scheduler, expectObservable }) => {
        const into = ({ id }: Order) => {
          if (id === 'a') throw new Error('no place')
          return id
        }
        const op = perLookup(
          (order: Order) => order.user,
          (users) => of(find(users)),
          { into, cache: {} },
        )
        const { messages, nacks } = marbleMessages(scheduler, '(ab)---(ab|)', values)
        expectObservable(messages.pipe(op, ack())).toBe('-----b-(b|)')
        expectObservable(nacks).toBe('-----a-a', { a: 'a: no place' })
      }),
    )
  })

  describe('with a cache', () => {
    const cache = { ttl: 10, negativeTtl: 4 }

    it('passes what is known at once, until it is too old since it was asked for', () => {
      let answer: Ask = findNow
      const { op, asked } = lookupOf((...args) => answer(...args), { cache, ...alone })
      marbles(({ scheduler, cold, expectObservable }) => {
        answer = (users) => cold('---(r|)', { r: find(users) })
        const source = '  a---A----Aa-----|'
        const expected = '---aA----A---a--|'
        const { messages, acks } = marbleMessages(scheduler, source, values, byUser)
        expectObservable(messages.pipe(op, ack())).toBe(expected)
        expectObservable(acks).toBe('---aA----A---a')
      })()
      expect(asked).toEqual(['a', 'a'])
    })

    it('keeps misses for a time of their own', () => {
      const { op, asked } = lookupOf(findNow, { cache, ...alone })
      marbles(({ scheduler, expectObservable }) => {
        const { messages } = marbleMessages(scheduler, 'x--XX-|', values)
        expectObservable(messages.pipe(op, ack())).toBe('x--XX-|', { x: 'x=', X: 'X=' })
      })()
      expect(asked).toEqual(['x', 'x'])
    })

    it('keeps the answers that were used last', () => {
      const { op, asked } = lookupOf(findNow, { cache: { max: 2 }, ...alone })
      marbles(({ scheduler, expectObservable }) => {
        const { messages } = marbleMessages(scheduler, '(abAcABC|)', values)
        expectObservable(messages.pipe(op, ack())).toBe('(abAcABC|)')
      })()
      expect(asked).toEqual(['a', 'b', 'c', 'b', 'c'])
    })

    it('keeps nothing from one subscription to the next', () => {
      const { op, asked } = lookupOf(findNow, { cache })
      marbles(({ scheduler, expectObservable }) => {
        for (let i = 0; i < 2; i++) {
          const { messages } = marbleMessages(scheduler, '(aA|)', values)
          expectObservable(messages.pipe(op, ack())).toBe('(aA|)')
        }
      })()
      expect(asked).toEqual(['a', 'a'])
    })

    it('lets nothing overtake an older message of its lane', () => {
      let answer: Ask = findNow
      const { op, asked } = lookupOf((...args) => answer(...args), { cache: {}, ...alone })
      marbles(({ scheduler, cold, expectObservable }) => {
        answer = (users) => cold('---(r|)', { r: find(users) })
        const source = '  a---bA------A|'
        const expected = '---a---(bA)-A|'
        const { messages } = marbleMessages(scheduler, source, values, oneKey)
        expectObservable(messages.pipe(op, ack())).toBe(expected)
      })()
      expect(asked).toEqual(['a', 'b'])
    })

    it('lets nothing overtake one that waits for its next try', () => {
      const busy = throwError(() => new TransientError('busy'))
      const { op } = lookupOf((users, call) => (call === 2 ? busy : of(find(users))), {
        ...{ cache: {}, ...alone, retry: steady },
      })
      marbles(({ scheduler, expectObservable }) => {
        const source = '  abA------|'
        const expected = 'a----(bA)|'
        const { messages } = marbleMessages(scheduler, source, values, oneKey)
        expectObservable(messages.pipe(op, ack())).toBe(expected)
      })()
    })

    it('waits for an equal request that is under way, and for nothing else again', () => {
      let answer: Ask = findNow
      const { op, asked } = lookupOf((...args) => answer(...args), { cache: {}, batch: { max: 2 } })
      marbles(({ scheduler, cold, expectObservable }) => {
        answer = (users, call) => cold(call === 1 ? '---(r|)' : '------(r|)', { r: find(users) })
        const source = '  abAc---------BC|'
        const expected = '----(ab)-(Ac)BC|'
        const { messages } = marbleMessages(scheduler, source, values)
        expectObservable(messages.pipe(op, ack())).toBe(expected)
      })()
      expect(asked).toEqual(['ab', 'c'])
    })

    it('tries again for all that wait when a request fails', () => {
      const busy = new TransientError('busy')
      let answer: Ask = findNow
      const { op, asked } = lookupOf((...args) => answer(...args), { cache: {}, ...alone, retry: steady })
      marbles(({ scheduler, cold, expectObservable }) => {
        answer = (users, call) => (call === 1 ? cold<never>('--#', {}, busy) : cold('-(r|)', { r: find(users) }))
        const { messages } = marbleMessages(scheduler, 'aA-----|', values)
        expectObservable(messages.pipe(op, ack())).toBe('-------(aA|)')
      })()
      expect(asked).toEqual(['a', 'a'])
    })

    it('goes on with a request that its first message has given up, as long as another waits for it', () => {
      let answer: Ask = findNow
      const { op, asked, signals } = lookupOf((...args) => answer(...args), {
        ...{ cache: {}, ...alone, retry: { ...steady, attempts: 3 }, timeout: 4 },
      })
      marbles(({ scheduler, cold, expectObservable }) => {
        answer = (users) => cold('-----(r|)', { r: find(users) })
        const { messages } = marbleMessages(scheduler, 'a-A------|', values)
        expectObservable(messages.pipe(op, ack())).toBe('-----A--a|')
      })()
      expect(asked).toEqual(['a'])
      expect(signals.map(({ aborted }) => aborted)).toEqual([false])
    })

    it('aborts a request when nobody waits for it any more', () => {
      const { op, signals } = lookupOf(() => NEVER, { cache: {}, ...alone })
      marbles(({ scheduler, expectObservable }) => {
        const { messages, abandoned } = marbleMessages(scheduler, 'aA----|', values)
        expectObservable(messages.pipe(op, ack()), '^---!').toBe('-----')
        expectObservable(abandoned).toBe('----(aA)')
      })()
      expect(signals.map(({ aborted }) => aborted)).toEqual([true])
    })

    it('nacks a miss that is known, too', () => {
      const { op, asked } = lookupOf(findNow, { cache, onMiss: 'nack', ...alone })
      marbles(({ scheduler, expectObservable }) => {
        const { messages, nacks } = marbleMessages(scheduler, 'xX|', values)
        expectObservable(messages.pipe(op, ack())).toBe('--|')
        const text = 'perLookup found nothing for "x"'
        expectObservable(nacks).toBe('xX', { x: `x: ${text}`, X: `X: ${text}` })
      })()
      expect(asked).toEqual(['x'])
    })
  })

  it('asks again for what is under way without a cache: its answer may be from before the message', () => {
    const { op, asked } = lookupOf(() => NEVER, alone)
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, 'aA', values)
      expectObservable(messages.pipe(op, ack()), '^--!').toBe('---')
    })()
    expect(asked).toEqual(['a', 'a'])
  })

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
        const source = `${steps.map(({ id, gap }) => id + '-'.repeat(gap)).join('')}|`
        const passed: string[] = []
        const settled: string[] = []
        marbles(({ scheduler, flush }) => {
          const ask: Ask = (users, n) => {
            const { ms, isBusy } = calls[n - 1] ?? { ms: 1, isBusy: false }
            const reply = isBusy ? throwError(() => new TransientError('busy')) : of(find(users))
            return timer(ms, scheduler).pipe(mergeMap(() => reply))
          }
          const { op } = lookupOf(ask, {
            cache: { ttl, max },
            concurrency: places,
            batch: { max, wait: 2 },
            retry: steady,
          })
          const { messages, acks } = marbleMessages(scheduler, source, values, byUser)
          acks.subscribe((id) => settled.push(id))
          messages.pipe(op, ack()).subscribe((id) => passed.push(id))
          flush()
        })()
        const ids = steps.map(({ id }) => id)
        expect([passed.length, settled]).toEqual([ids.length, passed])
        const ofKey = (all: readonly string[], key: string) => all.filter((id) => id.toLowerCase() === key)
        for (const key of 'abcd') expect(ofKey(passed, key)).toEqual(ofKey(ids, key))
      },
      { runs: 300 },
    )
  })
})
