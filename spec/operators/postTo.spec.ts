import { fetch as crossFetch } from 'cross-fetch'
import { finalize, NEVER, type Observable, of, takeUntil } from 'rxjs'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { ack } from '../../lib/ack.ts'
import type { Message } from '../../lib/message.ts'
import { res } from '../../lib/testing/fakes/fakeHttp.ts'
import { kafkaTest } from '../../lib/testing/kafkaTest.ts'
import { type FetchLike, type PostToOptions, postTo, type ResponseLike } from '../../operators/postTo/postTo.ts'
import { type Asked, answer, askedHttp } from '../support/askedHttp.ts'
import { exactly } from '../support/exactly.ts'

const url = 'http://mail.example/send?token=secret'
const place = 'http://mail.example/send'
const steady = { jitter: 'none', delay: 4 } as const
const skipping = { onNack: 'skip' } as const

const ok = answer(200)

/** What the server is asked for one message. */
function askedFor(options: PostToOptions<string>, groupId = 'group') {
  const { fetch, asked } = askedHttp(() => of(ok))
  kafkaTest(({ topic, expectOutput }) => {
    const messages = topic('0: a', {}, { groupId })
    expectOutput(messages.pipe(postTo(url, String, { ...options, fetch }), ack())).toBe('a')
  })()
  return asked[0] as Asked
}

describe('postTo', () => {
  it(
    'posts JSON',
    kafkaTest(({ topic, expectOutput, flush }) => {
      const { fetch, asked } = askedHttp(() => of(ok))
      const post = postTo(new URL(url), (user: string) => ({ user }), { fetch })
      expectOutput(topic('0: a-b').pipe(post, ack())).toBe('a-b')
      flush()
      expect(asked).toMatchObject([
        { url, method: 'POST', body: '{"user":"a"}', redirect: 'manual' },
        { url, method: 'POST', body: '{"user":"b"}', redirect: 'manual' },
      ])
    }),
  )

  it(
    'aborts what is under way when it is unsubscribed',
    kafkaTest(({ topic, cold, expectOutput, expectNacks, flush }) => {
      const { fetch, asked } = askedHttp(() => NEVER)
      const result = topic('0: a-b').pipe(postTo(url, String, { fetch }), ack(), takeUntil(cold('---x')))
      expectOutput(result).toBe('---|')
      expectNacks('          0: ---(ab)')
      flush()
      expect(asked.map(({ signal }) => signal.aborted)).toEqual([true, true])
    }),
  )

  it.each<[string, () => unknown, string]>([
    [
      'throws',
      () => {
        throw new Error('boom')
      },
      'boom',
    ],
    ['gives what JSON has not', () => undefined, 'Expected a value that JSON can hold, got undefined'],
    ['gives a bigint', () => 1n, 'Do not know how to serialize a BigInt'],
  ])('nacks a message whose selector %s', (_name, select, text) => {
    kafkaTest(({ topic, http, expectOutput, expectCalls, expectNacks }) => {
      const post = postTo(url, (value: string) => (value === 'a' ? select() : value), { fetch: http.fetch })
      expectOutput(topic('0: ab', {}, skipping).pipe(post, ack())).toBe('-b')
      expectCalls(http).toBe('-b')
      expectNacks('0: a', { a: exactly(text) })
    })()
  })

  describe('headers', () => {
    it('name JSON and the same key at every delivery', () => {
      expect(askedFor({}).headers).toEqual({
        'Content-Type': 'application/json',
        'Idempotency-Key': 'group/postTo/topic-0-0',
      })
      expect(askedFor({ name: 'mail' }, 'größe 1').headers).toMatchObject({
        'Idempotency-Key': 'gr%C3%B6%C3%9Fe%201/mail/topic-0-0',
      })
    })

    it('take the user’s, without doubling one', () => {
      const headers = { 'content-type': 'application/vnd.mail+json', Authorization: 'Bearer x' }
      expect(askedFor({ headers, idempotencyKey: () => false }).headers).toEqual(headers)
      const ofValue = askedFor({ headers: (value, { topic }) => ({ 'X-User': value, 'X-Topic': topic }) }).headers
      expect(ofValue).toMatchObject({ 'X-User': 'a', 'X-Topic': 'topic' })
      expect(askedFor({ idempotencyKey: (value) => `k-${value}` }).headers).toMatchObject({ 'Idempotency-Key': 'k-a' })
    })
  })

  describe('answers', () => {
    it.each([200, 201, 204, 299])('%i counts as success', (status) => {
      kafkaTest(({ topic, http, expectOutput, expectCalls }) => {
        http.replies('(n|)', { n: res(status) })
        expectOutput(topic('0: a').pipe(postTo(url, String, { fetch: http.fetch }), ack())).toBe('a')
        expectCalls(http).toBe('a')
      })()
    })

    it(
      'of `successOn` count as success',
      kafkaTest(({ topic, http, expectOutput, expectCalls }) => {
        http.replies('(n|)', { n: res(409) })
        const post = postTo(url, String, { fetch: http.fetch, successOn: [409] })
        expectOutput(topic('0: a').pipe(post, ack())).toBe('a')
        expectCalls(http).toBe('a')
      }),
    )

    it.each([
      [res(400, {}, 'no such user'), `POST to ${place} was answered with 400 "no such user"`],
      [res(404), `POST to ${place} was answered with 404`],
      [res(501), `POST to ${place} was answered with 501`],
      [
        res(302, { location: 'http://elsewhere/' }),
        `POST to ${place} was answered with 302; redirects to "http://elsewhere/" are not followed, give postTo the final URL`,
      ],
    ])('that no repetition would change nack the message: %#', (reply, text) => {
      kafkaTest(({ topic, http, expectOutput, expectCalls, expectNacks }) => {
        http.replies('(n|)', { n: reply })
        const messages = topic('0: ab', {}, skipping)
        expectOutput(messages.pipe(postTo(url, String, { fetch: http.fetch }), ack())).toBe('-b')
        expectCalls(http).toBe('ab')
        expectNacks('0: a', { a: exactly(text) })
      })()
    })

    it.each([408, 425, 429, 500, 502, 503, 504])('%i is tried again, with the same key', (status) => {
      kafkaTest(({ topic, http, expectOutput, expectCalls, flush }) => {
        http.replies('(n|)', { n: res(status) })
        const post = postTo(url, String, { fetch: http.fetch, retry: steady })
        expectOutput(topic('0: a').pipe(post, ack())).toBe('----a')
        expectCalls(http).toBe('                            a---a')
        flush()
        const [first, second] = http.log.map(({ item: { headers } }) => headers)
        expect(first).toHaveProperty('idempotency-key')
        expect(second).toEqual(first)
      })()
    })

    it(
      'of `retryOn` alone are tried again',
      kafkaTest(({ topic, http, expectOutput, expectCalls, expectNacks }) => {
        http.replies('(n|)', { n: res(503) })
        const post = postTo(url, String, { fetch: http.fetch, retryOn: [] })
        expectOutput(topic('0: a', {}, skipping).pipe(post, ack())).toBe('')
        expectCalls(http).toBe('a')
        expectNacks('0: a', { a: exactly(`POST to ${place} was answered with 503`) })
      }),
    )

    it.each([
      ['2', '2s (abc)'],
      // Virtual time begins at 1970-01-01T00:00:00Z.
      ['Thu, 01 Jan 1970 00:00:03 GMT', '3s (abc)'],
      ['86400', '300s (abc)'],
      ['0', '-bc-a'],
      ['soon', '-bc-a'],
    ])('with Retry-After %s hold every request: %s', (written, expected) => {
      kafkaTest(({ topic, http, expectOutput }) => {
        http.replies('(n|)', { n: res(429, { 'retry-after': written }) })
        const post = postTo(url, String, { fetch: http.fetch, retry: steady })
        expectOutput(topic('0: abc').pipe(post, ack())).toBe(expected)
      })()
    })

    it(
      'with Retry-After hold the requests to their own host, and take no place from the others',
      kafkaTest(({ topic, http, expectOutput, flush }) => {
        const to = { a: 'https://x.example/1', b: 'https://x.example/2', c: 'https://y.example/1' }
        http.replies('(n|)', { n: res(429, { 'retry-after': '2' }) })
        const target = { url: (value: string) => value, allow: ['x.example', 'y.example'] }
        const post = postTo(target, String, { fetch: http.fetch, retry: steady, concurrency: 1 })
        expectOutput(topic('0: abc', to).pipe(post, ack())).toBe('--c 1997ms (ab)')
        flush()
        expect(http.log.map(({ item }) => item.url)).toEqual([to.a, to.c, to.a, to.b])
      }),
    )

    it.each([401, 403])('%i ends the stream, though nacked messages are skipped', (status) => {
      kafkaTest(({ topic, http, expectOutput }) => {
        http.replies('(n|)', { n: res(status, {}, 'who are you?') })
        const text = `POST to ${place} was answered with ${status} "who are you?"; give postTo the headers that let it in`
        const messages = topic('0: ab', {}, skipping)
        expectOutput(messages.pipe(postTo(url, String, { fetch: http.fetch }), ack())).toBe('#', {}, text)
      })()
    })

    it(
      'are read to their end, however long',
      kafkaTest(({ topic, expectOutput, expectNacks, flush }) => {
        const read: number[] = []
        const long = (status: number): ResponseLike => ({
          ...ok,
          status,
          body: of(Buffer.alloc(9_000, 'x'), Buffer.alloc(1_000, 'x')).pipe(finalize(() => read.push(status))),
        })
        const { fetch } = askedHttp((call) => of(long([200, 400][call - 1] as number)))
        expectOutput(topic('0: ab', {}, skipping).pipe(postTo(url, String, { fetch }), ack())).toBe('a')
        expectNacks('0: -b', { b: /^POST to \S+ was answered with 400 "x{76}\.\.\.$/ })
        flush()
        expect(read).toEqual([200, 400])
      }),
    )
  })

  describe('no answer', () => {
    it(
      'within `timeout`: is aborted and tried again',
      kafkaTest(({ topic, expectOutput, flush }) => {
        const { fetch, asked } = askedHttp((call) => (call === 1 ? NEVER : of(ok)))
        const post = postTo(url, String, { fetch, retry: steady })
        expectOutput(topic('0: a').pipe(post, ack())).toBe('10s 4ms a')
        flush()
        expect(asked.map(({ signal }) => signal.aborted)).toEqual([true, false])
      }),
    )

    it.each([
      ['node-fetch', Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', type: 'system' })],
      ['undici', new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') })],
    ])('for want of a connection, as %s says it: is tried again', (_name, error) => {
      kafkaTest(({ topic, http, expectOutput }) => {
        http.replies('#', { '#': error })
        const post = postTo(url, String, { fetch: http.fetch, retry: steady })
        expectOutput(topic('0: a').pipe(post, ack())).toBe('----a')
      })()
    })

    it(
      'shows nothing of the URL that may be secret',
      kafkaTest(({ topic, http, expectOutput, expectNacks }) => {
        const to = 'http://user:pass@mail.example/send?token=secret'
        const error = Object.assign(new Error(`request to ${to} failed, reason: ECONNRESET`), { code: 'ECONNRESET' })
        http.replies('#', { '#': error })
        const post = postTo(to, String, { fetch: http.fetch, retry: { attempts: 1 } })
        expectOutput(topic('0: a', {}, skipping).pipe(post, ack())).toBe('')
        const text = `postTo gave up after 1 tries: Cannot POST to ${place}: request to ${place} failed, reason: ECONNRESET`
        expectNacks('0: a', { a: exactly(text) })
      }),
    )

    it.each([
      [Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }), 'certificate'],
      [new TypeError('fetch.it is not a function'), 'not a function'],
    ])('for a fault that stays ends the stream, though nacked messages are skipped: %#', (error, text) => {
      kafkaTest(({ topic, http, expectOutput }) => {
        http.replies('#', { '#': error })
        const messages = topic('0: a', {}, skipping)
        expectOutput(messages.pipe(postTo(url, String, { fetch: http.fetch }), ack())).toBe('#', {}, text)
      })()
    })
  })

  it('refuses a wrong URL or client at once', () => {
    expect(() => postTo('mail', String)).toThrow(
      'Expected `url` to be an http: or https: URL, or { url: a function, allow: [origins] }, got `mail` (string)',
    )
    expect(() => postTo('file:///x', String)).toThrow('http: or https: URL')
    expect(() => postTo(url, String, { fetch: 1 as never })).toThrow('Expected `fetch` to be a function')
  })

  it('infers in a pipe, and takes any fetch', () => {
    expectTypeOf(fetch).toExtend<FetchLike>()
    expectTypeOf(crossFetch).toExtend<FetchLike>()
    const messages: Observable<Message<string>> = NEVER
    const result = messages.pipe(
      postTo(url, (user, { key }) => ({ user: user.length, key }), {
        fetch,
        headers: (user) => ({ 'X-User': user.trim() }),
        idempotencyKey: (user) => user.trim(),
      }),
      ack(),
    )
    expectTypeOf(result).toEqualTypeOf<Observable<string>>()
  })
})
