import { map, mergeMap, of, take, throwError, timer } from 'rxjs'
import { describe, expectTypeOf, it } from 'vitest'
import { ack } from '../../lib/ack.ts'
import { fork } from '../../lib/fork.ts'
import { perMessage } from '../../lib/perMessage.ts'
import { marbleMessages } from '../../lib/testing/marbleMessages.ts'
import { filterValue, mapValue } from '../../lib/values.ts'
import { marbles } from '../support/marbles.ts'

const values = { a: 'a', b: 'b' }
const later = (ms: number, name: string) => perMessage(mergeMap((v: string) => timer(ms).pipe(map(() => v + name))))

describe('fork', () => {
  it(
    'acks a message when both branches have',
    marbles(({ scheduler, expectObservable }) => {
      const { messages, acks } = marbleMessages(scheduler, 'a-------b--|', values)
      const both = messages.pipe(fork(later(3, '1'), later(1, '2')), ack())
      expectTypeOf(both).toEqualTypeOf<import('rxjs').Observable<string>>()
      expectObservable(both).toBe('-x-y-----v-(w|)', { x: 'a2', y: 'a1', v: 'b2', w: 'b1' })
      expectObservable(acks).toBe('---a-------b')
    }),
  )

  it(
    'counts a branch that drops the message as settled',
    marbles(({ scheduler, expectObservable }) => {
      const { messages, acks } = marbleMessages(scheduler, 'a---|', values)
      expectObservable(
        messages.pipe(
          fork(
            filterValue(() => false),
            later(2, ''),
          ),
          ack(),
        ),
      ).toBe('--a-|')
      expectObservable(acks).toBe('--a')
    }),
  )

  it(
    'nacks at the last settlement when one branch fails',
    marbles(({ scheduler, expectObservable }) => {
      const { messages, nacks } = marbleMessages(scheduler, 'a------|', values)
      const fails = perMessage(mergeMap((_: string) => throwError(() => new Error('boom'))))
      expectObservable(messages.pipe(fork(fails, later(5, '')), ack())).toBe('-----a-|')
      expectObservable(nacks).toBe('-----a', { a: 'a: boom' })
    }),
  )

  it(
    'abandons what comes for a branch that has had enough',
    marbles(({ scheduler, expectObservable }) => {
      const { messages, acks, abandoned } = marbleMessages(scheduler, 'ab|', values)
      expectObservable(messages.pipe(fork(take(1), later(3, '')), ack())).toBe('a--a(b|)')
      expectObservable(acks).toBe('---a')
      expectObservable(abandoned).toBe('----b')
    }),
  )

  it(
    'merges what branches of different types emit',
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, 'a----|', values)
      const mixed = messages.pipe(
        fork(
          mapValue((v) => v.length),
          perMessage(mergeMap((v: string) => of(v, v))),
        ),
        ack(),
      )
      expectTypeOf(mixed).toEqualTypeOf<import('rxjs').Observable<string | number>>()
      expectObservable(mixed).toBe('(xyy)|', { x: 1, y: 'a' })
    }),
  )
})
