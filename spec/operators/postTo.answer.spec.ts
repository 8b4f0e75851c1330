import { NEVER, Observable, of } from 'rxjs'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { ack } from '../../lib/ack.ts'
import type { Message } from '../../lib/message.ts'
import { marbleMessages } from '../../lib/testing/marbleMessages.ts'
import { postTo, type ResponseLike } from '../../operators/postTo/postTo.ts'
import { answer, askedHttp } from '../support/askedHttp.ts'
import { marbles } from '../support/marbles.ts'

const url = 'http://score.example/score'
const order = { id: 'o1' }
type Order = typeof order

/** Passes one order through an operator that asks by `fetch`; gives the value or the nack that came of it. */
function passed<B>(
  response: ResponseLike,
  operator: (fetch: () => Observable<ResponseLike>) => (source: Observable<Message<Order>>) => Observable<Message<B>>,
) {
  const values: B[] = []
  const nacked: string[] = []
  marbles(({ scheduler, flush }) => {
    const { messages, nacks } = marbleMessages(scheduler, '(a|)', { a: order })
    nacks.subscribe((text) => nacked.push(text))
    messages
      .pipe(
        operator(() => of(response)),
        ack(),
      )
      .subscribe((value) => values.push(value as B))
    flush()
  })()
  return values[0] ?? nacked[0]
}

const select = ({ id }: Order) => ({ id })

describe('the answer of postTo', () => {
  it('goes under a key, as JSON', () => {
    const post = (body: string) => passed(answer(200, body), (fetch) => postTo(url, select, { fetch, into: 'score' }))
    expect(post('{"risk":0.2}')).toEqual({ id: 'o1', score: { risk: 0.2 } })
    expect(post('[1]')).toEqual({ id: 'o1', score: [1] })
    expect(post('')).toEqual({ id: 'o1', score: null })
    expect(post('\ufeff1')).toEqual({ id: 'o1', score: 1 })
    expect(post('<html>')).toBe(
      `a: POST to ${url} was answered with 200 "<html>", which is not JSON; read it as text, or discard the response`,
    )
  })

  it('goes under a key as text', () => {
    const result = passed(answer(201, 'größer'), (fetch) =>
      postTo(url, select, { fetch, into: 'score', response: 'text' }),
    )
    expect(result).toEqual({ id: 'o1', score: 'größer' })
  })

  it('goes wherever a function puts it, with its status and headers', () => {
    const result = passed(answer(409, '{"n":1}', { etag: 'x' }), (fetch) =>
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
    expect(passed(answer(200, '1'), (fetch) => postTo(url, select, { fetch, into }))).toBe('a: no risk in it')
  })

  it('changes nothing when it is discarded, whatever it is', () => {
    expect(passed(answer(200, '<html>'), (fetch) => postTo(url, select, { fetch }))).toEqual(order)
    const result = passed(answer(202, '<html>'), (fetch) =>
      postTo(url, select, { fetch, response: 'discard', into: (_order, { status, body }) => ({ status, body }) }),
    )
    expect(result).toEqual({ status: 202, body: undefined })
  })

  it('has its type in the value', () => {
    expectTypeOf(postTo(url, select)).parameter(0).toEqualTypeOf<Observable<Message<Order>>>()
    marbles(({ scheduler }) => {
      const { messages } = marbleMessages(scheduler, '-', { a: order })
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
    })()
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
    const long = (status: number): ResponseLike => ({
      ...answer(status),
      body: of(Buffer.alloc(6, 'x'), Buffer.alloc(6, 'y')),
    })

    it('nacks the message when it was to go into the value', () => {
      const post = (max: number) =>
        passed(long(200), (fetch) =>
          postTo(url, select, { fetch, into: 'score', response: 'text', maxResponseBytes: max }),
        )
      expect(post(12)).toEqual({ id: 'o1', score: 'xxxxxxyyyyyy' })
      expect(post(11)).toBe(
        `a: POST to ${url} was answered with 200 "xxxxxxyyyyy", which is of more than 11 bytes; raise \`maxResponseBytes\`, or discard the response`,
      )
    })

    it('is read no further: the request is aborted, and the status counts', () => {
      const stopped: boolean[] = []
      const endless = new Observable<Uint8Array>((subscriber) => {
        while (!subscriber.closed) subscriber.next(Buffer.from('12'))
        stopped.push(true)
      })
      const statuses = [200, 400]
      const { fetch, asked } = askedHttp((call) => of({ ...answer(statuses[call - 1] as number), body: endless }))
      marbles(({ scheduler, expectObservable }) => {
        const { messages, nacks } = marbleMessages(scheduler, 'ab|', { a: order, b: order })
        const result = messages.pipe(postTo(url, select, { fetch, maxResponseBytes: 3 }), ack())
        expectObservable(result).toBe('a-|', { a: order })
        expectObservable(nacks).toBe('-n', { n: `b: POST to ${url} was answered with 400 "121"` })
      })()
      expect(asked.map(({ signal }) => signal.aborted)).toEqual([true, true])
      expect(stopped).toEqual([true, true])
    })
  })

  it('that is read whole leaves its request alone', () => {
    const { fetch, asked } = askedHttp(() => of({ ...answer(204), body: null }))
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, '(a|)', { a: order })
      expectObservable(messages.pipe(postTo(url, select, { fetch }), ack())).toBe('(a|)', { a: order })
    })()
    expect(asked[0]?.signal.aborted).toBe(false)
  })

  it('whose body never ends is aborted after `timeout`, and asked for again', () => {
    const { fetch, asked } = askedHttp((call) => of(call === 1 ? { ...answer(200), body: NEVER } : answer(200)))
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, '(a|)', { a: order })
      const result = messages.pipe(postTo(url, select, { fetch, timeout: 5, retry: { delay: 0 } }), ack())
      expectObservable(result).toBe('-----(a|)', { a: order })
    })()
    expect(asked.map(({ signal }) => signal.aborted)).toEqual([true, false])
  })
})
