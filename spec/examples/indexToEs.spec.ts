import type { Client } from '@elastic/elasticsearch'
import { map, NEVER, type ObservableInput, of, throwError } from 'rxjs'
import { ack } from 'rxjs-kafka-toolkit'
import { marbleMessages } from 'rxjs-kafka-toolkit/testing'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { type BulkLike, type BulkReply, indexToEs } from '../../examples/indexToEs.ts'
import { errorClassOf } from '../../lib/errors.ts'
import { type Item, operatorSuite } from '../operators/operator.suite.ts'
import { marbles } from '../support/marbles.ts'
import { scriptedServer } from '../support/scriptedServer.ts'

const values = { a: { n: 1 }, b: { n: 2 }, c: { n: 3 } }
const steady = { retry: { jitter: 'none', delay: 4 } } as const

/** What becomes of documents, by their status. */
const reply = (...statuses: number[]): BulkReply => ({
  items: statuses.map((status) => ({ index: status < 300 ? { status } : { status, error: { type: 'why' } } })),
})

/** An Elasticsearch that replies by `next`, and keeps the ids that it was given. */
function fakeEs(next: (call: number) => ObservableInput<BulkReply>) {
  const ids: unknown[] = []
  const signals: AbortSignal[] = []
  const es: BulkLike = {
    bulk: ({ operations }, { signal }) => {
      signals.push(signal)
      const heads = operations.filter((_, i) => i % 2 === 0) as { index: { _id: string } }[]
      return next(ids.push(heads.map(({ index }) => index._id)))
    },
  }
  return { es, ids, signals }
}

const failed = (error: object) => throwError(() => Object.assign(new Error('it failed'), error))

describe('indexToEs', () => {
  it('writes several documents in one request, each under the id of its message', () => {
    let answer: ObservableInput<BulkReply> = NEVER
    const operations: object[][] = []
    const es: BulkLike = {
      bulk: (params) => {
        operations.push(params.operations)
        return answer
      },
    }
    marbles(({ scheduler, cold, expectObservable }) => {
      answer = cold('          --(r|)', { r: reply(201, 200) })
      const source = '         (ab|)'
      const expected = '       --(ab|)'
      const { messages, acks } = marbleMessages(scheduler, source, values)
      expectObservable(messages.pipe(indexToEs(es, 'orders'), ack())).toBe(expected, values)
      expectObservable(acks).toBe('--(ab)')
    })()
    expect(operations).toEqual([
      [
        { index: { _index: 'orders', _id: 'topic-0-0' } },
        { n: 1 },
        { index: { _index: 'orders', _id: 'topic-0-1' } },
        { n: 2 },
      ],
    ])
  })

  it('nacks a document that is refused, and passes the others of its request on', () => {
    const { es } = fakeEs(() => of(reply(201, 400, 201)))
    marbles(({ scheduler, expectObservable }) => {
      const { messages, nacks } = marbleMessages(scheduler, '(abc|)', values)
      expectObservable(messages.pipe(indexToEs(es, 'orders'), ack())).toBe('(ac|)', values)
      expectObservable(nacks).toBe('n', { n: 'b: Elasticsearch refused the document with 400: {"type":"why"}' })
    })()
  })

  it.each([429, 500, 503])('writes a document again that failed with %i, alone', (status) => {
    const { es, ids } = fakeEs((call) => of(call === 1 ? reply(201, status) : reply(201)))
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, '(ab|)', values)
      expectObservable(messages.pipe(indexToEs(es, 'orders', steady), ack())).toBe('a---(b|)', values)
    })()
    expect(ids).toEqual([['topic-0-0', 'topic-0-1'], ['topic-0-1']])
  })

  it('writes a document again of which the answer says nothing', () => {
    const { es, ids } = fakeEs((call) => of(call === 1 ? reply(201) : reply(201)))
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, '(ab|)', values)
      expectObservable(messages.pipe(indexToEs(es, 'orders', steady), ack())).toBe('a---(b|)', values)
    })()
    expect(ids).toEqual([['topic-0-0', 'topic-0-1'], ['topic-0-1']])
  })

  it.each([{ name: 'ConnectionError' }, { name: 'TimeoutError' }, { name: 'ResponseError', statusCode: 503 }])(
    'asks again when the server is away: %j',
    (error) => {
      const { es, ids } = fakeEs((call) => (call === 1 ? failed(error) : of(reply(201, 201))))
      marbles(({ scheduler, expectObservable }) => {
        const { messages } = marbleMessages(scheduler, '(ab|)', values)
        expectObservable(messages.pipe(indexToEs(es, 'orders', steady), ack())).toBe('----(ab|)', values)
      })()
      expect(ids).toEqual(Array(2).fill(['topic-0-0', 'topic-0-1']))
    },
  )

  it('asks again, and aborts, when there is no answer within `timeout`', () => {
    const { es, signals } = fakeEs((call) => (call === 1 ? NEVER : of(reply(201))))
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, '(a|)', values)
      const result = messages.pipe(indexToEs(es, 'orders', { ...steady, timeout: 5 }), ack())
      expectObservable(result).toBe('9ms (a|)', values)
    })()
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false])
  })

  it('tries one by one what is too much for one request, so that only a bad document fails', () => {
    const statusOf = (call: number) => (call === 1 ? failed({ statusCode: 413 }) : of(reply(call === 2 ? 201 : 400)))
    const { es, ids } = fakeEs(statusOf)
    marbles(({ scheduler, expectObservable }) => {
      const { messages, nacks } = marbleMessages(scheduler, '(ab|)', values)
      expectObservable(messages.pipe(indexToEs(es, 'orders'), ack())).toBe('(a|)', values)
      expectObservable(nacks).toBe('n', {
        n: expect.stringContaining('b: Elasticsearch refused the document with 400'),
      })
    })()
    expect(ids).toEqual([['topic-0-0', 'topic-0-1'], ['topic-0-0'], ['topic-0-1']])
  })

  it.each([401, 403, 404])('ends the stream with %i, of the answer or of a document', (statusCode) => {
    const answers = [failed({ statusCode }), of(reply(statusCode))]
    for (const answer of answers) {
      const { es } = fakeEs(() => answer)
      marbles(({ scheduler, expectObservable }) => {
        const { messages } = marbleMessages(scheduler, '(a|)', values)
        const fatal = expect.objectContaining({ name: 'FatalError' })
        expectObservable(messages.pipe(indexToEs(es, 'orders'), ack())).toBe('#', undefined, fatal)
      })()
    }
  })

  it('completes with an empty source, errors with a failing one, and abandons what is under way when unsubscribed', () => {
    const { es, signals } = fakeEs(() => NEVER)
    marbles(({ scheduler, expectObservable }) => {
      const pipe = (source: string) => marbleMessages(scheduler, source, values)
      expectObservable(pipe('--|').messages.pipe(indexToEs(es, 'orders'), ack())).toBe('--|')
      expectObservable(pipe('--#').messages.pipe(indexToEs(es, 'orders'), ack())).toBe('--#')
      const { messages, acks, abandoned } = pipe('a-------')
      expectObservable(messages.pipe(indexToEs(es, 'orders'), ack()), '-------!').toBe('-')
      expectObservable(acks).toBe('')
      expectObservable(abandoned).toBe('-------a')
    })()
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
  })

  it('takes a client, and leaves the type of the value alone', () => {
    expectTypeOf<Client>().toExtend<BulkLike>()
    marbles(({ scheduler }) => {
      const { messages } = marbleMessages(scheduler, '-', values)
      const result = messages.pipe(indexToEs({ bulk: () => NEVER }, 'orders'), ack())
      expectTypeOf(result).toEqualTypeOf(messages.pipe(ack()))
    })()
  })
})

const statusOf = { transient: 503, permanent: 400, fatal: 403 }

operatorSuite('indexToEs', {
  server: scriptedServer,
  operator: (kit, _idOf, options) => {
    const es: BulkLike = {
      bulk: ({ operations }) => {
        const documents = operations.filter((_, i) => i % 2 === 1) as Item[]
        const replies = scriptedServer(kit).ask(documents.map(({ id }) => id))
        return replies.pipe(
          map((errors) => reply(...errors.map((error) => (error ? statusOf[errorClassOf(error)] : 201)))),
        )
      },
    }
    return indexToEs(es, 'orders', options)
  },
  isBatched: true,
  hasSelector: false,
})
