import { NEVER, type ObservableInput, of, throwError } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { ack } from '../../lib/ack.ts'
import { PermanentError } from '../../lib/errors.ts'
import { fakeHttp, type HttpRequest, res } from '../../lib/testing/fakes/fakeHttp.ts'
import { kafkaTest } from '../../lib/testing/kafkaTest.ts'
import type { Kit } from '../../lib/testing/kit.ts'
import { type HttpHeaders, postTo } from '../../operators/postTo/postTo.ts'
import { exactly } from '../support/exactly.ts'

const url = 'http://mail.example/send'
const steady = { jitter: 'none', delay: 4 } as const
const skipping = { onNack: 'skip' } as const

/** Gives out tokens, each newer than the last, unless `next` says otherwise. */
function tokens(next: (call: number) => ObservableInput<HttpHeaders> = (call) => of(token(call))) {
  let calls = 0
  return { auth: () => next(++calls), calls: () => calls }
}

const token = (n: number): HttpHeaders => ({ Authorization: `Bearer ${n}` })

/** A server that lets in who has the n-th token, or a newer one. */
function guarded(n: number, { time }: Kit, status = 401) {
  const isLetIn = (authorization = '') => Number(authorization.slice(7)) >= n
  const serve = ({ headers: { authorization } }: HttpRequest) =>
    isLetIn(authorization) ? res(200) : res(status, {}, 'expired')
  return fakeHttp(time.clock, { serve })
}

describe('auth of postTo', () => {
  it(
    'is waited for before the first request, and shared by all',
    kafkaTest((kit) => {
      const http = guarded(1, kit)
      const { auth, calls } = tokens(() => kit.cold('---(t|)', { t: token(1) }))
      const post = postTo(url, String, { fetch: http.fetch, auth })
      kit.expectOutput(kit.topic('0: ab------c').pipe(post, ack())).toBe('---(ab)-c')
      kit.expectCalls(http).toBe('                                        ---(ab)-c')
      kit.flush()
      const sent = http.log.map(
        ({
          item: {
            headers: { authorization },
          },
        }) => authorization,
      )
      expect([calls(), sent]).toEqual([1, Array(3).fill('Bearer 1')])
    }),
  )

  it(
    'goes over the other headers, and leaves the key as it is',
    kafkaTest((kit) => {
      const http = guarded(2, kit)
      const { auth } = tokens()
      const headers = { authorization: 'none', 'X-User': 'x' }
      const post = postTo(url, String, { fetch: http.fetch, auth, headers })
      kit.expectOutput(kit.topic('0: a').pipe(post, ack())).toBe('a')
      kit.flush()
      const common = { 'content-type': 'application/json', 'idempotency-key': 'group/postTo/topic-0-0', 'x-user': 'x' }
      expect(http.log.map(({ item }) => item.headers)).toEqual([
        { ...common, authorization: 'Bearer 1' },
        { ...common, authorization: 'Bearer 2' },
      ])
    }),
  )

  it.each([401, 403])('is asked for again, once, for all that are refused with %i', (status) => {
    kafkaTest((kit) => {
      const http = guarded(2, kit, status)
      const { auth, calls } = tokens()
      const post = postTo(url, String, { fetch: http.fetch, auth })
      kit.expectOutput(kit.topic('0: (abc)---d').pipe(post, ack())).toBe('(abc)---d')
      kit.expectCalls(http).toBe('                                        (abcabc)d')
      kit.flush()
      expect(calls()).toBe(2)
    })()
  })

  it(
    'is renewed once for requests that are refused while it is renewed',
    kafkaTest(({ topic, http, expectOutput, expectCalls, flush }) => {
      const { auth, calls } = tokens()
      http.replies('--(n|)', '--(n|)', { n: res(401) })
      const post = postTo(url, String, { fetch: http.fetch, auth })
      expectOutput(topic('0: ab').pipe(post, ack())).toBe('--ab')
      expectCalls(http).toBe('                             abab')
      flush()
      expect(calls()).toBe(2)
    }),
  )

  it.each([401, 403])('that is refused with %i anew ends the stream, though nacked messages are skipped', (status) => {
    kafkaTest((kit) => {
      const http = guarded(9, kit, status)
      const { auth, calls } = tokens()
      const message = `Cannot process topic[0]@0: POST to ${url} was answered with ${status} "expired"; give postTo the headers that let it in`
      const messages = kit.topic('0: ab', {}, skipping)
      const result = messages.pipe(postTo(url, String, { fetch: http.fetch, auth }), ack())
      kit.expectOutput(result).toBe('#', {}, exactly(message))
      kit.expectCalls(http).toBe('   (aa)')
      kit.flush()
      expect(calls()).toBe(2)
    })()
  })

  it(
    'is renewed at each expiry, not only at the first',
    kafkaTest(({ topic, http, expectOutput, expectCalls, flush }) => {
      const { auth, calls } = tokens()
      http.replies('(n|)', '(y|)', '(n|)', '(y|)', '(n|)', { n: res(401), y: res(200) })
      const messages = topic('0: a-------b-------c')
      const post = postTo(url, String, { fetch: http.fetch, auth })
      expectOutput(messages.pipe(post, ack())).toBe('a-------b-------c')
      expectCalls(http).toBe('                       (aa)----(bb)----(cc)')
      flush()
      expect(calls()).toBe(4)
    }),
  )

  it(
    'is asked for again when it fails or does not answer: whoever gives it may be away',
    kafkaTest((kit) => {
      const http = guarded(1, kit)
      const away = () => throwError(() => new Error('connect ECONNREFUSED'))
      const { auth, calls } = tokens(
        (call) => [away(), NEVER, of(token(call))][call - 1] as ObservableInput<HttpHeaders>,
      )
      const post = postTo(url, String, { fetch: http.fetch, auth, retry: steady, timeout: 5 })
      // 4 ms after the first failure, 5 of silence, 8 after the second.
      kit.expectOutput(kit.topic('0: a').pipe(post, ack())).toBe('17ms a')
      kit.expectCalls(http).toBe('                                17ms a')
      kit.flush()
      expect(calls()).toBe(3)
    }),
  )

  it.each<[string, () => ObservableInput<HttpHeaders>, string]>([
    ['has a fault', () => (undefined as never as { x: never }).x, 'Cannot get the auth headers of postTo: Cannot read'],
    ['gives what HTTP can’t carry', () => of({ Authorization: 'Bearer x\n' }), 'got U+000A at 8; see to it in `auth`'],
  ])('that %s ends the stream, without a word of the token', (_name, auth, text) => {
    kafkaTest(({ topic, http, expectOutput, expectCalls }) => {
      const post = postTo(url, String, { fetch: http.fetch, auth })
      expectOutput(topic('0: ab', {}, skipping).pipe(post, ack())).toBe('#', {}, text)
      expectCalls(http).toBe('')
    })()
  })

  it(
    'fails in the class that its error has',
    kafkaTest(({ topic, http, expectOutput, expectNacks }) => {
      const auth = () => throwError(() => new PermanentError('no token for this one'))
      const post = postTo(url, String, { fetch: http.fetch, auth })
      expectOutput(topic('0: a', {}, skipping).pipe(post, ack())).toBe('')
      expectNacks('0: a', { a: exactly('no token for this one') })
    }),
  )
})
