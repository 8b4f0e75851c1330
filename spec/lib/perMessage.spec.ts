import {
  EMPTY,
  filter,
  map,
  mergeMap,
  NEVER,
  Observable,
  of,
  pipe,
  retry,
  type Subscriber,
  Subscription,
  take,
  throwError,
  timer,
} from 'rxjs'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { ack } from '../../lib/ack.ts'
import type { Message } from '../../lib/message.ts'
import { perMessage } from '../../lib/perMessage.ts'
import { marbleMessages } from '../../lib/testing/marbleMessages.ts'
import { marbles } from '../support/marbles.ts'

const values = { a: 'a', b: 'b', c: 'c', d: 'd' }
const wait = (ms: number) => mergeMap((value: string) => timer(ms).pipe(map(() => value)))

describe('perMessage', () => {
  it(
    'passes on what the chain makes of each value',
    marbles(({ scheduler, expectObservable }) => {
      const { messages, acks } = marbleMessages(scheduler, '-a-b-|', values)
      expectObservable(messages.pipe(perMessage(map((v) => v.toUpperCase())), ack())).toBe('-A-B-|')
      expectObservable(acks).toBe('                                                          -a-b')
    }),
  )

  it(
    'acks at once what the chain drops',
    marbles(({ scheduler, expectObservable }) => {
      const { messages, acks } = marbleMessages(scheduler, 'ab-c|', values)
      expectObservable(messages.pipe(perMessage(filter((v) => v !== 'b')))).toBe('x--y|', {
        x: expect.objectContaining({ value: 'a' }),
        y: expect.objectContaining({ value: 'c' }),
      })
      expectObservable(acks).toBe('-b')
    }),
  )

  it(
    'acks a message with the last of its children',
    marbles(({ scheduler, expectObservable }) => {
      const { messages, acks } = marbleMessages(scheduler, 'a------|', values)
      const ends = mergeMap((ms: number) => timer(ms).pipe(map(() => ms)))
      const twice = perMessage(mergeMap((_: string) => of(2, 5)))
      expectObservable(messages.pipe(twice, perMessage(ends, { order: 'none' }), ack())).toBe('--x--y-|', {
        x: 2,
        y: 5,
      })
      expectObservable(acks).toBe('-----a')
    }),
  )

  it(
    'gives children the id of their parent and their number',
    marbles(({ scheduler }) => {
      const ids: string[] = []
      const { messages } = marbleMessages(scheduler, 'ab|', values)
      messages
        .pipe(perMessage(mergeMap((v) => (v === 'a' ? of(1) : of(1, 2)))))
        .subscribe((message) => ids.push(message.id))
      scheduler.flush()
      expect(ids).toEqual(['topic-0-0', 'topic-0-1.0', 'topic-0-1.1'])
    }),
  )

  it(
    'nacks the message whose chain fails, and lives on',
    marbles(({ scheduler, expectObservable }) => {
      const { messages, acks, nacks } = marbleMessages(scheduler, 'a-b-c|', values)
      const op = mergeMap((v: string) => (v === 'b' ? throwError(() => new Error('boom')) : of(v)))
      expectObservable(messages.pipe(perMessage(op), ack())).toBe('a---c|')
      expectObservable(acks).toBe('                             a---c')
      expectObservable(nacks).toBe('                            --b', { b: 'b: boom' })
    }),
  )

  it(
    'nacks a message whose children were passed on before its chain failed, once they are acked',
    marbles(({ scheduler, expectObservable }) => {
      const { messages, nacks } = marbleMessages(scheduler, 'a---|', values)
      const op = mergeMap((v: string) => timer(1, 1).pipe(map((n) => (n === 1 ? fail() : v))))
      expectObservable(messages.pipe(perMessage(op), ack())).toBe('-a--|')
      expectObservable(nacks).toBe('                             --a', { a: 'a: boom' })
    }),
  )

  it(
    'nacks when the chain can not be built',
    marbles(({ scheduler, expectObservable }) => {
      const { messages, nacks } = marbleMessages(scheduler, 'a|', values)
      expectObservable(messages.pipe(perMessage(() => fail()))).toBe('-|')
      expectObservable(nacks).toBe('a', { a: 'a: boom' })
    }),
  )

  it(
    'retries inside the chain with the value of its own message',
    marbles(({ scheduler, expectObservable }) => {
      let tries = 0
      const { messages } = marbleMessages(scheduler, 'ab-----|', values)
      const op = pipe(
        map((v: string) => (v === 'a' && ++tries < 3 ? fail() : v)),
        retry({ delay: 2 }),
      )
      expectObservable(messages.pipe(perMessage(op), ack())).toBe('-b--a--|')
    }),
  )

  it(
    'keeps the order of a key, and lets other keys overtake',
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, '(abc)------|', values, { key: (v) => (v === 'c' ? 'x' : 'y') })
      const op = mergeMap((v: string) => timer(v === 'a' ? 5 : 1).pipe(map(() => v)))
      expectObservable(messages.pipe(perMessage(op), ack())).toBe('-c---ab----|')
    }),
  )

  it(
    'keeps the order of a partition when asked to',
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, '(abc)---|', values)
      const op = mergeMap((v: string) => timer(v === 'a' ? 5 : 1).pipe(map(() => v)))
      expectObservable(messages.pipe(perMessage(op, { order: 'partition' }), ack())).toBe('-----abc|')
    }),
  )

  it(
    'keeps the order of a key behind a full house',
    marbles(({ scheduler, expectObservable }) => {
      // a and b run; c (of a's key) and d (of b's) wait; when b ends first, d goes before c, but c never before a.
      const { messages } = marbleMessages(scheduler, '(abcd)|', values, { key: (v) => ('ac'.includes(v) ? 'x' : 'y') })
      const op = mergeMap((v: string) => timer(v === 'a' ? 5 : 2).pipe(map(() => v)))
      expectObservable(messages.pipe(perMessage(op, { concurrency: 2 }), ack())).toBe('--b-da-(c|)')
    }),
  )

  it(
    'works on no more messages at a time than asked to',
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, '(abcd|)', values)
      expectObservable(messages.pipe(perMessage(wait(4), { concurrency: 2 }), ack())).toBe('----(ab)(cd|)')
    }),
  )

  it(
    'completes once the last run has ended',
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, 'a|', values)
      expectObservable(messages.pipe(perMessage(wait(4)), ack())).toBe('----(a|)')
    }),
  )

  it(
    'passes a source error on, and abandons what is under way',
    marbles(({ scheduler, expectObservable }) => {
      const { messages, abandoned } = marbleMessages(scheduler, 'a-#', values)
      expectObservable(messages.pipe(perMessage(wait(4)))).toBe('--#')
      expectObservable(abandoned).toBe('                         --a')
    }),
  )

  it(
    'abandons what is under way when unsubscribed',
    marbles(({ scheduler, expectObservable }) => {
      const { messages, abandoned, acks } = marbleMessages(scheduler, 'a', values)
      expectObservable(messages.pipe(perMessage(mergeMap(() => NEVER))), '--!').toBe('')
      expectObservable(abandoned).toBe('--a')
      expectObservable(acks).toBe('')
    }),
  )

  it(
    'abandons what waits, too, when unsubscribed',
    marbles(({ scheduler, expectObservable }) => {
      const { messages, abandoned } = marbleMessages(scheduler, 'abcd', values, { key: (v) => (v < 'c' ? 'k' : v) })
      expectObservable(messages.pipe(perMessage(wait(9), { concurrency: 2 })), '----!').toBe('')
      expectObservable(abandoned).toBe('----(dbac)')
    }),
  )

  it(
    'ends a chain that emits without end once downstream has enough',
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, 'a', values)
      expectObservable(messages.pipe(perMessage(mergeMap(endless)), ack(), take(2))).toBe('(xx|)', { x: 1 })
    }),
  )

  it(
    'starts nothing more once downstream has enough',
    marbles(({ scheduler, flush }) => {
      const started: string[] = []
      const chain = mergeMap((v: string) => {
        started.push(v)
        return v === 'a' ? timer(5).pipe(map(() => v)) : of(v)
      })
      const { messages } = marbleMessages(scheduler, 'abcd', values, { key: () => 'k' })
      messages.pipe(perMessage(chain), ack(), take(2)).subscribe()
      flush()
      expect(started).toEqual(['a', 'b'])
    }),
  )

  it(
    'completes after the last run, also when it ends another one as it starts',
    marbles(({ scheduler, expectObservable }) => {
      const pair: { subscriber: Subscriber<string>; value: string }[] = []
      const inPairs = (value: string) =>
        new Observable<string>((subscriber) => {
          pair.push({ subscriber, value })
          if (pair.length < 2) return
          for (const one of pair) {
            one.subscriber.next(one.value)
            one.subscriber.complete()
          }
        })
      const chain = mergeMap((v: string) => (v === 'a' ? timer(5).pipe(map(() => v)) : inPairs(v)))
      const { messages } = marbleMessages(scheduler, 'abc|', values, { key: (v) => (v === 'c' ? 'c' : 'k') })
      expectObservable(messages.pipe(perMessage(chain), ack())).toBe('-----(acb|)')
    }),
  )

  it(
    'acks from an empty chain',
    marbles(({ scheduler, expectObservable }) => {
      const { messages, acks } = marbleMessages(scheduler, 'a|', values)
      expectObservable(messages.pipe(perMessage(() => EMPTY))).toBe('-|')
      expectObservable(acks).toBe('a')
    }),
  )

  it(
    'tears down all that a chain has added',
    marbles(({ scheduler, flush }) => {
      const torn: string[] = []
      const chain = () =>
        new Observable<string>((subscriber) => {
          subscriber.add(new Subscription(() => torn.push('first')))
          subscriber.add(() => torn.push('second'))
          subscriber.add(new Subscription(() => torn.push('third')))
        })
      const { messages } = marbleMessages(scheduler, 'a', values)
      const subscription = messages.pipe(perMessage(chain)).subscribe()
      flush()
      subscription.unsubscribe()
      expect(torn).toHaveLength(3)
    }),
  )

  it('refuses wrong options when the pipe is built', () => {
    expect(() => perMessage(map(String), { concurrency: 0 })).toThrow(
      'Expected `concurrency` to be an integer >= 1, got `0` (number)',
    )
    // @ts-expect-error not an order
    expect(() => perMessage(map(String), { order: 'keys' })).toThrow('one of key, partition, none, got `keys`')
  })

  it('infers its types', () => {
    expectTypeOf(perMessage(map((n: number) => String(n)))).toExtend<
      (source: import('rxjs').Observable<Message<number>>) => import('rxjs').Observable<Message<string>>
    >()
  })
})

function* endless() {
  for (;;) yield 1
}

function fail(): never {
  throw new Error('boom')
}
