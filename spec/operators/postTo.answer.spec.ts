import { catchError, EMPTY, map, NEVER, Observable, type OperatorFunction, of, tap } from 'rxjs'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { ack } from '../../lib/ack.ts'
import { FatalError, messageOf } from '../../lib/errors.ts'
import type { Message } from '../../lib/message.ts'
import type { NackPolicy } from '../../lib/onNack.ts'
import { type HttpReply, res } from '../../lib/testing/fakes/fakeHttp.ts'
import { kafkaTest } from '../../lib/testing/kafkaTest.ts'
import { type FetchLike, postTo, type ResponseLike } from '../../operators/postTo/postTo.ts'
import { answer, askedHttp } from '../support/askedHttp.ts'
import { exactly } from '../support/exactly.ts'

const url = 'http://score.example/score'
const order = { id: 'o1' }
type Order = typeof order
const orders = { a: order, b: { id: 'o2' } }

/** Passes one order through an operator that asks by `fetch`; gives the value that came of it, or why it was nacked. */
function passed<B>(reply: HttpReply, operator: (fetch: FetchLike) => OperatorFunction<Message<Order>, Message<B>>) {
  const results: unknown[] = []
  const onNack: NackPolicy = ({ error }) => {
    results.push(messageOf(error))
    return { do: 'skip' }
  }
  kafkaTest(({ topic, http, expectOutput }) => {
    http.replies('(n|)', { n: reply })
    const keep = tap((value) => results.push(value))
    expectOutput(topic('0: a', orders, { onNack }).pipe(operator(http.fetch), ack(), keep))
  })()
  expect(results).toHaveLength(1)
  return results[0]
}

const select = ({ id }: Order) => ({ id })

describe('the answer of postTo', () => {
  it('goes under a key, as JSON', () => {
    const post = (body: string) => passed(res(200, {}, body), (fetch) => postTo(url, select, { fetch, into: 'score' }))
    expect(post('{"risk":0.2}')).toEqual({ id: 'o1', score: { risk: 0.2 } })
    expect(post('[1]')).toEqual({ id: 'o1', score: [1] })
    expect(post('')).toEqual({ id: 'o1', score: null })
    expect(post('\ufeff1')).toEqual({ id: 'o1', score: 1 })
    expect(post('<html>')).toBe(
      `POST to ${url} was answered with 200 "<html>", which is not JSON; read it as text, or discard the response`,
    )
  })

  it('goes under a key as text', () => {
    const result = passed(res(201, {}, 'größer'), (fetch) =>
      postTo(url, select, { fetch, into: 'score', response: 'text' }),
    )
    expect(result).toEqual({ id: 'o1', score: 'größer' })
  })

  it('goes wherever a function puts it, with its status and headers', () => {
    const result = passed(res(409, { etag: 'x' }, '{"n":1}'), (fetch) =>
      postTo(url, select, {
        fetch,
        successOn: [409],
        into: ({ id }, { status, headers, body }) => [id, status, headers.get('etag'), body],
      }),
    )
    expect(result).toEqual(['o1', 409, 'x', { n: 1 }])
  })

  it('that a function throws at nacks the message', () => {
    const into = () => {
      throw new Error('no risk in it')
    }
    expect(passed(res(200, {}, '1'), (fetch) => postTo(url, select, { fetch, into }))).toBe('no risk in it')
  })

  it('changes nothing when it is discarded, whatever it is', () => {
    expect(passed(res(200, {}, '<html>'), (fetch) => postTo(url, select, { fetch }))).toEqual(order)
    const result = passed(res(202, {}, '<html>'), (fetch) =>
      postTo(url, select, { fetch, response: 'discard', into: (_order, { status, body }) => ({ status, body }) }),
    )
    expect(result).toEqual({ status: 202, body: undefined })
  })

  it('has its type in the value', () => {
    expectTypeOf(postTo(url, select)).parameter(0).toEqualTypeOf<Observable<Message<Order>>>()
    const messages: Observable<Message<Order>> = NEVER
    const keyed = messages.pipe(postTo(url, select, { into: 'score' }), ack())
    expectTypeOf(keyed).toEqualTypeOf<Observable<Order & { score: unknown }>>()
    const text = messages.pipe(
      postTo(url, (o) => o.id, { into: 'score', response: 'text' }),
      ack(),
    )
    expectTypeOf(text).toEqualTypeOf<Observable<Order & { score: string }>>()
    const made = messages.pipe(postTo(url, select, { into: (o, { body }) => [o.id, body] as const }), ack())
    expectTypeOf(made).toEqualTypeOf<Observable<readonly [string, unknown]>>()
    const none = messages.pipe(postTo(url, select, { response: 'discard', into: (_o, { body }) => body }), ack())
    expectTypeOf(none).toEqualTypeOf<Observable<undefined>>()
    const written = messages.pipe(postTo(url, select, { body: ({ id }) => id.trim() }), ack())
    expectTypeOf(written).toEqualTypeOf<Observable<Order>>()
    // @ts-expect-error: nothing would go under the key
    const wrong = () => postTo(url, select, { into: 'score', response: 'discard' })
    expect(wrong).toThrow('Expected `response` to be json or text when its body goes under a key')
  })

  it('has options that are checked when the pipe is built', () => {
    const built = (options: object) => () => postTo(url, select, options as never)
    expect(built({ into: '' })).toThrow('Expected `into` to be a key or a function')
    expect(built({ into: 7 })).toThrow('Expected `into` to be a key or a function')
    expect(built({ response: 'json' })).toThrow('Expected `into` to be given when the response is read as json')
    expect(built({ into: 'x', response: 'xml' })).toThrow('Expected `response` to be one of json, text, discard')
    expect(built({ maxResponseBytes: -1 })).toThrow('Expected `maxResponseBytes` to be an integer >= 0')
    expect(built({ successOn: [99] })).toThrow('Expected `successOn` to be a list of HTTP statuses')
    expect(built({ retryOn: 503 })).toThrow('Expected `retryOn` to be a list of HTTP statuses')
    expect(built({ auth: {} })).toThrow('Expected `auth` to be a function')
  })

  describe('of more than `maxResponseBytes`', () => {
    const long: ResponseLike = { ...answer(200), body: of(Buffer.alloc(6, 'x'), Buffer.alloc(6, 'y')) }

    it(
      'nacks the message when it was to go into the value',
      kafkaTest(({ topic, expectOutput, expectNacks }) => {
        const { fetch } = askedHttp(() => of(long))
        const post = postTo(url, select, { fetch, into: 'score', response: 'text', maxResponseBytes: 11 })
        expectOutput(topic('0: a', orders, { onNack: 'skip' }).pipe(post, ack())).toBe('')
        const text = `POST to ${url} was answered with 200 "xxxxxxyyyyy", which is of more than 11 bytes; raise \`maxResponseBytes\`, or discard the response`
        expectNacks('0: a', { a: exactly(text) })
      }),
    )

    it(
      'is not what is of just as many',
      kafkaTest(({ topic, expectOutput }) => {
        const { fetch } = askedHttp(() => of(long))
        const post = postTo(url, select, { fetch, into: 'score', response: 'text', maxResponseBytes: 12 })
        expectOutput(topic('0: a', orders).pipe(post, ack())).toBe('r', { r: { ...order, score: 'xxxxxxyyyyyy' } })
      }),
    )

    it(
      'is read no further: the request is aborted, and the status counts',
      kafkaTest(({ topic, expectOutput, expectNacks, flush }) => {
        const stopped: boolean[] = []
        const endless = new Observable<Uint8Array>((subscriber) => {
          while (!subscriber.closed) subscriber.next(Buffer.from('12'))
          stopped.push(true)
        })
        const statuses = [200, 400]
        const { fetch, asked } = askedHttp((call) => of({ ...answer(statuses[call - 1] as number), body: endless }))
        const post = postTo(url, select, { fetch, maxResponseBytes: 3 })
        expectOutput(topic('0: ab', orders, { onNack: 'skip' }).pipe(post, ack())).toBe('a')
        expectNacks('0: -b', { b: exactly(`POST to ${url} was answered with 400 "121"`) })
        flush()
        expect(asked.map(({ signal }) => signal.aborted)).toEqual([true, true])
        expect(stopped).toEqual([true, true])
      }),
    )
  })

  it(
    'that is read whole leaves its request alone',
    kafkaTest(({ topic, expectOutput, flush }) => {
      const { fetch, asked } = askedHttp(() => of({ ...answer(204), body: null }))
      expectOutput(topic('0: a', orders).pipe(postTo(url, select, { fetch }), ack())).toBe('a')
      flush()
      expect(asked[0]?.signal.aborted).toBe(false)
    }),
  )

  it(
    'whose body never ends is aborted after `timeout`, and asked for again',
    kafkaTest(({ topic, expectOutput, flush }) => {
      const { fetch, asked } = askedHttp((call) => of(call === 1 ? { ...answer(200), body: NEVER } : answer(200)))
      const post = postTo(url, select, { fetch, timeout: 5, retry: { delay: 0 } })
      expectOutput(topic('0: a', orders).pipe(post, ack())).toBe('-----a')
      flush()
      expect(asked.map(({ signal }) => signal.aborted)).toEqual([true, false])
    }),
  )

  it(
    'without a body, as a `fetch` of the user may give, is an empty one',
    kafkaTest(({ topic, expectOutput }) => {
      const { body, ...bare } = answer(200)
      const { fetch } = askedHttp(() => of(bare as ResponseLike))
      const post = postTo(url, select, { fetch, into: 'score', response: 'text' })
      expectOutput(topic('0: a', orders).pipe(post, ack())).toBe('r', { r: { ...order, score: '' } })
    }),
  )

  it.each([
    ['is none ends the pipe', of(undefined), /^Cannot POST to .*undefined/],
    ['never comes ends the pipe', EMPTY, /^postTo got no outcomes/],
  ])('that %s', (_, none, text) => {
    const errors: Error[] = []
    kafkaTest(({ topic, expectOutput }) => {
      const { fetch } = askedHttp(() => none as Observable<unknown> as Observable<ResponseLike>)
      const kept = catchError<string, Observable<never>>((error) => {
        errors.push(error.cause)
        return EMPTY
      })
      expectOutput(topic('0: a', orders).pipe(postTo(url, select, { fetch }), ack(), map(String), kept)).toBe('|')
    })()
    expect(errors.map(({ message }) => message)).toEqual([expect.stringMatching(text)])
    expect(errors[0]).toBeInstanceOf(FatalError)
  })
})
