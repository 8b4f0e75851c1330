import { NEVER, type ObservableInput, of, throwError } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { ack } from '../../lib/ack.ts'
import { PermanentError } from '../../lib/errors.ts'
import { marbleMessages } from '../../lib/testing/marbleMessages.ts'
import { type HttpHeaders, postTo } from '../../operators/postTo/postTo.ts'
import { answer, askedHttp } from '../support/askedHttp.ts'
import { marbles } from '../support/marbles.ts'

const url = 'http://mail.example/send'
const values = { a: 'ann', b: 'bob', c: 'cleo' }
const steady = { jitter: 'none', delay: 4 } as const

/** Gives out tokens, each newer than the last, unless `next` says otherwise. */
function tokens(next: (call: number) => ObservableInput<HttpHeaders> = (call) => of(token(call))) {
  let calls = 0
  return { auth: () => next(++calls), calls: () => calls }
}

const token = (n: number): HttpHeaders => ({ Authorization: `Bearer ${n}` })

/** A server that lets in who has the n-th token, or a newer one. */
function guarded(n: number, status = 401) {
  const isLetIn = ({ Authorization = '' }: Record<string, string>) => Number(Authorization.slice(7)) >= n
  return askedHttp((_call, { headers }) => of(isLetIn(headers) ? answer(200) : answer(status, 'expired')))
}

describe('auth of postTo', () => {
  it('is waited for before the first request, and shared by all', () => {
    const { fetch, asked } = guarded(1)
    let first: ObservableInput<HttpHeaders> = NEVER
    const { auth, calls } = tokens(() => first)
    marbles(({ scheduler, cold, expectObservable }) => {
      first = cold('           ---(t|)', { t: token(1) })
      const source = '         ab------c|'
      const expected = '       ---(ab)-c|'
      const { messages } = marbleMessages(scheduler, source, values)
      expectObservable(messages.pipe(postTo(url, String, { fetch, auth }), ack())).toBe(expected, values)
    })()
    expect([calls(), asked.map(({ headers: { Authorization } }) => Authorization)]).toEqual([
      1,
      Array(3).fill('Bearer 1'),
    ])
  })

  it('goes over the other headers, and leaves the key as it is', () => {
    const { fetch, asked } = guarded(2)
    const { auth } = tokens()
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, '(a|)', values)
      const post = postTo<string>(url, String, { fetch, auth, headers: { authorization: 'none', 'X-User': 'x' } })
      expectObservable(messages.pipe(post, ack())).toBe('(a|)', values)
    })()
    const common = { 'Content-Type': 'application/json', 'Idempotency-Key': 'group/postTo/topic-0-0', 'X-User': 'x' }
    expect(asked.map(({ headers }) => headers)).toEqual([
      { ...common, ...token(1) },
      { ...common, ...token(2) },
    ])
  })

  it.each([401, 403])('is asked for again, once, for all that are refused with %i', (status) => {
    const { fetch, asked } = guarded(2, status)
    const { auth, calls } = tokens()
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, '(abc|)', values)
      expectObservable(messages.pipe(postTo(url, String, { fetch, auth }), ack())).toBe('(abc|)', values)
    })()
    expect([calls(), asked.length]).toEqual([2, 4])
  })

  it('is renewed once for requests that are refused while it is renewed', () => {
    const { auth, calls } = tokens()
    let refusal: ObservableInput<ReturnType<typeof answer>> = NEVER
    const { fetch, asked } = askedHttp((call) => (call <= 2 ? refusal : of(answer(200))))
    marbles(({ scheduler, cold, expectObservable }) => {
      refusal = cold('         --(r|)', { r: answer(401) })
      const source = '         ab|'
      const expected = '       --a(b|)'
      const { messages } = marbleMessages(scheduler, source, values)
      expectObservable(messages.pipe(postTo(url, String, { fetch, auth }), ack())).toBe(expected, values)
    })()
    expect([calls(), asked.length]).toEqual([2, 4])
  })

  it.each([401, 403])('that is refused with %i anew ends the stream', (status) => {
    const { fetch, asked } = guarded(9, status)
    const { auth, calls } = tokens()
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, 'ab|', values)
      const message = `Cannot process topic[0]@0: POST to ${url} was answered with ${status} "expired"; give postTo the headers that let it in`
      const fatal = expect.objectContaining({ name: 'FatalError', message })
      expectObservable(messages.pipe(postTo(url, String, { fetch, auth }), ack())).toBe('#', undefined, fatal)
    })()
    expect([calls(), asked.length]).toEqual([2, 2])
  })

  it('is renewed at each expiry, not only at the first', () => {
    const { auth, calls } = tokens()
    const { fetch } = askedHttp((call) => of(call % 2 === 1 ? answer(401) : answer(200)))
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, 'abc|', values)
      expectObservable(messages.pipe(postTo(url, String, { fetch, auth }), ack())).toBe('abc|', values)
    })()
    expect(calls()).toBe(4)
  })

  it('is asked for again when it fails or does not answer: whoever gives it may be away', () => {
    const { fetch, asked } = guarded(1)
    const away = () => throwError(() => new Error('connect ECONNREFUSED'))
    const { auth, calls } = tokens((call) => [away(), NEVER, of(token(call))][call - 1] as ObservableInput<HttpHeaders>)
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, '(a|)', values)
      const result = messages.pipe(postTo(url, String, { fetch, auth, retry: steady, timeout: 5 }), ack())
      // 4 ms after the first failure, 5 of silence, 8 after the second.
      expectObservable(result).toBe('17ms (a|)', values)
    })()
    expect([calls(), asked.length]).toEqual([3, 1])
  })

  it.each<[string, () => ObservableInput<HttpHeaders>, string]>([
    ['has a fault', () => (undefined as never as { x: never }).x, 'Cannot get the auth headers of postTo: Cannot read'],
    ['gives what HTTP can’t carry', () => of({ Authorization: 'Bearer x\n' }), 'got U+000A at 8; see to it in `auth`'],
  ])('that %s ends the stream, without a word of the token', (_name, auth, text) => {
    const { fetch } = guarded(1)
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, 'ab|', values)
      const fatal = expect.objectContaining({ name: 'FatalError', message: expect.stringContaining(text) })
      expectObservable(messages.pipe(postTo(url, String, { fetch, auth }), ack())).toBe('#', undefined, fatal)
    })()
  })

  it('fails in the class that its error has', () => {
    const { fetch } = guarded(1)
    const auth = () => throwError(() => new PermanentError('no token for this one'))
    marbles(({ scheduler, expectObservable }) => {
      const { messages, nacks } = marbleMessages(scheduler, '(a|)', values)
      expectObservable(messages.pipe(postTo(url, String, { fetch, auth }), ack())).toBe('|')
      expectObservable(nacks).toBe('n', { n: 'a: no token for this one' })
    })()
  })
})
