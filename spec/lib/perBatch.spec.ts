import fc from 'fast-check'
import {
  bufferCount,
  EMPTY,
  map,
  mergeAll,
  mergeMap,
  NEVER,
  type Observable,
  type ObservableInput,
  of,
  Subject,
  take,
  takeUntil,
  tap,
  throwError,
  timer,
  zip,
} from 'rxjs'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { ack } from '../../lib/ack.ts'
import { FatalError, fatalAt, PermanentError, TransientError } from '../../lib/errors.ts'
import type { Message } from '../../lib/message.ts'
import { type Batch, type Outcome, type PerBatchOptions, perBatch } from '../../lib/perBatch.ts'
import { kafkaTest } from '../../lib/testing/kafkaTest.ts'
import { tapValue } from '../../lib/values.ts'
import { outliving } from '../support/outliving.ts'
import { holds } from '../support/property.ts'

/** Capitals share the lane of their small letters. */
const keyed = { key: (value: string) => value.toLowerCase() }
const skip = { onNack: 'skip' } as const
const steady = { jitter: 'none', delay: 4 } as const

type Answer = (letters: string, batch: Batch<string>) => ObservableInput<readonly Outcome<string>[]>

/** A `perBatch` of letters that keeps what it sent. */
function batchOf(answer: Answer, options?: PerBatchOptions<string>) {
  const sent: string[] = []
  const op = perBatch<string, string, string>(
    (value) => value,
    (letters, batch) => {
      sent.push(letters.join(''))
      return answer(letters.join(''), batch)
    },
    options,
  )
  return { op, sent }
}

const pass = (letters: string): Outcome<string>[] => [...letters].map((value) => ({ value }))
const passNow: Answer = (letters) => of(pass(letters))
const busy = new TransientError('busy')
const wrong = new PermanentError('wrong')
const closed = new FatalError('closed')
/** What a stream ends with that the first message ends. */
const fatal = (cause: Error) => fatalAt({ topic: 'topic', partition: 0, offset: 0 }, cause)

type Fate = 'passes' | 'hangs' | 'is busy' | 'is refused' | 'fails in part'

/** What becomes of a request after `ms`; of one that fails in part, the message at that place fails. */
function answerOf([fate, ms, place]: readonly [Fate, ms: number, place: number], requests: readonly string[]) {
  const after = <T>(outcome: Observable<T>) => timer(ms).pipe(mergeMap(() => outcome))
  if (fate === 'hangs') return NEVER
  if (fate === 'is busy') return after(throwError(() => busy))
  if (fate === 'is refused' && requests.length > 1) return after(throwError(() => wrong))
  const isBusy = (i: number) => fate === 'fails in part' && i === place
  return after(of(requests.map((value, i) => (isBusy(i) ? { error: busy } : { value }))))
}

// What perBatch owes as every operator does is in spec/operators/operator.suite.ts.
describe('perBatch', () => {
  describe('batches', () => {
    it(
      'waits anew for a message that came after a full batch',
      kafkaTest(({ topic, cold, expectOutput, flush }) => {
        const { op, sent } = batchOf(passNow, { batch: { max: 2, wait: 5 } })
        // One by one, after the source went quiet: here only size and time send a batch.
        const messages = zip(topic('0: (abcd)'), cold('-ab-c--d')).pipe(map(([message]) => message))
        expectOutput(messages.pipe(op, ack())).toBe('  --(ab)-(cd)')
        flush()
        expect(sent).toEqual(['ab', 'cd'])
      }),
    )

    it(
      'never starts more than `concurrency`, and lets what waits grow',
      kafkaTest(({ topic, cold, expectOutput, flush }) => {
        const { op, sent } = batchOf((letters) => cold('------(r|)', { r: pass(letters) }), {
          concurrency: 1,
          batch: { max: 3, wait: 0 },
        })
        expectOutput(topic('0: abcde').pipe(op, ack())).toBe('------a-----(bcd)-e')
        flush()
        expect(sent).toEqual(['a', 'bcd', 'e'])
      }),
    )

    it(
      'serves many answers that come at once without nesting them',
      kafkaTest(({ topic, cold, expectOutput, flush }) => {
        const all = 'a'.repeat(3000)
        // All the others wait in the lane of the first, and are answered as soon as they are sent.
        const { op, sent } = batchOf(
          (letters) => (sent.length === 1 ? cold('-(r|)', { r: pass(letters) }) : of(pass(letters))),
          { batch: { max: 1 } },
        )
        const messages = topic(`0: (${all})`, {}, { ...keyed, maxInFlight: all.length })
        expectOutput(messages.pipe(op, ack())).toBe(`-(${all})`)
        flush()
        expect(sent).toHaveLength(all.length)
      }),
    )
  })

  describe('lanes', () => {
    it(
      'has one message of a key in a batch, and one batch of a key under way',
      kafkaTest(({ topic, cold, expectOutput, expectAcks, flush }) => {
        const { op, sent } = batchOf((letters) => cold('-----(r|)', { r: pass(letters) }))
        expectOutput(topic('0: (aAbB)', {}, keyed).pipe(op, ack())).toBe('-----(ab)-(AB)')
        expectAcks('0: -----(ab)-(AB)')
        flush()
        expect(sent).toEqual(['ab', 'AB'])
      }),
    )

    it(
      'may have several of a key in one batch with `repeats`, but not in two',
      kafkaTest(({ topic, cold, expectOutput, flush }) => {
        const { op, sent } = batchOf((letters) => cold('------(r|)', { r: pass(letters) }), {
          repeats: true,
          batch: { max: 3 },
        })
        expectOutput(topic('0: (aAbAB)', {}, keyed).pipe(op, ack())).toBe('------(aAb)-(AB)')
        flush()
        expect(sent).toEqual(['aAb', 'AB'])
      }),
    )

    it.each([
      ['without a key', {}, {}],
      ['of `order: none`', keyed, { order: 'none' }],
    ] as const)('lets messages %s overtake', (_, source, options) => {
      kafkaTest(({ topic, cold, expectOutput }) => {
        const { op } = batchOf((letters) => cold(letters === 'a' ? '---(r|)' : '-(r|)', { r: pass(letters) }), {
          batch: { max: 1 },
          ...options,
        })
        expectOutput(topic('0: aA', {}, source).pipe(op, ack())).toBe('--Aa')
      })()
    })

    it(
      'keeps the order of a partition with `order: partition`',
      kafkaTest(({ topic, cold, expectOutput }) => {
        const { op } = batchOf((letters) => cold(letters === 'a' ? '---(r|)' : '-(r|)', { r: pass(letters) }), {
          batch: { max: 1 },
          order: 'partition',
        })
        expectOutput(topic('0: ab').pipe(op, ack())).toBe('---ab')
      }),
    )
  })

  describe('outcomes', () => {
    it(
      'acks what is dropped, nacks what failed, passes on the rest',
      kafkaTest(({ topic, expectOutput, expectAcks, expectNacks }) => {
        const { op } = batchOf(() => of([{ value: 'x' }, 'drop', { error: wrong }]))
        expectOutput(topic('0: (abc)', {}, skip).pipe(op, ack())).toBe('x')
        expectAcks(' 0: (ab)')
        expectNacks('0: c', { c: wrong })
      }),
    )

    it(
      'does not ack before the end of the pipe does',
      kafkaTest(({ topic, expectOutput, expectAcks, expectUnsettled }) => {
        const { op } = batchOf(passNow)
        const values = topic('0: a').pipe(
          op,
          map(({ value }) => value),
        )
        expectOutput(values).toBe('a')
        expectAcks('')
        expectUnsettled('0: a')
      }),
    )

    it.each<[string, Answer, string]>([
      ['too few outcomes', () => of([]), 'perBatch got 0 outcomes for 1 messages; send() has to give one for each'],
      [
        'no array',
        (() => of(7)) as unknown as Answer,
        'perBatch got 7, not outcomes, for 1 messages; send() has to give one for each',
      ],
      ['none at all', () => EMPTY, 'perBatch got no outcomes; send() has to emit them'],
    ])('ends the stream with %s', (_name, answer, text) => {
      kafkaTest((kit) => {
        const { op } = batchOf(answer)
        const messages = outliving(kit, '0: a')
        kit.expectOutput(messages.pipe(op, ack())).toBe('#', {}, fatal(new FatalError(text)))
        kit.expectNacks('0: a', { a: 'abandoned' })
      })()
    })

    it(
      'ends the stream with the failure that a classify throws at',
      kafkaTest(({ topic, expectOutput }) => {
        const { op } = batchOf(() => throwError(() => new Error('boom')), {
          classify: () => {
            throw new TypeError('bug')
          },
        })
        expectOutput(topic('0: a').pipe(op, ack())).toBe('#', {}, 'boom')
      }),
    )

    it(
      'ends the stream with a message that was settled behind its back',
      kafkaTest(({ topic, expectOutput }) => {
        const { op } = batchOf(passNow)
        const spoilt = topic('0: a').pipe(tapValue((_value, message) => message.ack()))
        expectOutput(spoilt.pipe(op, ack())).toBe('#', {}, 'Cannot hand on topic[0]@0')
      }),
    )
  })

  describe('failures of a request', () => {
    it(
      'that may pass: tries it again as it is, with growing waits',
      kafkaTest(({ topic, expectOutput, flush }) => {
        const { op, sent } = batchOf((letters) => (sent.length < 4 ? throwError(() => busy) : of(pass(letters))), {
          retry: steady,
        })
        expectOutput(topic('0: (ab)').pipe(op, ack())).toBe('28ms (ab)')
        flush()
        expect(sent).toEqual(['ab', 'ab', 'ab', 'ab'])
      }),
    )

    it(
      'that may pass: waits a random part, of 30 s at most',
      kafkaTest(({ topic, kafka, expectOutput }) => {
        Object.assign(kafka, { random: () => 0.999 })
        const { op, sent } = batchOf((letters) => (sent.length < 3 ? throwError(() => busy) : of(pass(letters))), {
          retry: { delay: 50_000 },
        })
        expectOutput(topic('0: a').pipe(op, ack())).toBe('59940ms a')
      }),
    )

    it(
      'that may pass: holds the lane and the place',
      kafkaTest(({ topic, expectOutput, flush }) => {
        const { op, sent } = batchOf((letters) => (sent.length < 2 ? throwError(() => busy) : of(pass(letters))), {
          retry: steady,
          concurrency: 1,
          batch: { max: 1 },
        })
        expectOutput(topic('0: aAb', {}, keyed).pipe(op, ack())).toBe('----(aAb)')
        flush()
        expect(sent).toEqual(['a', 'a', 'A', 'b'])
      }),
    )

    it(
      'that may pass: gives up after `attempts`',
      kafkaTest(({ topic, expectOutput, expectNacks, flush }) => {
        const { op, sent } = batchOf(() => throwError(() => busy), { retry: { ...steady, attempts: 3 }, name: 'it' })
        expectOutput(topic('0: (ab)', {}, skip).pipe(op, ack())).toBe('')
        const error = new PermanentError('it gave up after 3 tries: busy', { cause: busy })
        expectNacks('0: 12ms (ab)', { a: error, b: error })
        flush()
        expect(sent).toEqual(['ab', 'ab', 'ab'])
      }),
    )

    it(
      'for good: tries its messages one by one, in order',
      kafkaTest(({ topic, expectOutput, expectAcks, expectNacks, flush }) => {
        const { op, sent } = batchOf((letters) => (letters.includes('b') ? throwError(() => wrong) : of(pass(letters))))
        expectOutput(topic('0: (abc)', {}, skip).pipe(op, ack())).toBe('(ac)')
        expectAcks(' 0: (ac)')
        expectNacks('0: b', { b: wrong })
        flush()
        expect(sent).toEqual(['abc', 'a', 'b', 'c'])
      }),
    )

    it(
      'for good: one that then may pass is tried again before those behind it',
      kafkaTest(({ topic, expectOutput, flush }) => {
        const { op, sent } = batchOf(
          (letters) => {
            if (letters.length > 1) return throwError(() => wrong)
            return of(letters === 'a' && sent.length < 4 ? [{ error: busy }] : pass(letters))
          },
          { retry: steady, repeats: true },
        )
        expectOutput(topic('0: (aA)', {}, keyed).pipe(op, ack())).toBe('12ms (aA)')
        flush()
        expect(sent).toEqual(['aA', 'a', 'a', 'a', 'A'])
      }),
    )

    it(
      'for good: two thousand single tries answered at once do not overflow the stack',
      kafkaTest(({ topic, expectOutput, flush }) => {
        const all = 'a'.repeat(2000)
        const { op, sent } = batchOf((letters) => (letters.length > 1 ? throwError(() => wrong) : of(pass(letters))), {
          batch: { max: all.length },
        })
        // They are fetched in parts.
        const messages = topic(`0: (${all})`, {}, { maxInFlight: all.length }).pipe(bufferCount(all.length), mergeAll())
        expectOutput(messages.pipe(op, ack())).toBe(`(${all})`)
        flush()
        expect(sent).toHaveLength(all.length + 1)
      }),
    )

    it.each<[string, Answer]>([
      ['an error', () => throwError(() => closed)],
      ['an outcome', () => of([{ error: closed }, { value: 'b' }])],
      [
        'a throw',
        () => {
          throw closed
        },
      ],
    ])('that no message escapes, as %s: ends the stream', (_name, answer) => {
      kafkaTest((kit) => {
        const { op, sent } = batchOf(answer, { batch: { max: 2 } })
        const messages = outliving(kit, '0: (ab)-c')
        kit.expectOutput(messages.pipe(op, ack())).toBe('#', {}, fatal(closed))
        kit.expectAcks('')
        kit.expectNacks('0: (ab)', { a: 'abandoned', b: 'abandoned' })
        kit.expectUnsettled('0: c')
        kit.flush()
        expect(sent).toHaveLength(1)
      })()
    })
  })

  describe('failures of an item', () => {
    it(
      'that may pass: tries it again apart from the rest, and holds its lane',
      kafkaTest(({ topic, cold, expectOutput, flush }) => {
        let tries = 0
        const { op, sent } = batchOf(
          (letters) =>
            cold('-(r|)', {
              r: pass(letters).map((outcome, i) => (letters[i] === 'a' && ++tries < 3 ? { error: busy } : outcome)),
            }),
          { retry: steady },
        )
        expectOutput(topic('0: (aAb)', {}, keyed).pipe(op, ack())).toBe('-b 13ms aA')
        flush()
        expect(sent).toEqual(['ab', 'a', 'a', 'A'])
      }),
    )

    it(
      'that may pass: has those behind it in its lane done again after it',
      kafkaTest(({ topic, expectOutput, flush }) => {
        let tries = 0
        const { op, sent } = batchOf(
          (letters) => of(pass(letters).map((outcome) => (++tries === 1 ? { error: busy } : outcome))),
          { retry: steady, repeats: true },
        )
        expectOutput(topic('0: (abA)', {}, keyed).pipe(op, ack())).toBe('b---(aA)')
        flush()
        expect(sent).toEqual(['abA', 'aA'])
      }),
    )

    it(
      'that may pass: those of one batch are tried again together',
      kafkaTest(({ topic, expectOutput, flush }) => {
        let tries = 0
        const { op, sent } = batchOf(
          (letters) => of(pass(letters).map((outcome, i) => (++tries < 4 && i > 0 ? { error: busy } : outcome))),
          { retry: steady },
        )
        expectOutput(topic('0: (abc)').pipe(op, ack())).toBe('a---(bc)')
        flush()
        expect(sent).toEqual(['abc', 'bc'])
      }),
    )

    it(
      'that may pass: gives up after `attempts`',
      kafkaTest(({ topic, expectOutput, expectNacks }) => {
        const { op } = batchOf(() => of([{ error: busy }]), { retry: { ...steady, attempts: 2 }, name: 'it' })
        expectOutput(topic('0: a', {}, skip).pipe(op, ack())).toBe('')
        expectNacks('0: ----a', { a: new PermanentError('it gave up after 2 tries: busy', { cause: busy }) })
      }),
    )

    it(
      'go the way that `classify` says',
      kafkaTest(({ topic, expectOutput, expectNacks }) => {
        const { op } = batchOf(() => of([{ error: busy }]), { classify: () => 'permanent' })
        expectOutput(topic('0: a', {}, skip).pipe(op, ack())).toBe('')
        expectNacks('0: a', { a: busy })
      }),
    )
  })

  describe('time', () => {
    it(
      'tries again what got no answer within `timeout`, and aborts the first try',
      kafkaTest(({ topic, expectOutput, flush }) => {
        const signals: boolean[] = []
        const { op, sent } = batchOf(
          (letters, { signal }) => {
            signal.addEventListener('abort', () => signals.push(true))
            return sent.length < 2 ? NEVER : of(pass(letters))
          },
          { timeout: 10, retry: steady },
        )
        expectOutput(topic('0: a').pipe(op, ack())).toBe('14ms a')
        flush()
        expect(signals).toEqual([true])
      }),
    )

    it(
      'aborts also what a try that has had its time asks for after it',
      kafkaTest(({ topic, expectOutput, flush }) => {
        const late: boolean[] = []
        const { op, sent } = batchOf(
          (letters, batch) => {
            if (sent.length > 1) return of(pass(letters))
            timer(12).subscribe(() => late.push(batch.signal.aborted))
            return NEVER
          },
          { timeout: 10, retry: steady },
        )
        expectOutput(topic('0: a').pipe(op, ack())).toBe('14ms a')
        flush()
        expect(late).toEqual([true])
      }),
    )

    it(
      'names the time in the error',
      kafkaTest(({ topic, expectOutput, expectNacks }) => {
        const { op } = batchOf(() => NEVER, { timeout: 10, retry: { attempts: 1 } })
        expectOutput(topic('0: a', {}, skip).pipe(op, ack())).toBe('')
        expectNacks('0: 10ms a', { a: 'perBatch gave up after 1 tries: perBatch got no answer within 10 ms' })
      }),
    )

    it(
      'waits as long as the server asks, and longer than its own wait',
      kafkaTest(({ topic, expectOutput }) => {
        const later = new TransientError('later', { retryAfter: 50 })
        const { op, sent } = batchOf((letters) => (sent.length < 2 ? throwError(() => later) : of(pass(letters))), {
          retry: steady,
        })
        expectOutput(topic('0: a').pipe(op, ack())).toBe('50ms a')
      }),
    )

    it.each([
      [false, '-bc 47ms a'],
      [true, ' 50ms (abc)'],
    ])('with holdAll %s: what the server asks holds the others: %s', (holdAll, expected) => {
      kafkaTest(({ topic, expectOutput }) => {
        const later = new TransientError('later', { retryAfter: 50 })
        const { op, sent } = batchOf((letters) => (sent.length < 2 ? throwError(() => later) : of(pass(letters))), {
          retry: steady,
          batch: { max: 1 },
          holdAll,
        })
        expectOutput(topic('0: abc').pipe(op, ack())).toBe(expected)
      })()
    })
  })

  describe('a request that is too large', () => {
    const atMost =
      (most: number, answer: Answer): Answer =>
      (letters, batch) =>
        letters.length > most ? NEVER : answer(letters, batch)
    const large = { timeout: 5, retry: steady }
    const tooLarge = new TransientError('no memory', { tooLarge: true })

    it(
      'for its time is tried again in halves, until they are small enough',
      kafkaTest(({ topic, cold, expectOutput, expectAcks, flush }) => {
        const slow: Answer = (letters) => cold('-----(r|)', { r: pass(letters) })
        const { op, sent } = batchOf(atMost(2, slow), { ...large, timeout: 10 })
        // Two time-outs of 10 ms, with waits of 4 ms and 8 ms behind them, and none between those that are answered.
        expectOutput(topic('0: (abcdefg)').pipe(op, ack())).toBe('37ms (ab)-(cd)-(ef)-g')
        expectAcks('                               0: 37ms (ab)-(cd)-(ef)-g')
        flush()
        expect(sent).toEqual(['abcdefg', 'abcd', 'ab', 'cd', 'ef', 'g'])
      }),
    )

    it(
      'alone, too, is tried again as it is, and holds up only its batch',
      kafkaTest(({ topic, expectOutput, flush }) => {
        const { op, sent } = batchOf((letters) => (sent.length < 4 ? NEVER : of(pass(letters))), large)
        expectOutput(topic('0: (abc)').pipe(op, ack())).toBe('43ms (abc)')
        flush()
        expect(sent).toEqual(['abc', 'ab', 'a', 'a', 'b', 'c'])
      }),
    )

    it(
      'by the words of its server is so as well',
      kafkaTest(({ topic, expectOutput, flush }) => {
        const { op, sent } = batchOf(
          (letters) => (letters.length > 1 ? throwError(() => tooLarge) : of(pass(letters))),
          { retry: steady },
        )
        expectOutput(topic('0: (ab)').pipe(op, ack())).toBe('----(ab)')
        flush()
        expect(sent).toEqual(['ab', 'a', 'b'])
      }),
    )

    it(
      'lets what waits for a part of it go on while another part has no answer',
      kafkaTest(
        ({ topic, expectOutput, expectUnsettled, flush }) => {
          const { op, sent } = batchOf(
            (letters) => (letters === 'ab' ? throwError(() => tooLarge) : letters === 'b' ? NEVER : of(pass(letters))),
            { retry: steady },
          )
          expectOutput(topic('0: (abA)---c', {}, keyed).pipe(op, ack())).toBe('----(aA)c')
          expectUnsettled('0: b')
          flush()
          expect(sent).toEqual(['ab', 'a', 'A', 'b', 'c'])
        },
        { until: 20 },
      ),
    )

    it(
      'leaves the size of the next alone',
      kafkaTest(({ topic, cold, expectOutput, flush }) => {
        const { op, sent } = batchOf((letters) => (sent.length < 2 ? NEVER : of(pass(letters))), {
          ...large,
          concurrency: 1,
          batch: { max: 2 },
        })
        const messages = zip(topic('0: (abcd)'), cold('(ab)(cd)')).pipe(map(([message]) => message))
        expectOutput(messages.pipe(op, ack())).toBe('---------(abcd)')
        flush()
        expect(sent).toEqual(['ab', 'a', 'b', 'cd'])
      }),
    )

    it(
      'keeps the order of a key, though one of its messages fails by itself',
      kafkaTest(({ topic, expectOutput, flush }) => {
        const { op, sent } = batchOf(
          atMost(2, (letters) =>
            of(pass(letters).map((outcome, i) => (letters[i] === 'a' && sent.length < 3 ? { error: busy } : outcome))),
          ),
          { ...large, repeats: true },
        )
        expectOutput(topic('0: (abAc)', {}, keyed).pipe(op, ack())).toBe('---------(bc)----(aA)')
        flush()
        expect(sent).toEqual(['abAc', 'ab', 'c', 'aA'])
      }),
    )

    it(
      'of which a half is refused for good fails only the message at fault',
      kafkaTest(({ topic, expectOutput, expectNacks, flush }) => {
        const refusing: Answer = (letters) => (letters.includes('a') ? throwError(() => wrong) : of(pass(letters)))
        const { op, sent } = batchOf(atMost(2, refusing), large)
        expectOutput(topic('0: (abcd)', {}, skip).pipe(op, ack())).toBe('---------(bcd)')
        expectNacks('0: ---------a', { a: wrong })
        flush()
        expect(sent).toEqual(['abcd', 'ab', 'a', 'b', 'c', 'd'])
      }),
    )

    it(
      'counts each of its tries, and their time, for all of its messages',
      kafkaTest(({ topic, expectOutput, expectNacks, flush }) => {
        const { op, sent } = batchOf(() => NEVER, { ...large, totalTimeout: 12 })
        expectOutput(topic('0: (abcd)', {}, skip).pipe(op, ack())).toBe('')
        const first = 'perBatch gave up after 2 tries in 12 ms'
        const second = 'perBatch gave up after 1 tries in 12 ms'
        expectNacks('0: 12ms (abcd)', { a: first, b: first, c: second, d: second })
        flush()
        expect(sent).toEqual(['abcd', 'ab'])
      }),
    )
  })

  describe('several servers', () => {
    const serverOf = (letter: string) => (letter === 'b' || letter === 'B' ? 'two' : 'one')
    const each = { batch: { max: 1 }, retry: steady, serverOf }

    it(
      'are held one by one: a `retryAfter` holds what goes to the server that asked for it',
      kafkaTest(({ topic, expectOutput, flush }) => {
        const later = new TransientError('later', { retryAfter: 50 })
        const { op, sent } = batchOf((letters) => (sent.length < 2 ? throwError(() => later) : of(pass(letters))), each)
        expectOutput(topic('0: abc').pipe(op, ack())).toBe('-b 48ms (ac)')
        flush()
        expect(sent).toEqual(['a', 'b', 'a', 'c'])
      }),
    )

    it(
      'take no places from each other: what waits for one leaves its place',
      kafkaTest(({ topic, cold, expectOutput, expectNacks, flush }) => {
        const { op, sent } = batchOf((letters) => (letters === 'a' ? throwError(() => busy) : of(pass(letters))), {
          ...each,
          concurrency: 1,
        })
        expectOutput(topic('0: ab').pipe(op, ack(), takeUntil(cold('-----x')))).toBe('-b---|')
        expectNacks('0: -----a', { a: 'abandoned' })
        flush()
        expect(sent).toEqual(['a', 'b', 'a'])
      }),
    )

    it(
      'keep the order of a key, also over servers',
      kafkaTest(({ topic, expectOutput, flush }) => {
        const { op, sent } = batchOf((letters) => (sent.length < 2 ? throwError(() => busy) : of(pass(letters))), each)
        const messages = topic('0: bBa', {}, { key: (value) => (value === 'a' ? 'a' : 'b') })
        expectOutput(messages.pipe(op, ack())).toBe('--a-(bB)')
        flush()
        expect(sent).toEqual(['b', 'a', 'b', 'B'])
      }),
    )

    it(
      'nack a message for which `serverOf` throws',
      kafkaTest(({ topic, expectOutput, expectNacks }) => {
        const { op } = batchOf(passNow, {
          serverOf: () => {
            throw new Error('no host')
          },
        })
        expectOutput(topic('0: a', {}, skip).pipe(op, ack())).toBe('')
        expectNacks('0: a', { a: 'no host' })
      }),
    )
  })

  describe('totalTimeout', () => {
    it(
      'nacks what has not succeeded by then, with its last failure',
      kafkaTest(({ topic, expectOutput, expectNacks, flush }) => {
        const { op, sent } = batchOf(() => throwError(() => busy), { totalTimeout: 10, retry: steady })
        expectOutput(topic('0: (ab)', {}, skip).pipe(op, ack())).toBe('')
        const error = new PermanentError('perBatch gave up after 2 tries in 10 ms: busy', { cause: busy })
        expectNacks('0: 10ms (ab)', { a: error, b: error })
        flush()
        expect(sent).toEqual(['ab', 'ab'])
      }),
    )

    it(
      'cuts the try that is under way',
      kafkaTest(({ topic, expectOutput, expectNacks }) => {
        const { op } = batchOf(() => NEVER, { totalTimeout: 10, timeout: 7, retry: { delay: 0 } })
        expectOutput(topic('0: a', {}, skip).pipe(op, ack())).toBe('')
        const text = 'perBatch gave up after 2 tries in 10 ms: perBatch got no answer within 3 ms'
        expectNacks('0: 10ms a', { a: text })
      }),
    )

    it(
      'counts from the first try, not from the time in the row',
      kafkaTest(({ topic, cold, expectOutput }) => {
        const { op } = batchOf((letters) => cold('8ms (r|)', { r: pass(letters) }), {
          totalTimeout: 10,
          concurrency: 1,
          batch: { max: 1 },
        })
        expectOutput(topic('0: (abc)').pipe(op, ack())).toBe('8ms a 7ms b 7ms c')
      }),
    )

    it(
      'is over for an item that failed, not for those of its lane that are done again behind it',
      kafkaTest(({ topic, expectOutput, expectNacks, flush }) => {
        const { op, sent } = batchOf(
          (letters) => of(pass(letters).map((outcome, i) => (letters[i] === 'a' ? { error: busy } : outcome))),
          { totalTimeout: 10, retry: steady, repeats: true },
        )
        expectOutput(topic('0: (aA)', {}, { ...keyed, ...skip }).pipe(op, ack())).toBe('10ms A')
        expectNacks('0: 10ms a', { a: 'perBatch gave up after 2 tries in 10 ms: busy' })
        flush()
        expect(sent).toEqual(['aA', 'aA', 'A'])
      }),
    )

    it(
      'begins anew for messages that are tried one by one',
      kafkaTest(({ topic, cold, expectOutput }) => {
        const { op } = batchOf(
          (letters) => (letters.length > 1 ? cold('8ms #', {}, wrong) : cold('8ms (r|)', { r: pass(letters) })),
          { totalTimeout: 10 },
        )
        expectOutput(topic('0: (ab)').pipe(op, ack())).toBe('16ms a 7ms b')
      }),
    )
  })

  describe('ends', () => {
    it(
      'abandons what is under way, waiting and resting when it is unsubscribed',
      kafkaTest(({ topic, cold, expectOutput, expectAcks, expectNacks, flush }) => {
        const aborted: string[] = []
        const { op } = batchOf(
          (letters, { signal }) => {
            signal.addEventListener('abort', () => aborted.push(letters))
            return letters === 'b' ? of([{ error: busy }]) : NEVER
          },
          { batch: { max: 1 }, concurrency: 2 },
        )
        const messages = topic('0: baAc', {}, keyed)
        expectOutput(messages.pipe(op, ack(), takeUntil(cold('-----x')))).toBe('-----|')
        expectNacks('0: -----(acbA)', Object.fromEntries([...'abcA'].map((name) => [name, 'abandoned'])))
        expectAcks('')
        flush()
        expect(aborted).toEqual(['a', 'c'])
      }),
    )

    it(
      'takes no answer of a request that tears the pipe down while it is sent',
      kafkaTest(({ topic, expectOutput, expectAcks, expectNacks }) => {
        const enough = new Subject<void>()
        const { op } = batchOf((letters) => {
          enough.next()
          return of(pass(letters))
        })
        const messages = topic('0: a')
        expectOutput(messages.pipe(op, ack(), takeUntil(enough))).toBe('|')
        expectNacks('0: a', { a: 'abandoned' })
        expectAcks('')
      }),
    )

    it(
      'keeps no message whose own preparation has ended the pipe',
      kafkaTest((kit) => {
        const end = new Subject<string>()
        const prepare = (value: string) => {
          if (value === 'b') end.next(value)
          return value
        }
        const op = perBatch(prepare, (letters) => of(pass(letters.join(''))))
        kit.expectOutput(outliving(kit, '0: (ab)').pipe(op, ack(), takeUntil(end))).toBe('|')
        kit.expectNacks('0: (ab)', { a: 'abandoned', b: 'abandoned' })
      }),
    )

    it(
      'abandons the rest of a batch when downstream has enough',
      kafkaTest((kit) => {
        const { op } = batchOf(passNow)
        const messages = outliving(kit, '0: (abc)')
        kit.expectOutput(messages.pipe(op, ack(), take(1))).toBe('(a|)')
        kit.expectAcks(' 0: a')
        kit.expectNacks('0: (bc)', { b: 'abandoned', c: 'abandoned' })
      }),
    )

    it.each([
      ['under way', '-L', ['a']],
      ['waiting for its next try', '----L', ['a']],
      ['waiting once more', '--------L', ['a', 'a']],
    ])('does not send again what was taken away while it was %s', (_, control, expected) => {
      kafkaTest(({ topic, cold, expectOutput, flush }) => {
        const { op, sent } = batchOf(() => cold('--#', {}, busy), { retry: steady })
        const messages = topic(`
          0:   a
          ctl: ${control}
        `)
        expectOutput(messages.pipe(op, ack())).toBe('')
        flush()
        expect(sent).toEqual(expected)
      })()
    })
  })

  it('settles each message once and keeps the order of each key, whatever is slow, too large or failing', () => {
    const fate = fc.constantFrom<Fate>('passes', 'hangs', 'is busy', 'is refused', 'fails in part')
    const life = fc.record({
      letters: fc.array(fc.constantFrom(...'abc'), { minLength: 1, maxLength: 12 }),
      fates: fc.array(fc.tuple(fate, fc.nat(6), fc.nat(3))),
      repeats: fc.boolean(),
      places: fc.integer({ min: 1, max: 3 }),
    })
    holds(
      life,
      ({ letters, fates, repeats, places }) => {
        const settled: string[] = []
        const values = Object.fromEntries(letters.map((letter, i) => ['abcdefghijkl'.charAt(i), `${letter}${i}`]))
        kafkaTest(({ topic, expectOutput }) => {
          let call = 0
          const op = perBatch<string, string, string>(
            (value) => value,
            (requests) => answerOf(fates[call++] ?? ['passes', 1, 0], requests),
            { repeats, concurrency: places, batch: { max: 6, wait: 2 }, retry: steady, timeout: 10 },
          )
          const key = (value: string) => value.charAt(0)
          const messages = topic(`0: (${Object.keys(values).join('')})`, values, { key })
          expectOutput(
            messages.pipe(
              op,
              ack(),
              tap((value) => settled.push(value)),
            ),
          )
        })()
        const all = Object.values(values)
        expect(settled).toHaveLength(all.length)
        const ofKey = (list: readonly string[], key: string) => list.filter((one) => one.startsWith(key))
        for (const key of 'abc') expect(ofKey(settled, key)).toEqual(ofKey(all, key))
      },
      { runs: 300 },
    )
  })

  it.each<[PerBatchOptions, string]>([
    [{ concurrency: 0 }, 'Expected `concurrency` to be an integer >= 1, got `0` (number)'],
    [{ batch: { max: 1.5 } }, 'Expected `batch.max` to be an integer >= 1, got `1.5` (number)'],
    [{ batch: { wait: -1 } }, 'Expected `batch.wait` to be a number of ms >= 0, got `-1` (number)'],
    [{ timeout: Number.NaN }, 'Expected `timeout` to be a number of ms >= 0, got `NaN` (number)'],
    [{ order: 'any' as 'key' }, 'Expected `order` to be one of key, partition, none, got `any` (string)'],
    [{ retry: { attempts: 0 } }, 'Expected `retry.attempts` to be an integer >= 1, got `0` (number)'],
    [{ holdAll: 1 as never }, 'Expected `holdAll` to be a boolean, got `1` (number)'],
    [{ serverOf: 'host' as never }, 'Expected `serverOf` to be a function, got `host` (string)'],
  ])('refuses %j at once', (options, text) => {
    expect(() => batchOf(passNow, options)).toThrow(text)
  })

  it('infers in a pipe', () => {
    const messages: Observable<Message<string>> = NEVER
    const result = messages.pipe(
      perBatch(
        (value) => value.length,
        (lengths) => of(lengths.map((value) => ({ value }))),
      ),
      ack(),
    )
    expectTypeOf(result).toEqualTypeOf<Observable<number>>()
  })
})
