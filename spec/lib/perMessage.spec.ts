import {
  EMPTY,
  filter,
  map,
  mergeMap,
  Observable,
  of,
  pipe,
  retry,
  Subject,
  type Subscriber,
  Subscription,
  take,
  takeUntil,
  tap,
  throwError,
  timer,
} from 'rxjs'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { ack } from '../../lib/ack.ts'
import type { Holders } from '../../lib/holders.ts'
import type { Message } from '../../lib/message.ts'
import { perMessage } from '../../lib/perMessage.ts'
import { kafkaTest } from '../../lib/testing/kafkaTest.ts'
import { outliving } from '../support/outliving.ts'

const skip = { onNack: 'skip' } as const
const wait = (ms: number | ((value: string) => number)) =>
  mergeMap((value: string) => timer(typeof ms === 'number' ? ms : ms(value)).pipe(map(() => value)))

// What perMessage owes as every operator does is in spec/operators/operator.suite.ts.
describe('perMessage', () => {
  it(
    'passes on what the chain makes of each value',
    kafkaTest(({ topic, expectOutput, expectAcks }) => {
      const upper = perMessage(map((v: string) => v.toUpperCase()))
      expectOutput(topic('0: -a-b').pipe(upper, ack())).toBe('-A-B')
      expectAcks('0: -a-b')
    }),
  )

  it(
    'acks at once what the chain drops',
    kafkaTest(({ topic, expectOutput, expectAcks, expectUnsettled }) => {
      const values = topic('0: ab-c').pipe(
        perMessage(filter((v) => v !== 'b')),
        map(({ value }) => value),
      )
      expectOutput(values).toBe('a--c')
      expectAcks('0: -b')
      expectUnsettled('0: ac')
    }),
  )

  it(
    'acks a message with the last of its children',
    kafkaTest(({ topic, expectOutput, expectAcks }) => {
      const ends = mergeMap((ms: number) => timer(ms).pipe(map(() => ms)))
      const twice = perMessage(mergeMap((_: string) => of(2, 5)))
      const result = topic('0: a').pipe(twice, perMessage(ends, { order: 'none' }), ack())
      expectOutput(result).toBe('--x--y', { x: 2, y: 5 })
      expectAcks('0: -----a')
    }),
  )

  it(
    'gives children the id of their parent and their number',
    kafkaTest(({ topic, expectOutput }) => {
      const ids = topic('0: ab').pipe(
        perMessage(mergeMap((v) => (v === 'a' ? of(1) : of(1, 2)))),
        map((message) => {
          const { id } = message
          message.ack()
          return id
        }),
      )
      expectOutput(ids).toBe('x(yz)', { x: 'topic-0-0', y: 'topic-0-1.0', z: 'topic-0-1.1' })
    }),
  )

  it(
    'nacks the message whose chain fails, and lives on',
    kafkaTest(({ topic, expectOutput, expectAcks, expectNacks }) => {
      const op = mergeMap((v: string) => (v === 'b' ? throwError(() => new Error('boom')) : of(v)))
      expectOutput(topic('0: a-b-c', {}, skip).pipe(perMessage(op), ack())).toBe('a---c')
      expectAcks(' 0: a---c')
      expectNacks('0: --b', { b: 'boom' })
    }),
  )

  it(
    'nacks a message whose children were passed on before its chain failed, once they are acked',
    kafkaTest(({ topic, expectOutput, expectNacks }) => {
      const op = mergeMap((v: string) => timer(1, 1).pipe(map((n) => (n === 1 ? fail() : v))))
      expectOutput(topic('0: a', {}, skip).pipe(perMessage(op), ack())).toBe('-a')
      expectNacks('0: --a', { a: 'boom' })
    }),
  )

  it(
    'nacks when the chain can not be built',
    kafkaTest(({ topic, expectOutput, expectNacks }) => {
      expectOutput(topic('0: a', {}, skip).pipe(perMessage(() => fail()))).toBe('')
      expectNacks('0: a', { a: 'boom' })
    }),
  )

  it(
    'retries inside the chain with the value of its own message',
    kafkaTest(({ topic, expectOutput }) => {
      let tries = 0
      const op = pipe(
        map((v: string) => (v === 'a' && ++tries < 3 ? fail() : v)),
        retry({ delay: 2 }),
      )
      expectOutput(topic('0: ab').pipe(perMessage(op), ack())).toBe('-b--a')
    }),
  )

  it(
    'keeps the order of a partition when asked to',
    kafkaTest(({ topic, expectOutput }) => {
      const op = wait((v) => (v === 'a' ? 5 : 1))
      expectOutput(topic('0: (abc)').pipe(perMessage(op, { order: 'partition' }), ack())).toBe('-----abc')
    }),
  )

  it(
    'keeps the order of a key behind a full house',
    kafkaTest(({ topic, expectOutput }) => {
      // a and b run; c (of a's key) and d (of b's) wait; when b ends first, d goes before c, but c never before a.
      const messages = topic('0: (abcd)', {}, { key: (v) => ('ac'.includes(v) ? 'x' : 'y') })
      const op = wait((v) => (v === 'a' ? 5 : 2))
      expectOutput(messages.pipe(perMessage(op, { concurrency: 2 }), ack())).toBe('--b-da-c')
    }),
  )

  it(
    'abandons what waits, too, when it is unsubscribed',
    kafkaTest(({ topic, cold, expectOutput, expectNacks }) => {
      const messages = topic('0: abcd', {}, { key: (v) => (v < 'c' ? 'k' : v) })
      const result = messages.pipe(perMessage(wait(9), { concurrency: 2 }), takeUntil(cold('----x')))
      expectOutput(result).toBe('----|')
      expectNacks('0: ----(acdb)', Object.fromEntries([...'abcd'].map((name) => [name, 'abandoned'])))
    }),
  )

  it(
    "ends a run before the signal of its message aborts: who leaves is not told that the run's work failed",
    kafkaTest(({ topic, cold, expectOutput, expectNacks, expectLate }) => {
      const abortable = (message: Message<string>) =>
        new Observable<string>((subscriber) => {
          message.signal.addEventListener('abort', () => subscriber.error(new Error('aborted')))
        })
      const carried = topic('0: a').pipe(map((message) => message.with(message)))
      expectOutput(carried.pipe(perMessage(mergeMap(abortable)), takeUntil(cold('--x')))).toBe('--|')
      expectNacks('0: --a', { a: 'abandoned' })
      expectLate('')
    }),
  )

  it(
    'works on nothing any more when a chain has ended the pipe that it is in',
    kafkaTest((kit) => {
      const end = new Subject<string>()
      let holders: Holders | undefined
      const chain = pipe(tap(end), wait(5))
      const messages = outliving(kit, '0: a').pipe(
        tap(({ origin }) => {
          holders = origin.holders
        }),
      )
      kit.expectOutput(messages.pipe(perMessage(chain), takeUntil(end))).toBe('|')
      kit.expectNacks('0: a', { a: 'abandoned' })
      kit.flush()
      expect(holders?.isBusy).toBe(false)
    }),
  )

  it(
    'ends a chain that emits without end once downstream has enough',
    kafkaTest(({ topic, expectOutput }) => {
      expectOutput(topic('0: a').pipe(perMessage(mergeMap(endless)), ack(), take(2))).toBe('(xx|)', { x: 1 })
    }),
  )

  it(
    'starts nothing more once downstream has enough',
    kafkaTest(({ topic, expectOutput, flush }) => {
      const started: string[] = []
      const chain = pipe(
        tap((v: string) => started.push(v)),
        mergeMap((v) => (v === 'a' ? timer(5).pipe(map(() => v)) : of(v))),
      )
      const messages = topic('0: abcd', {}, { key: () => 'k' })
      expectOutput(messages.pipe(perMessage(chain), ack(), take(2))).toBe('-----(ab|)')
      flush()
      expect(started).toEqual(['a', 'b'])
    }),
  )

  it(
    'completes after the last run, also when it ends another one as it starts',
    kafkaTest(({ topic, expectOutput }) => {
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
      const drawing = `
        0:   abc
        ctl: ---S
      `
      const messages = topic(drawing, {}, { key: (v) => (v === 'c' ? 'c' : 'k') })
      expectOutput(messages.pipe(perMessage(chain), ack())).toBe('-----(acb|)')
    }),
  )

  it(
    'acks from an empty chain',
    kafkaTest(({ topic, expectOutput, expectAcks }) => {
      expectOutput(topic('0: a').pipe(perMessage(() => EMPTY))).toBe('')
      expectAcks('0: a')
    }),
  )

  it(
    'tears down all that a chain has added',
    kafkaTest(({ topic, cold, expectOutput, flush }) => {
      const torn: string[] = []
      const chain = () =>
        new Observable<string>((subscriber) => {
          subscriber.add(new Subscription(() => torn.push('first')))
          subscriber.add(() => torn.push('second'))
          subscriber.add(new Subscription(() => torn.push('third')))
        })
      expectOutput(topic('0: a').pipe(perMessage(chain), takeUntil(cold('--x')))).toBe('--|')
      flush()
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
