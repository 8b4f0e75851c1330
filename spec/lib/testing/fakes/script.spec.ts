import { map, mergeMap } from 'rxjs'
import { describe, expect, it } from 'vitest'
import type { Clock } from '../../../../lib/clock.ts'
import { afterServing, Script } from '../../../../lib/testing/fakes/script.ts'
import { marbles } from '../../../support/marbles.ts'

const refused = new Error('refused')
const errors = {
  transient: refused,
  permanent: new Error('wrong'),
  fatal: new Error('denied'),
  lost: afterServing(new Error('lost')),
}

/** A server that adds up numbers, and replies with each sum. A number is called by its name. */
function fakeSum(clock: Clock) {
  let sum = 0
  const script = new Script<number, number>({ clock, errors, namesOf: (n) => [`n${n}`] })
  const add = (n: number) => {
    sum += n
    return sum
  }
  const ask = (numbers: readonly number[]) =>
    script
      .ask(numbers, (served) => served.map(add))
      .pipe(map((replies) => replies.map((reply) => (reply instanceof Error ? reply.message : reply)).join()))
  return script.control({ ask, sum: () => sum })
}

const asks = { a: [1], b: [10], c: [100], x: [1, 10] }

/** Tests a fake that is asked as the marbles say; `toBe` draws its replies. */
const asked = (marbled: string, test: (fake: ReturnType<typeof fakeSum>, toBe: Draw) => void) =>
  marbles(({ scheduler, cold, expectObservable }) => {
    const fake = fakeSum(scheduler)
    const replies = cold(marbled, asks).pipe(mergeMap((numbers) => fake.ask(numbers)))
    test(fake, (drawing, values) => expectObservable(replies).toBe(drawing, values))
  })
type Draw = (drawing: string, values: Record<string, string>) => void

describe('the script of a fake', () => {
  it(
    'replies at once when nothing is said',
    asked('--a--b', (_fake, toBe) => {
      toBe('  --a--b', { a: '1', b: '11' })
    }),
  )

  it(
    'takes its time, but does what it is asked at once',
    asked('      --a-b', (fake, toBe) => {
      fake.takes(4)
      toBe('------a-b', { a: '1', b: '11' })
    }),
  )

  it(
    'replies to each as drawn for its name, and to the others as drawn for *',
    asked('      a-b-c', (fake, toBe) => {
      fake.replies({ n1: '------(r|)', '*': '-(r|)' })
      toBe('---b-ca', { a: '1', b: '11', c: '111' })
    }),
  )

  it(
    'replies by itself to what no name is drawn for',
    asked('      (ab)', (fake, toBe) => {
      fake.replies({ n1: '--(r|)' })
      toBe('b-a', { a: '1', b: '11' })
    }),
  )

  it(
    'replies to a request once all it asks is answered',
    asked('      x', (fake, toBe) => {
      fake.replies({ n1: '-(r|)', n10: '---(r|)' })
      toBe('---x', { x: '1,11' })
    }),
  )

  it(
    'replies in turn as drawn, then by itself',
    asked('      a-b--c', (fake, toBe) => {
      fake.replies('-#', '--(7|)', { 7: 7 })
      toBe('-a--bc', { a: 'refused', b: '7', c: '100' })
    }),
  )

  it(
    'replies in turn for a name',
    asked('      aba', (fake, toBe) => {
      fake.replies({ n1: ['#', '(r|)'] })
      toBe('abc', { a: 'refused', b: '10', c: '11' })
    }),
  )

  it(
    'moves one on for a request, however much it asks',
    asked('      xa', (fake, toBe) => {
      fake.replies('#', '-(7|)', { 7: 7 })
      toBe('x-a', { x: 'refused,refused', a: '7' })
    }),
  )

  it(
    'does nothing of what has no reply of its own',
    asked('      x-c', (fake, toBe) => {
      fake.replies({ n1: '-#' })
      toBe('-xc', { x: 'refused,10', c: '110' })
    }),
  )

  it(
    'has done what it was asked when the reply is lost',
    asked('      a-b', (fake, toBe) => {
      fake.replies({ n1: '-#' }, { '#': errors.lost })
      toBe('-ab', { a: 'lost', b: '11' })
    }),
  )

  it(
    'never replies to what a drawing leaves without',
    asked('      a-b', (fake, toBe) => {
      fake.replies({ n1: '-' })
      toBe('--b', { b: '10' })
    }),
  )

  it(
    'forgets what was drawn when it is told anew',
    asked('      a', (fake, toBe) => {
      fake.replies('---#').replies({})
      toBe('a', { a: '1' })
    }),
  )

  it(
    'tells what it is asked, and when',
    marbles(({ scheduler, cold, expectObservable, flush }) => {
      const fake = fakeSum(scheduler).takes(3)
      expectObservable(fake.calls.pipe(map(({ name }) => name))).toBe('--(ab)c', { a: 'n1', b: 'n10', c: 'n100' })
      expectObservable(cold('--x---c', asks).pipe(mergeMap((numbers) => fake.ask(numbers)))).toBe('-----x---c', {
        x: '1,11',
        c: '111',
      })
      flush()
      expect(fake.log).toEqual([
        { name: 'n1', at: 2, request: 1, isServed: true, item: 1 },
        { name: 'n10', at: 2, request: 1, isServed: true, item: 10 },
        { name: 'n100', at: 6, request: 2, isServed: true, item: 100 },
      ])
    }),
  )

  it(
    'gives no reply to who has gone, though it has done what was asked',
    marbles(({ scheduler, expectObservable, flush }) => {
      const fake = fakeSum(scheduler).takes(3)
      expectObservable(fake.ask([1]), '-!').toBe('--')
      flush()
      expect([fake.sum(), scheduler.now()]).toEqual([1, 1])
    }),
  )

  it.each([
    [['-x'], 'Expected `replies` to be marbles of r #, got `-x` (string)'],
    [['-(1|)', { 2: 2 }], 'Expected `replies` to be marbles of r # 2, got `-(1|)` (string)'],
    [[{ a: 1 }], 'Expected `replies` to be marbles, such as --(r|), got `1` (number)'],
    [[{ a: ['-r', 'ms'] }], 'Expected `replies` to be marbles of r #, got `ms` (string)'],
  ])('refuses %j', (script, text) => {
    marbles(({ scheduler }) => {
      const fake = fakeSum(scheduler)
      expect(() => fake.replies(...(script as string[]))).toThrow(new TypeError(text))
    })()
  })

  it('takes time as RxJS writes it', () => {
    marbles(({ scheduler, expectObservable }) => {
      const fake = fakeSum(scheduler).replies('- 3s -(r|)')
      expectObservable(fake.ask([1])).toBe('- 3s -(a|)', { a: '1' })
    })()
  })
})
