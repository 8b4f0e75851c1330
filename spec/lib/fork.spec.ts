import { map, mergeMap, type Observable, of, take, throwError, timer } from 'rxjs'
import { describe, expectTypeOf, it } from 'vitest'
import { ack } from '../../lib/ack.ts'
import { fork } from '../../lib/fork.ts'
import { perMessage } from '../../lib/perMessage.ts'
import { kafkaTest } from '../../lib/testing/kafkaTest.ts'
import { filterValue, mapValue } from '../../lib/values.ts'

const skip = { onNack: 'skip' } as const
const later = (ms: number, name: string) => perMessage(mergeMap((v: string) => timer(ms).pipe(map(() => v + name))))

describe('fork', () => {
  it(
    'acks a message when both branches have',
    kafkaTest(({ topic, expectOutput, expectAcks }) => {
      const both = topic('  0: a-------b').pipe(fork(later(3, '1'), later(1, '2')), ack())
      expectTypeOf(both).toEqualTypeOf<Observable<string>>()
      expectOutput(both).toBe('-x-y-----v-w', { x: 'a2', y: 'a1', v: 'b2', w: 'b1' })
      expectAcks('          0: ---a-------b')
    }),
  )

  it(
    'counts a branch that drops the message as settled',
    kafkaTest(({ topic, expectOutput, expectAcks }) => {
      const drops = filterValue<string>(() => false)
      expectOutput(topic('0: a').pipe(fork(drops, later(2, '')), ack())).toBe('--a')
      expectAcks('0: --a')
    }),
  )

  it(
    'nacks at the last settlement when one branch fails',
    kafkaTest(({ topic, expectOutput, expectNacks }) => {
      const fails = perMessage(mergeMap((_: string) => throwError(() => new Error('boom'))))
      expectOutput(topic('0: a', {}, skip).pipe(fork(fails, later(5, '')), ack())).toBe('-----a')
      expectNacks('0: -----a', { a: 'boom' })
    }),
  )

  it(
    'abandons what comes for a branch that has had enough',
    kafkaTest(({ topic, expectOutput, expectAcks, expectNacks }) => {
      expectOutput(topic('0: ab', {}, skip).pipe(fork(take(1), later(3, '')), ack())).toBe('a--ab')
      expectAcks(' 0: ---a')
      expectNacks('0: ----b', { b: 'abandoned' })
    }),
  )

  it(
    'merges what branches of different types emit',
    kafkaTest(({ topic, expectOutput }) => {
      const mixed = topic('0: a').pipe(
        fork(
          mapValue((v) => v.length),
          perMessage(mergeMap((v: string) => of(v, v))),
        ),
        ack(),
      )
      expectTypeOf(mixed).toEqualTypeOf<Observable<string | number>>()
      expectOutput(mixed).toBe('(xyy)', { x: 1, y: 'a' })
    }),
  )
})
