import type { Client } from '@elastic/elasticsearch'
import { EMPTY, map, NEVER, type Observable, type ObservableInput, of, Subject, takeUntil, throwError } from 'rxjs'
import { ack, type Message } from 'rxjs-kafka-toolkit'
import { kafkaTest } from 'rxjs-kafka-toolkit/testing'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { type BulkLike, type BulkReply, indexToEs } from '../../examples/indexToEs.ts'
import { errorClassOf } from '../../lib/errors.ts'
import { type Item, operatorSuite } from '../operators/operator.suite.ts'
import { scriptedServer } from '../support/scriptedServer.ts'

const values = { a: { name: 'a' }, b: { name: 'b' }, c: { name: 'c' } }
const steady = { retry: { jitter: 'none', delay: 4 } } as const

/** What becomes of documents, by their status. */
const reply = (...statuses: number[]): BulkReply => ({
  items: statuses.map((status) => ({ index: status < 300 ? { status } : { status, error: { type: 'why' } } })),
})

/** An Elasticsearch that gives these answers in turn, and tells of each document that it is asked to write. */
function fakeBulk(...answers: ObservableInput<BulkReply>[]) {
  const calls = new Subject<{ name: string }>()
  const requests: object[][] = []
  const signals: AbortSignal[] = []
  const bulk: BulkLike['bulk'] = ({ operations }, { signal }) => {
    requests.push(operations)
    signals.push(signal)
    for (const document of operations.filter((_, i) => i % 2 === 1)) calls.next(document as { name: string })
    return answers[requests.length - 1] ?? NEVER
  }
  return { bulk, calls, requests, signals }
}

const failed = (error: object) => throwError(() => Object.assign(new Error('it failed'), error))

describe('indexToEs', () => {
  it(
    'writes several documents in one request, each under the id of its message',
    kafkaTest(({ topic, cold, expectOutput, expectAcks, flush }) => {
      const es = fakeBulk(cold('--(r|)', { r: reply(201, 200) }))
      expectOutput(topic('0: (ab)', values).pipe(indexToEs(es, 'orders'), ack())).toBe('--(ab)')
      expectAcks('0: --(ab)')
      flush()
      expect(es.requests).toEqual([
        [
          { index: { _index: 'orders', _id: 'topic-0-0' } },
          { name: 'a' },
          { index: { _index: 'orders', _id: 'topic-0-1' } },
          { name: 'b' },
        ],
      ])
    }),
  )

  it(
    'writes a document again under the same id whose answer a crash loses',
    kafkaTest(({ topic, cold, expectOutput, expectRedeliveries, expectCommits, flush }) => {
      const es = fakeBulk(NEVER, cold('--(r|)', { r: reply(200) }))
      const messages = topic(
        `
          0:   a
          ctl: -X
        `,
        values,
      )
      expectOutput(messages.pipe(indexToEs(es, 'orders'), ack())).toBe('---a')
      expectRedeliveries('                                            0: -a')
      expectCommits('                                                 0: ---1')
      flush()
      const write = [{ index: { _index: 'orders', _id: 'topic-0-0' } }, { name: 'a' }]
      expect(es.requests).toEqual([write, write])
    }),
  )

  it(
    'nacks a document that is refused, and passes the others of its request on',
    kafkaTest(({ topic, cold, expectOutput, expectCalls, expectAcks, expectNacks }) => {
      const es = fakeBulk(cold('--(r|)', { r: reply(201, 400, 201) }))
      const messages = topic('0: (abc)', values, { onNack: 'skip' })
      expectOutput(messages.pipe(indexToEs(es, 'orders'), ack())).toBe('--(ac)')
      expectCalls(es).toBe('(abc)')
      expectAcks(' 0: --(ac)')
      expectNacks('0: --b', { b: 'Elasticsearch refused the document with 400: {"type":"why"}' })
    }),
  )

  it.each([429, 500, 503])('writes a document again that failed with %i, alone', (status) => {
    kafkaTest(({ topic, cold, expectOutput, expectCalls }) => {
      const es = fakeBulk(cold('--(r|)', { r: reply(201, status) }), cold('--(r|)', { r: reply(201) }))
      expectOutput(topic('0: (ab)', values).pipe(indexToEs(es, 'orders', steady), ack())).toBe('--a-----b')
      expectCalls(es).toBe('(ab)--b')
    })()
  })

  it(
    'writes a document again of which the answer says nothing',
    kafkaTest(({ topic, cold, expectOutput, expectCalls }) => {
      const es = fakeBulk(cold('--(r|)', { r: reply(201) }), cold('--(r|)', { r: reply(201) }))
      expectOutput(topic('0: (ab)', values).pipe(indexToEs(es, 'orders', steady), ack())).toBe('--a-----b')
      expectCalls(es).toBe('(ab)--b')
    }),
  )

  it.each([{ name: 'ConnectionError' }, { name: 'TimeoutError' }, { name: 'ResponseError', statusCode: 503 }])(
    'asks again when the server is away: %j',
    (error) => {
      kafkaTest(({ topic, expectOutput, expectCalls }) => {
        const es = fakeBulk(failed(error), of(reply(201, 201)))
        expectOutput(topic('0: (ab)', values).pipe(indexToEs(es, 'orders', steady), ack())).toBe('----(ab)')
        expectCalls(es).toBe('(ab)(ab)')
      })()
    },
  )

  it(
    'asks again, and aborts, when there is no answer within `timeout`',
    kafkaTest(({ topic, expectOutput, expectCalls, flush }) => {
      const es = fakeBulk(NEVER, of(reply(201)))
      const result = topic('0: a', values).pipe(indexToEs(es, 'orders', { ...steady, timeout: 5 }), ack())
      expectOutput(result).toBe(' 9ms a')
      expectCalls(es).toBe('    a 8ms a')
      flush()
      expect(es.signals.map(({ aborted }) => aborted)).toEqual([true, false])
    }),
  )

  it(
    'tries one by one what is too much for one request, so that only a bad document fails',
    kafkaTest(({ topic, expectOutput, expectCalls, expectNacks, flush }) => {
      const es = fakeBulk(failed({ statusCode: 413 }), of(reply(201)), of(reply(400)))
      expectOutput(topic('0: (ab)', values, { onNack: 'skip' }).pipe(indexToEs(es, 'orders'), ack())).toBe('a')
      expectNacks('0: b', { b: 'Elasticsearch refused the document with 400' })
      expectCalls(es).toBe('(abab)')
      flush()
      expect(es.requests.map(({ length }) => length / 2)).toEqual([2, 1, 1])
    }),
  )

  it.each([401, 403, 404])(
    'ends the stream with %i, of the answer or of a document, though nacks are skipped',
    (statusCode) => {
      for (const answer of [failed({ statusCode }), of(reply(statusCode))]) {
        kafkaTest(({ topic, expectOutput, expectAcks }) => {
          const messages = topic('0: a', values, { onNack: 'skip' })
          expectOutput(messages.pipe(indexToEs(fakeBulk(answer), 'orders'), ack())).toBe('#')
          expectAcks('')
        })()
      }
    },
  )

  it(
    'aborts its requests when it is unsubscribed',
    kafkaTest(({ topic, cold, expectOutput, expectNacks, flush }) => {
      const es = fakeBulk(NEVER)
      const result = topic('0: a', values).pipe(indexToEs(es, 'orders'), ack(), takeUntil(cold('--x')))
      expectOutput(result).toBe('--|')
      expectNacks('0: --a', { a: 'abandoned' })
      flush()
      expect(es.signals.map(({ aborted }) => aborted)).toEqual([true])
    }),
  )

  it('takes a client, and leaves the type of the value alone', () => {
    expectTypeOf<Client>().toExtend<BulkLike>()
    const messages: Observable<Message<{ name: string }>> = EMPTY
    expectTypeOf(messages.pipe(indexToEs(fakeBulk(), 'orders'))).toEqualTypeOf(messages)
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
