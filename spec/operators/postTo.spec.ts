import { fetch as crossFetch } from 'cross-fetch'
import { finalize, NEVER, type Observable, of, throwError } from 'rxjs'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { ack } from '../../lib/ack.ts'
import { marbleMessages } from '../../lib/testing/marbleMessages.ts'
import { type FetchLike, type PostToOptions, postTo, type ResponseLike } from '../../operators/postTo/postTo.ts'
import { type Asked, answer, askedHttp } from '../support/askedHttp.ts'
import { marbles } from '../support/marbles.ts'

const values = { a: 'ann', b: 'bob', c: 'ann' }
const byValue = { key: (value: string) => value }
const url = 'http://mail.example/send?token=secret'
const place = 'http://mail.example/send'
const mailOf = (user: string) => ({ user })
const steady = { jitter: 'none', delay: 4 } as const

const ok = answer(200)

/** What the server is asked for one message. */
function askedFor(options: PostToOptions<string>, groupId = 'group') {
  const { fetch, asked } = askedHttp(() => of(ok))
  marbles(({ scheduler, expectObservable }) => {
    const { messages } = marbleMessages(scheduler, '(a|)', values, { groupId })
    expectObservable(messages.pipe(postTo(url, mailOf, { ...options, fetch }), ack())).toBe('(a|)', values)
  })()
  return asked[0] as Asked
}

describe('postTo', () => {
  it('posts JSON and passes each message on after its answer', () => {
    let answers: Observable<ResponseLike> = NEVER
    const { fetch, asked } = askedHttp(() => answers)
    marbles(({ scheduler, cold, expectObservable }) => {
      answers = cold('         --(r|)', { r: ok })
      const source = '         a-------b---|'
      const expected = '       --a-------b-|'
      const { messages, acks } = marbleMessages(scheduler, source, values)
      expectObservable(messages.pipe(postTo(new URL(url), mailOf, { fetch }), ack())).toBe(expected, values)
      expectObservable(acks).toBe('--a-------b')
    })()
    expect(asked).toMatchObject([
      { url, method: 'POST', body: '{"user":"ann"}', redirect: 'manual' },
      { url, method: 'POST', body: '{"user":"bob"}', redirect: 'manual' },
    ])
  })

  it(
    'has one request of a key under way, and `concurrency` in all',
    marbles(({ scheduler, cold, expectObservable }) => {
      const answers = cold(' -----(r|)', { r: ok })
      const source = '       (abc|)'
      const keyed = '        -----(ab)-(c|)'
      const single = '       -----a----b----(c|)'
      const { fetch } = askedHttp(() => answers)
      const first = marbleMessages(scheduler, source, values, byValue)
      const second = marbleMessages(scheduler, source, values, byValue)
      expectObservable(first.messages.pipe(postTo(url, mailOf, { fetch }), ack())).toBe(keyed, values)
      const oneByOne = postTo(url, mailOf, { fetch, concurrency: 1 })
      expectObservable(second.messages.pipe(oneByOne, ack())).toBe(single, values)
    }),
  )

  it('aborts and abandons what is under way when it is unsubscribed', () => {
    const { fetch, asked } = askedHttp(() => NEVER)
    marbles(({ scheduler, expectObservable }) => {
      const { messages, acks, abandoned } = marbleMessages(scheduler, 'a-b------', values)
      expectObservable(messages.pipe(postTo(url, mailOf, { fetch }), ack()), '---!').toBe('-')
      expectObservable(acks).toBe('')
      expectObservable(abandoned).toBe('---(ab)')
    })()
    expect(asked.map(({ signal }) => signal.aborted)).toEqual([true, true])
  })

  it.each<[string, (value: string) => unknown, string]>([
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
    const { fetch, asked } = askedHttp(() => of(ok))
    marbles(({ scheduler, expectObservable }) => {
      const { messages, nacks } = marbleMessages(scheduler, 'ab|', values)
      const result = messages.pipe(
        postTo(url, (value) => (value === 'ann' ? select(value) : value), { fetch }),
        ack(),
      )
      expectObservable(result).toBe('-b|', values)
      expectObservable(nacks).toBe('n', { n: `a: ${text}` })
    })()
    expect(asked).toHaveLength(1)
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
      expect(ofValue).toMatchObject({ 'X-User': 'ann', 'X-Topic': 'topic' })
      expect(askedFor({ idempotencyKey: (value) => `k-${value}` }).headers).toMatchObject({
        'Idempotency-Key': 'k-ann',
      })
    })

    it('that hold a line break nack the message', () => {
      const { fetch, asked } = askedHttp(() => of(ok))
      marbles(({ scheduler, expectObservable }) => {
        const { messages, nacks } = marbleMessages(scheduler, '(a|)', { a: 'x\r\nX-Admin: 1' })
        const headers = (value: string) => ({ 'X-User': value })
        expectObservable(messages.pipe(postTo(url, mailOf, { fetch, headers }), ack())).toBe('|')
        const text =
          'Expected header "X-User" of postTo to be one line of Latin-1 text without spaces around it, got U+000D at 1'
        expectObservable(nacks).toBe('n', { n: `a: ${text}; see to it in the selector` })
      })()
      expect(asked).toEqual([])
    })
  })

  describe('answers', () => {
    it.each([200, 201, 204, 299])('%i counts as success', (status) => {
      const { fetch } = askedHttp(() => of(answer(status)))
      marbles(({ scheduler, expectObservable }) => {
        const { messages } = marbleMessages(scheduler, '(a|)', values)
        expectObservable(messages.pipe(postTo(url, mailOf, { fetch }), ack())).toBe('(a|)', values)
      })()
    })

    it('of `successOn` count as success', () => {
      const { fetch } = askedHttp(() => of(answer(409)))
      marbles(({ scheduler, expectObservable }) => {
        const { messages } = marbleMessages(scheduler, '(a|)', values)
        expectObservable(messages.pipe(postTo(url, mailOf, { fetch, successOn: [409] }), ack())).toBe('(a|)', values)
      })()
    })

    it.each([
      [answer(400, 'no such user'), `POST to ${place} was answered with 400 "no such user"`],
      [answer(404), `POST to ${place} was answered with 404`],
      [answer(501), `POST to ${place} was answered with 501`],
      [
        answer(302, '', { location: 'http://elsewhere/' }),
        `POST to ${place} was answered with 302; redirects to "http://elsewhere/" are not followed, give postTo the final URL`,
      ],
    ])('that no repetition would change nack the message: %#', (response, text) => {
      const { fetch, asked } = askedHttp((call) => of(call === 1 ? response : ok))
      marbles(({ scheduler, expectObservable }) => {
        const { messages, nacks } = marbleMessages(scheduler, 'ab|', values)
        expectObservable(messages.pipe(postTo(url, mailOf, { fetch }), ack())).toBe('-b|', values)
        expectObservable(nacks).toBe('n', { n: `a: ${text}` })
      })()
      expect(asked).toHaveLength(2)
    })

    it.each([408, 425, 429, 500, 502, 503, 504])('%i is tried again, with the same key', (status) => {
      const { fetch, asked } = askedHttp((call) => of(call === 1 ? answer(status) : ok))
      marbles(({ scheduler, expectObservable }) => {
        const { messages } = marbleMessages(scheduler, '(a|)', values)
        expectObservable(messages.pipe(postTo(url, mailOf, { fetch, retry: steady }), ack())).toBe('4ms (a|)', values)
      })()
      expect(asked[1]?.headers).toEqual(asked[0]?.headers)
    })

    it('of `retryOn` alone are tried again', () => {
      const { fetch } = askedHttp(() => of(answer(503)))
      marbles(({ scheduler, expectObservable }) => {
        const { messages, nacks } = marbleMessages(scheduler, '(a|)', values)
        expectObservable(messages.pipe(postTo(url, mailOf, { fetch, retryOn: [] }), ack())).toBe('|')
        expectObservable(nacks).toBe('n', { n: `a: POST to ${place} was answered with 503` })
      })()
    })

    it.each([
      ['2', '2000ms (abc|)'],
      // Virtual time begins at 1970-01-01T00:00:00Z.
      ['Thu, 01 Jan 1970 00:00:03 GMT', '3000ms (abc|)'],
      ['86400', '300s (abc|)'],
      ['0', '-bc- (a|)'],
      ['soon', '-bc- (a|)'],
    ])('with Retry-After %s hold every request: %s', (written, expected) => {
      const { fetch } = askedHttp((call) => of(call === 1 ? answer(429, '', { 'retry-after': written }) : ok))
      marbles(({ scheduler, expectObservable }) => {
        const { messages } = marbleMessages(scheduler, 'abc|', values)
        expectObservable(messages.pipe(postTo(url, mailOf, { fetch, retry: steady }), ack())).toBe(expected, values)
      })()
    })

    it('with Retry-After hold the requests to their own host, and take no place from the others', () => {
      const { fetch, asked } = askedHttp((call) => of(call === 1 ? answer(429, '', { 'retry-after': '2' }) : ok))
      const to = { a: 'https://x.example/1', b: 'https://x.example/2', c: 'https://y.example/1' }
      marbles(({ scheduler, expectObservable }) => {
        const source = '         abc|'
        const expected = '       --c 1997ms (ab|)'
        const { messages } = marbleMessages(scheduler, source, to)
        const target = { url: (value: string) => value, allow: ['x.example', 'y.example'] }
        const post = postTo(target, String, { fetch, retry: steady, concurrency: 1 })
        expectObservable(messages.pipe(post, ack())).toBe(expected, to)
      })()
      expect(asked.map(({ url }) => url)).toEqual([to.a, to.c, to.a, to.b])
    })

    it.each([401, 403])('%i ends the stream', (status) => {
      const { fetch } = askedHttp(() => of(answer(status, 'who are you?')))
      marbles(({ scheduler, expectObservable }) => {
        const { messages } = marbleMessages(scheduler, 'ab|', values)
        const message = `POST to ${place} was answered with ${status} "who are you?"; give postTo the headers that let it in`
        const error = expect.objectContaining({ name: 'FatalError', message: expect.stringContaining(message) })
        expectObservable(messages.pipe(postTo(url, mailOf, { fetch }), ack())).toBe('#', undefined, error)
      })()
    })

    it('are read to their end, however long', () => {
      const read: number[] = []
      const long = (status: number): ResponseLike => ({
        ...ok,
        status,
        body: of(Buffer.alloc(9_000, 'x'), Buffer.alloc(1_000, 'x')).pipe(finalize(() => read.push(status))),
      })
      const { fetch } = askedHttp((call) => of(long([200, 400][call - 1] as number)))
      marbles(({ scheduler, expectObservable }) => {
        const { messages, nacks } = marbleMessages(scheduler, 'ab|', values)
        expectObservable(messages.pipe(postTo(url, mailOf, { fetch }), ack())).toBe('a-|', values)
        expectObservable(nacks).toBe('-n', {
          n: expect.stringMatching(/^b: POST to \S+ was answered with 400 "x{76}\.\.\.$/),
        })
      })()
      expect(read).toEqual([200, 400])
    })
  })

  describe('no answer', () => {
    it('within `timeout`: is aborted and tried again', () => {
      const { fetch, asked } = askedHttp((call) => (call === 1 ? NEVER : of(ok)))
      marbles(({ scheduler, expectObservable }) => {
        const { messages } = marbleMessages(scheduler, '(a|)', values)
        const result = messages.pipe(postTo(url, mailOf, { fetch, retry: steady }), ack())
        expectObservable(result).toBe('10s 4ms (a|)', values)
      })()
      expect(asked.map(({ signal }) => signal.aborted)).toEqual([true, false])
    })

    it.each([
      ['node-fetch', Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', type: 'system' })],
      ['undici', new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') })],
    ])('for want of a connection, as %s says it: is tried again', (_name, error) => {
      const { fetch } = askedHttp((call) => (call === 1 ? throwError(() => error) : of(ok)))
      marbles(({ scheduler, expectObservable }) => {
        const { messages } = marbleMessages(scheduler, '(a|)', values)
        expectObservable(messages.pipe(postTo(url, mailOf, { fetch, retry: steady }), ack())).toBe('4ms (a|)', values)
      })()
    })

    it('shows nothing of the URL that may be secret', () => {
      const to = 'http://user:pass@mail.example/send?token=secret'
      const error = Object.assign(new Error(`request to ${to} failed, reason: ECONNRESET`), { code: 'ECONNRESET' })
      const { fetch } = askedHttp(() => throwError(() => error))
      marbles(({ scheduler, expectObservable }) => {
        const { messages, nacks } = marbleMessages(scheduler, '(a|)', values)
        expectObservable(messages.pipe(postTo(to, mailOf, { fetch, retry: { attempts: 1 } }), ack())).toBe('|')
        const text = `postTo gave up after 1 tries: Cannot POST to ${place}: request to ${place} failed, reason: ECONNRESET`
        expectObservable(nacks).toBe('n', { n: `a: ${text}` })
      })()
    })

    it.each([
      [Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }), 'certificate'],
      [new TypeError('fetch.it is not a function'), 'not a function'],
    ])('for a fault that stays ends the stream: %#', (error, text) => {
      const { fetch } = askedHttp(() => throwError(() => error))
      marbles(({ scheduler, expectObservable }) => {
        const { messages } = marbleMessages(scheduler, '(a|)', values)
        const fatal = expect.objectContaining({ name: 'FatalError', message: expect.stringContaining(text) })
        expectObservable(messages.pipe(postTo(url, mailOf, { fetch }), ack())).toBe('#', undefined, fatal)
      })()
    })
  })

  it('refuses a wrong URL or client at once', () => {
    expect(() => postTo('mail', mailOf)).toThrow(
      'Expected `url` to be an http: or https: URL, or { url: a function, allow: [origins] }, got `mail` (string)',
    )
    expect(() => postTo('file:///x', mailOf)).toThrow('http: or https: URL')
    expect(() => postTo(url, mailOf, { fetch: 1 as never })).toThrow('Expected `fetch` to be a function')
  })

  it('infers in a pipe, and takes any fetch', () => {
    expectTypeOf(fetch).toExtend<FetchLike>()
    expectTypeOf(crossFetch).toExtend<FetchLike>()
    marbles(({ scheduler }) => {
      const { messages } = marbleMessages(scheduler, '-', values)
      const result = messages.pipe(
        postTo(url, (user, { key }) => ({ user: user.length, key }), {
          fetch,
          headers: (user) => ({ 'X-User': user.trim() }),
          idempotencyKey: (user) => user.trim(),
        }),
        ack(),
      )
      expectTypeOf(result).toEqualTypeOf<Observable<string>>()
    })()
  })
})
