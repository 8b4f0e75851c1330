import { EMPTY, NEVER, type Observable, type ObservableInput, of, take, throwError } from 'rxjs'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { ack } from '../../lib/ack.ts'
import { FatalError, PermanentError, TransientError } from '../../lib/errors.ts'
import { type Batch, type Outcome, type PerBatchOptions, perBatch } from '../../lib/perBatch.ts'
import { marbleMessages } from '../../lib/testing/marbleMessages.ts'
import { mapValue, tapValue } from '../../lib/values.ts'
import { marbles } from '../support/marbles.ts'

const values = { a: 'a', b: 'b', c: 'c', d: 'd', e: 'e', A: 'A', B: 'B' }
/** Capitals share the lane of their small letters. */
const keyed = { key: (value: string) => value.toLowerCase() }
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

describe('perBatch', () => {
  describe('batches', () => {
    it('sends one when it is full, after its wait, and at the end', () => {
      const { op, sent } = batchOf(passNow, { batch: { max: 2, wait: 3 } })
      marbles(({ scheduler, expectObservable }) => {
        const source = '  ab-c-----d|'
        const expected = '-(ab)-c---(d|)'
        const { messages, acks } = marbleMessages(scheduler, source, values)
        expectObservable(messages.pipe(op, ack())).toBe(expected, values)
        expectObservable(acks).toBe('-(ab)-c---d')
      })()
      expect(sent).toEqual(['ab', 'c', 'd'])
    })

    it('sends one when the source goes quiet, without waiting', () => {
      const { op, sent } = batchOf(passNow, { batch: { wait: 100 } })
      marbles(({ scheduler, expectObservable }) => {
        const { messages } = marbleMessages(scheduler, 'ab--c---|', values)
        const onQuiet = (flush: () => void) => Boolean(scheduler.schedule(flush, 1))
        const source = messages.pipe(tapValue((_value, { origin }) => void Object.assign(origin, { onQuiet })))
        expectObservable(source.pipe(op, ack())).toBe('-(ab)c--|', values)
      })()
      expect(sent).toEqual(['ab', 'c'])
    })

    it('waits anew for a message that came after a full batch', () => {
      const { op, sent } = batchOf(passNow, { batch: { max: 2, wait: 5 } })
      marbles(({ scheduler, expectObservable }) => {
        const { messages } = marbleMessages(scheduler, 'ab-c--d----|', values)
        expectObservable(messages.pipe(op, ack())).toBe('-(ab)-(cd)-|', values)
      })()
      expect(sent).toEqual(['ab', 'cd'])
    })

    it('never starts more than `concurrency`, and lets what waits grow', () => {
      let answer: Answer = passNow
      const { op, sent } = batchOf((...args) => answer(...args), { concurrency: 1, batch: { max: 3, wait: 0 } })
      marbles(({ scheduler, cold, expectObservable }) => {
        answer = (letters) => cold('------(r|)', { r: pass(letters) })
        const { messages } = marbleMessages(scheduler, 'abcde|', values)
        expectObservable(messages.pipe(op, ack())).toBe('------a-----(bcd)-(e|)', values)
      })()
      expect(sent).toEqual(['a', 'bcd', 'e'])
    })

    it('completes with an empty source, and errors with a failing one', () => {
      const { op, sent } = batchOf(passNow)
      marbles(({ scheduler, expectObservable }) => {
        expectObservable(marbleMessages(scheduler, '--|', values).messages.pipe(op)).toBe('--|')
        expectObservable(marbleMessages(scheduler, '--#', values).messages.pipe(op)).toBe('--#')
      })()
      expect(sent).toEqual([])
    })

    it('completes only after the last answer', () => {
      marbles(({ scheduler, cold, expectObservable }) => {
        const { op } = batchOf((letters) => cold('----(r|)', { r: pass(letters) }))
        const { messages } = marbleMessages(scheduler, '(a|)', values)
        expectObservable(messages.pipe(op, ack())).toBe('----(a|)', values)
      })()
    })

    it('serves many answers that come at once without nesting them', () => {
      const many = 3000
      const { op, sent } = batchOf(passNow, { batch: { max: 1 } })
      let count = 0
      marbles(({ scheduler, flush }) => {
        const { messages } = marbleMessages(scheduler, `(${'a'.repeat(many)}|)`, values, keyed)
        messages.pipe(op, ack()).subscribe(() => count++)
        flush()
      })()
      expect([count, sent.length]).toEqual([many, many])
    })
  })

  describe('lanes', () => {
    it('has one message of a key in a batch, and one batch of a key under way', () => {
      let answer: Answer = passNow
      const { op, sent } = batchOf((...args) => answer(...args))
      marbles(({ scheduler, cold, expectObservable }) => {
        answer = (letters) => cold('-----(r|)', { r: pass(letters) })
        const { messages, acks } = marbleMessages(scheduler, '(aAbB|)', values, keyed)
        expectObservable(messages.pipe(op, ack())).toBe('-----(ab)-(AB|)', values)
        expectObservable(acks).toBe('-----(ab)-(AB)')
      })()
      expect(sent).toEqual(['ab', 'AB'])
    })

    it('may have several of a key in one batch with `repeats`, but not in two', () => {
      let answer: Answer = passNow
      const { op, sent } = batchOf((...args) => answer(...args), { repeats: true, batch: { max: 3 } })
      marbles(({ scheduler, cold, expectObservable }) => {
        answer = (letters) => cold('------(r|)', { r: pass(letters) })
        const { messages } = marbleMessages(scheduler, '(aAbAB|)', values, keyed)
        expectObservable(messages.pipe(op, ack())).toBe('------(aAb)-(AB|)', values)
      })()
      expect(sent).toEqual(['aAb', 'AB'])
    })

    it('lets messages without a key, or of `order: none`, overtake', () => {
      let answer: Answer = passNow
      const free = batchOf((...args) => answer(...args), { batch: { max: 1 } })
      const none = batchOf((...args) => answer(...args), { batch: { max: 1 }, order: 'none' })
      marbles(({ scheduler, cold, expectObservable }) => {
        answer = (letters) => cold(letters === 'a' ? '---(r|)' : '-(r|)', { r: pass(letters) })
        const keyless = marbleMessages(scheduler, 'aA--|', values)
        const withKeys = marbleMessages(scheduler, 'aA--|', values, keyed)
        expectObservable(keyless.messages.pipe(free.op, ack())).toBe('--Aa|', values)
        expectObservable(withKeys.messages.pipe(none.op, ack())).toBe('--Aa|', values)
      })()
    })

    it('keeps the order of a partition with `order: partition`', () => {
      marbles(({ scheduler, cold, expectObservable }) => {
        const { op } = batchOf((letters) => cold(letters === 'a' ? '---(r|)' : '-(r|)', { r: pass(letters) }), {
          batch: { max: 1 },
          order: 'partition',
        })
        const { messages } = marbleMessages(scheduler, 'ab--|', values)
        expectObservable(messages.pipe(op, ack())).toBe('---a(b|)', values)
      })()
    })
  })

  describe('outcomes', () => {
    it('acks what is dropped, nacks what failed, passes on the rest', () => {
      const { op } = batchOf(() => of([{ value: 'x' }, 'drop', { error: wrong }]))
      marbles(({ scheduler, expectObservable }) => {
        const { messages, acks, nacks } = marbleMessages(scheduler, '(abc|)', values)
        expectObservable(messages.pipe(op, ack())).toBe('(x|)')
        expectObservable(acks).toBe('(ab)')
        expectObservable(nacks).toBe('n', { n: 'c: wrong' })
      })()
    })

    it('does not ack before the end of the pipe does', () => {
      const { op } = batchOf(passNow)
      marbles(({ scheduler, expectObservable }) => {
        const { messages, acks } = marbleMessages(scheduler, '(a|)', values)
        expectObservable(
          messages.pipe(
            op,
            mapValue((value) => value),
          ),
        ).toBe('(a|)', {
          a: expect.objectContaining({ value: 'a' }),
        })
        expectObservable(acks).toBe('')
      })()
    })

    it('nacks a message for which `prepare` throws', () => {
      const op = perBatch(
        (value: string) => {
          if (value === 'a') throw new Error('boom')
          return value
        },
        (letters: readonly string[]) => of(letters.map((value) => ({ value }))),
      )
      marbles(({ scheduler, expectObservable }) => {
        const { messages, nacks } = marbleMessages(scheduler, '(ab|)', values)
        expectObservable(messages.pipe(op, ack())).toBe('(b|)')
        expectObservable(nacks).toBe('n', { n: 'a: boom' })
      })()
    })

    it.each<[string, Answer, string]>([
      ['too few outcomes', () => of([]), 'perBatch got 0 outcomes for 1 messages; send() has to give one for each'],
      [
        'no array',
        (() => of(7)) as unknown as Answer,
        'perBatch got 7, not outcomes, for 1 messages; send() has to give one for each',
      ],
      ['none at all', () => EMPTY, 'perBatch got no outcomes; send() has to emit them'],
    ])('ends the stream with %s', (_name, answer, message) => {
      const { op } = batchOf(answer)
      marbles(({ scheduler, expectObservable }) => {
        const { messages, abandoned } = marbleMessages(scheduler, '(a|)', values)
        const error = expect.objectContaining({ name: 'FatalError', message: expect.stringContaining(message) })
        expectObservable(messages.pipe(op, ack())).toBe('#', undefined, error)
        expectObservable(abandoned).toBe('a')
      })()
    })

    it('ends the stream with the failure that a classify throws at', () => {
      const { op } = batchOf(() => throwError(() => new Error('boom')), {
        classify: () => {
          throw new TypeError('bug')
        },
      })
      marbles(({ scheduler, expectObservable }) => {
        const { messages } = marbleMessages(scheduler, '(a|)', values)
        const error = expect.objectContaining({ message: expect.stringContaining('boom') })
        expectObservable(messages.pipe(op, ack())).toBe('#', undefined, error)
      })()
    })

    it('ends the stream with a message that was settled behind its back', () => {
      const { op } = batchOf(passNow)
      marbles(({ scheduler, expectObservable }) => {
        const { messages } = marbleMessages(scheduler, '(a|)', values)
        const spoilt = messages.pipe(tapValue((_value, message) => message.ack()))
        const error = expect.objectContaining({ message: expect.stringContaining('Cannot hand on topic[0]@0') })
        expectObservable(spoilt.pipe(op, ack())).toBe('#', undefined, error)
      })()
    })
  })

  describe('failures of a request', () => {
    it('that may pass: tries it again as it is, with growing waits', () => {
      let tries = 0
      const { op, sent } = batchOf((letters) => (++tries < 4 ? throwError(() => busy) : of(pass(letters))), {
        retry: steady,
      })
      marbles(({ scheduler, expectObservable }) => {
        const { messages } = marbleMessages(scheduler, '(ab|)', values)
        expectObservable(messages.pipe(op, ack())).toBe('28ms (ab|)', values)
      })()
      expect(sent).toEqual(['ab', 'ab', 'ab', 'ab'])
    })

    it('that may pass: waits a random part, of 30 s at most', () => {
      let tries = 0
      const { op } = batchOf((letters) => (++tries < 3 ? throwError(() => busy) : of(pass(letters))), {
        retry: { delay: 50_000 },
      })
      marbles(({ scheduler, expectObservable }) => {
        const { messages } = marbleMessages(scheduler, '(a|)', values)
        expectObservable(messages.pipe(op, ack())).toBe('59940ms (a|)', values)
      })()
    })

    it('that may pass: holds the lane and the place', () => {
      let tries = 0
      const { op, sent } = batchOf((letters) => (++tries < 2 ? throwError(() => busy) : of(pass(letters))), {
        retry: steady,
        concurrency: 1,
        batch: { max: 1 },
      })
      marbles(({ scheduler, expectObservable }) => {
        const { messages } = marbleMessages(scheduler, 'aAb|', values, keyed)
        expectObservable(messages.pipe(op, ack())).toBe('----(aAb|)', values)
      })()
      expect(sent).toEqual(['a', 'a', 'A', 'b'])
    })

    it('that may pass: gives up after `attempts`', () => {
      const { op, sent } = batchOf(() => throwError(() => busy), { retry: { ...steady, attempts: 3 }, name: 'it' })
      marbles(({ scheduler, expectObservable }) => {
        const { messages, nacks } = marbleMessages(scheduler, '(ab|)', values)
        expectObservable(messages.pipe(op, ack())).toBe('12ms |')
        const text = 'it gave up after 3 tries: busy'
        expectObservable(nacks).toBe('12ms (xy)', { x: `a: ${text}`, y: `b: ${text}` })
      })()
      expect(sent).toEqual(['ab', 'ab', 'ab'])
    })

    it('for good: tries its messages one by one, in order', () => {
      const { op, sent } = batchOf((letters) => (letters.includes('b') ? throwError(() => wrong) : of(pass(letters))))
      marbles(({ scheduler, expectObservable }) => {
        const { messages, acks, nacks } = marbleMessages(scheduler, '(abc|)', values)
        expectObservable(messages.pipe(op, ack())).toBe('(ac|)', values)
        expectObservable(acks).toBe('(ac)')
        expectObservable(nacks).toBe('n', { n: 'b: wrong' })
      })()
      expect(sent).toEqual(['abc', 'a', 'b', 'c'])
    })

    it('for good: one that then may pass is tried again before those behind it', () => {
      let tries = 0
      const { op, sent } = batchOf(
        (letters) => {
          if (letters.length > 1) return throwError(() => wrong)
          return of(letters === 'a' && ++tries < 3 ? [{ error: busy }] : pass(letters))
        },
        { retry: steady, repeats: true },
      )
      marbles(({ scheduler, expectObservable }) => {
        const { messages } = marbleMessages(scheduler, '(aA|)', values, keyed)
        expectObservable(messages.pipe(op, ack())).toBe('12ms (aA|)', values)
      })()
      expect(sent).toEqual(['aA', 'a', 'a', 'a', 'A'])
    })

    it('for good: two thousand single tries answered at once do not overflow the stack', () => {
      const many = 2000
      const { op, sent } = batchOf((letters) => (letters.length > 1 ? throwError(() => wrong) : of(pass(letters))), {
        batch: { max: many },
      })
      marbles(({ scheduler, flush }) => {
        const { messages } = marbleMessages(scheduler, `(${'a'.repeat(many)}|)`, values)
        messages.pipe(op, ack()).subscribe()
        flush()
      })()
      expect(sent).toHaveLength(many + 1)
    })

    it.each<[string, Answer, string]>([
      ['an error', () => throwError(() => closed), 'Cannot process topic[0]@0: closed'],
      ['an outcome', () => of([{ error: closed }, { value: 'b' }]), 'Cannot process topic[0]@0: closed'],
      [
        'a throw',
        () => {
          throw closed
        },
        'Cannot process topic[0]@0: closed',
      ],
    ])('that no message escapes, as %s: ends the stream', (_name, answer, message) => {
      const { op, sent } = batchOf(answer, { batch: { max: 2 } })
      marbles(({ scheduler, expectObservable }) => {
        const { messages, acks, nacks, abandoned } = marbleMessages(scheduler, '(ab)-c|', values)
        const result = messages.pipe(op, ack())
        const error = expect.objectContaining({ name: 'FatalError', message, cause: closed })
        expectObservable(result).toBe('#', undefined, error)
        expectObservable(acks).toBe('')
        expectObservable(nacks).toBe('')
        expectObservable(abandoned).toBe('(ab)')
      })()
      expect(sent).toHaveLength(1)
    })
  })

  describe('failures of an item', () => {
    it('that may pass: tries it again apart from the rest, and holds its lane', () => {
      let tries = 0
      let answer: Answer = passNow
      const { op, sent } = batchOf((...args) => answer(...args), { retry: steady })
      marbles(({ scheduler, cold, expectObservable }) => {
        answer = (letters) =>
          cold('-(r|)', {
            r: pass(letters).map((outcome, i) => (letters[i] === 'a' && ++tries < 3 ? { error: busy } : outcome)),
          })
        const { messages } = marbleMessages(scheduler, '(aAb|)', values, keyed)
        expectObservable(messages.pipe(op, ack())).toBe('-b 13ms a(A|)', values)
      })()
      expect(sent).toEqual(['ab', 'a', 'a', 'A'])
    })

    it('that may pass: has those behind it in its lane done again after it', () => {
      let tries = 0
      const { op, sent } = batchOf(
        (letters) => of(pass(letters).map((outcome) => (++tries === 1 ? { error: busy } : outcome))),
        { retry: steady, repeats: true },
      )
      marbles(({ scheduler, expectObservable }) => {
        const { messages } = marbleMessages(scheduler, '(abA|)', values, keyed)
        expectObservable(messages.pipe(op, ack())).toBe('b---(aA|)', values)
      })()
      expect(sent).toEqual(['abA', 'aA'])
    })

    it('that may pass: those of one batch are tried again together', () => {
      let tries = 0
      const { op, sent } = batchOf(
        (letters) => of(pass(letters).map((outcome, i) => (++tries < 4 && i > 0 ? { error: busy } : outcome))),
        { retry: steady },
      )
      marbles(({ scheduler, expectObservable }) => {
        const { messages } = marbleMessages(scheduler, '(abc|)', values)
        expectObservable(messages.pipe(op, ack())).toBe('a---(bc|)', values)
      })()
      expect(sent).toEqual(['abc', 'bc'])
    })

    it('that may pass: gives up after `attempts`', () => {
      const { op } = batchOf(() => of([{ error: busy }]), { retry: { ...steady, attempts: 2 }, name: 'it' })
      marbles(({ scheduler, expectObservable }) => {
        const { messages, nacks } = marbleMessages(scheduler, '(a|)', values)
        expectObservable(messages.pipe(op, ack())).toBe('4ms |')
        expectObservable(nacks).toBe('4ms n', { n: 'a: it gave up after 2 tries: busy' })
      })()
    })

    it('go the way that `classify` says', () => {
      const { op } = batchOf(() => of([{ error: busy }]), { classify: () => 'permanent' })
      marbles(({ scheduler, expectObservable }) => {
        const { messages, nacks } = marbleMessages(scheduler, '(a|)', values)
        expectObservable(messages.pipe(op, ack())).toBe('|')
        expectObservable(nacks).toBe('n', { n: 'a: busy' })
      })()
    })
  })

  describe('time', () => {
    it('tries again what got no answer within `timeout`, and aborts the first try', () => {
      const signals: boolean[] = []
      let tries = 0
      const { op } = batchOf(
        (letters, { signal }) => {
          signal.addEventListener('abort', () => signals.push(true))
          return ++tries < 2 ? NEVER : of(pass(letters))
        },
        { timeout: 10, retry: steady },
      )
      marbles(({ scheduler, expectObservable }) => {
        const { messages } = marbleMessages(scheduler, '(a|)', values)
        expectObservable(messages.pipe(op, ack())).toBe('14ms (a|)', values)
      })()
      expect(signals).toEqual([true])
    })

    it('names the time in the error', () => {
      const { op } = batchOf(() => NEVER, { timeout: 10, retry: { attempts: 1 } })
      marbles(({ scheduler, expectObservable }) => {
        const { messages, nacks } = marbleMessages(scheduler, '(a|)', values)
        expectObservable(messages.pipe(op, ack())).toBe('10ms |')
        const text = 'a: perBatch gave up after 1 tries: perBatch got no answer within 10 ms'
        expectObservable(nacks).toBe('10ms n', { n: text })
      })()
    })

    it('waits as long as the server asks, and longer than its own wait', () => {
      let tries = 0
      const later = new TransientError('later', { retryAfter: 50 })
      const { op } = batchOf((letters) => (++tries < 2 ? throwError(() => later) : of(pass(letters))), {
        retry: steady,
      })
      marbles(({ scheduler, expectObservable }) => {
        const { messages } = marbleMessages(scheduler, '(a|)', values)
        expectObservable(messages.pipe(op, ack())).toBe('50ms (a|)', values)
      })()
    })

    it.each([
      [false, '-bc 47ms (a|)'],
      [true, '50ms (abc|)'],
    ])('with holdAll %s: what the server asks holds the others: %s', (holdAll, expected) => {
      let tries = 0
      const later = new TransientError('later', { retryAfter: 50 })
      const { op } = batchOf((letters) => (++tries < 2 ? throwError(() => later) : of(pass(letters))), {
        retry: steady,
        batch: { max: 1 },
        holdAll,
      })
      marbles(({ scheduler, expectObservable }) => {
        const { messages } = marbleMessages(scheduler, 'abc|', values)
        expectObservable(messages.pipe(op, ack())).toBe(expected, values)
      })()
    })
  })

  describe('several servers', () => {
    const serverOf = (letter: string) => (letter === 'b' || letter === 'B' ? 'two' : 'one')
    const each = { batch: { max: 1 }, retry: steady, serverOf }

    it('are held one by one: a `retryAfter` holds what goes to the server that asked for it', () => {
      let tries = 0
      const later = new TransientError('later', { retryAfter: 50 })
      const { op, sent } = batchOf((letters) => (++tries < 2 ? throwError(() => later) : of(pass(letters))), each)
      marbles(({ scheduler, expectObservable }) => {
        const { messages } = marbleMessages(scheduler, 'abc|', values)
        expectObservable(messages.pipe(op, ack())).toBe('-b 48ms (ac|)', values)
      })()
      expect(sent).toEqual(['a', 'b', 'a', 'c'])
    })

    it('take no places from each other: what waits for one leaves its place', () => {
      const { op, sent } = batchOf((letters) => (letters === 'a' ? throwError(() => busy) : of(pass(letters))), {
        ...each,
        concurrency: 1,
      })
      marbles(({ scheduler, expectObservable }) => {
        const { messages, abandoned } = marbleMessages(scheduler, 'ab---', values)
        expectObservable(messages.pipe(op, ack()), '-----!').toBe('-b')
        expectObservable(abandoned).toBe('-----a')
      })()
      expect(sent).toEqual(['a', 'b', 'a'])
    })

    it('keep the order of a key, also over servers', () => {
      let tries = 0
      const { op, sent } = batchOf((letters) => (++tries < 2 ? throwError(() => busy) : of(pass(letters))), each)
      marbles(({ scheduler, expectObservable }) => {
        const { messages } = marbleMessages(scheduler, 'bBa|', values, { key: (value) => (value === 'a' ? 'a' : 'b') })
        expectObservable(messages.pipe(op, ack())).toBe('--a-(bB|)', values)
      })()
      expect(sent).toEqual(['b', 'a', 'b', 'B'])
    })

    it('nack a message for which `serverOf` throws', () => {
      const { op } = batchOf(passNow, {
        serverOf: () => {
          throw new Error('no host')
        },
      })
      marbles(({ scheduler, expectObservable }) => {
        const { messages, nacks } = marbleMessages(scheduler, '(a|)', values)
        expectObservable(messages.pipe(op, ack())).toBe('|')
        expectObservable(nacks).toBe('n', { n: 'a: no host' })
      })()
    })
  })

  describe('totalTimeout', () => {
    it('nacks what has not succeeded by then, with its last failure', () => {
      const { op, sent } = batchOf(() => throwError(() => busy), { totalTimeout: 10, retry: steady })
      marbles(({ scheduler, expectObservable }) => {
        const { messages, nacks } = marbleMessages(scheduler, '(ab|)', values)
        expectObservable(messages.pipe(op, ack())).toBe('10ms |')
        const text = 'perBatch gave up after 2 tries in 10 ms: busy'
        expectObservable(nacks).toBe('10ms (xy)', { x: `a: ${text}`, y: `b: ${text}` })
      })()
      expect(sent).toEqual(['ab', 'ab'])
    })

    it('cuts the try that is under way', () => {
      const { op } = batchOf(() => NEVER, { totalTimeout: 10, timeout: 7, retry: { delay: 0 } })
      marbles(({ scheduler, expectObservable }) => {
        const { messages, nacks } = marbleMessages(scheduler, '(a|)', values)
        expectObservable(messages.pipe(op, ack())).toBe('10ms |')
        const text = 'a: perBatch gave up after 2 tries in 10 ms: perBatch got no answer within 3 ms'
        expectObservable(nacks).toBe('10ms n', { n: text })
      })()
    })

    it('counts from the first try, not from the time in the row', () => {
      let answer: Answer = passNow
      const { op } = batchOf((...args) => answer(...args), { totalTimeout: 10, concurrency: 1, batch: { max: 1 } })
      marbles(({ scheduler, cold, expectObservable }) => {
        answer = (letters) => cold('8ms (r|)', { r: pass(letters) })
        const { messages } = marbleMessages(scheduler, '(abc|)', values)
        expectObservable(messages.pipe(op, ack())).toBe('8ms a 7ms b 7ms (c|)', values)
      })()
    })

    it('is over for an item that failed, not for those of its lane that are done again behind it', () => {
      const { op, sent } = batchOf(
        (letters) => of(pass(letters).map((outcome, i) => (letters[i] === 'a' ? { error: busy } : outcome))),
        { totalTimeout: 10, retry: steady, repeats: true },
      )
      marbles(({ scheduler, expectObservable }) => {
        const { messages, nacks } = marbleMessages(scheduler, '(aA|)', values, keyed)
        expectObservable(messages.pipe(op, ack())).toBe('10ms (A|)', values)
        expectObservable(nacks).toBe('10ms n', { n: 'a: perBatch gave up after 2 tries in 10 ms: busy' })
      })()
      expect(sent).toEqual(['aA', 'aA', 'A'])
    })

    it('begins anew for messages that are tried one by one', () => {
      let answer: Answer = passNow
      const { op } = batchOf((...args) => answer(...args), { totalTimeout: 10 })
      marbles(({ scheduler, cold, expectObservable }) => {
        answer = (letters) => (letters.length > 1 ? cold('8ms #', {}, wrong) : cold('8ms (r|)', { r: pass(letters) }))
        const { messages } = marbleMessages(scheduler, '(ab|)', values)
        expectObservable(messages.pipe(op, ack())).toBe('16ms a 7ms (b|)', values)
      })()
    })
  })

  describe('ends', () => {
    it('abandons what is under way, waiting and resting when it is unsubscribed', () => {
      const aborted: string[] = []
      marbles(({ scheduler, expectObservable }) => {
        const { op } = batchOf(
          (letters, { signal }) => {
            signal.addEventListener('abort', () => aborted.push(letters))
            return letters === 'b' ? of([{ error: busy }]) : NEVER
          },
          { batch: { max: 1 }, concurrency: 2 },
        )
        const { messages, abandoned, acks } = marbleMessages(scheduler, 'baAc------', values, keyed)
        expectObservable(messages.pipe(op, ack()), '-----!').toBe('-')
        expectObservable(abandoned).toBe('-----(acbA)')
        expectObservable(acks).toBe('')
      })()
      expect(aborted).toEqual(['a', 'c'])
    })

    it('abandons the rest of a batch when downstream has enough', () => {
      marbles(({ scheduler, expectObservable }) => {
        const { op } = batchOf(passNow)
        const { messages, acks, abandoned } = marbleMessages(scheduler, '(abc|)', values)
        expectObservable(messages.pipe(op, ack(), take(1))).toBe('(a|)', values)
        expectObservable(acks).toBe('a')
        expectObservable(abandoned).toBe('(bc)')
      })()
    })

    it('does not send again what was taken away meanwhile', () => {
      const { op, sent } = batchOf(() => throwError(() => busy), { retry: steady })
      marbles(({ scheduler, expectObservable }) => {
        const { messages, abandoned } = marbleMessages(scheduler, '(a|)', values)
        const fenced = messages.pipe(tapValue((_value, { origin }) => fence(origin, () => scheduler.now() > 5)))
        expectObservable(fenced.pipe(op, ack())).toBe('12ms |')
        expectObservable(abandoned).toBe('12ms a')
      })()
      expect(sent).toEqual(['a', 'a'])
    })
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
    marbles(({ scheduler }) => {
      const result = marbleMessages(scheduler, '|', values).messages.pipe(
        perBatch(
          (value) => value.length,
          (lengths) => of(lengths.map((value) => ({ value }))),
        ),
        ack(),
      )
      expectTypeOf(result).toEqualTypeOf<Observable<number>>()
    })()
  })
})

/** Has the partition end once `when` holds. */
function fence(origin: object, when: () => boolean): void {
  Object.defineProperty(origin, 'isEnded', { get: when })
}
