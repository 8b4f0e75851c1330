import { describe, expect, it } from 'vitest'
import { ack } from '../../../../lib/ack.ts'
import { fakeEs, kafkaTest } from '../../../../lib/testing/index.ts'
import { type EsSearch, searchEs } from '../../../../operators/index.ts'
import { esSuite } from '../../../operators/es.suite.ts'

esSuite('the fake Elasticsearch', () => {
  const es = fakeEs()
  return {
    es,
    index: (name) => name,
    put: async (index, documents) => es.put(index, documents as Record<string, Record<string, unknown>>),
    lost: () => {
      const lost = fakeEs()
      return lost.replies({ '*': '#' }, { '#': lost.errors.lost })
    },
  }
})

const values = { a: 'red fox', b: 'dog', c: 'cat' }
const pages = { p1: { text: 'the red fox' }, p2: { text: 'a dog' } }
const search = (text: string): EsSearch => ({ index: 'pages', query: { match: { text } } })
const idOf = { into: (_text: string, hit: { _id: string } | null) => hit?._id ?? null, batch: { max: 1 } }
const retry = { delay: 5, jitter: 'none' } as const

describe('the fake Elasticsearch in virtual time', () => {
  it(
    'replies with its own hits, and with what is drawn',
    kafkaTest(({ topic, es, expectOutput, expectCalls, flush }) => {
      const messages = topic('0: (abc)', values, { key: String })
      es.takes(5).put('pages', pages)
      es.replies({ 'red fox': '----(h|)' }, { h: { _id: 'drawn', _source: {} } })
      const result = messages.pipe(searchEs(es, search, { ...idOf, concurrency: 3 }), ack())
      expectOutput(result).toBe('----h(on)', { h: 'drawn', o: 'p2', n: null })
      expectCalls(es).toBe('     (abc)', values)
      flush()
      expect(es.log.map(({ request }) => request)).toEqual([1, 2, 3])
    }),
  )

  it(
    'fails one search of a request as drawn, and the others are found',
    kafkaTest(({ topic, es, expectOutput, expectCalls }) => {
      const messages = topic('0: (ab)', values, { key: String })
      es.put('pages', pages)
      const busy = { status: 429, error: { type: 'es_rejected_execution_exception', reason: 'busy' } }
      es.replies({ dog: ['(x|)', '(m|)'] }, { x: busy, m: null })
      const result = messages.pipe(searchEs(es, search, { ...idOf, retry, batch: { max: 2 } }), ack())
      expectOutput(result).toBe('f----n', { f: 'p1', n: null })
      expectCalls(es).toBe('     (ab)-b', values)
    }),
  )

  it(
    'has searchEs wait as a drawn 429 says',
    kafkaTest(({ topic, es, expectOutput, expectCalls }) => {
      const messages = topic('0: a', values, { key: String })
      es.put('pages', pages)
      es.replies('-#', { '#': es.refusal(429, { retryAfter: 2 }) })
      expectOutput(messages.pipe(searchEs(es, search, { ...idOf, retry }), ack())).toBe('- 2s x', { x: 'p1' })
      expectCalls(es).toBe('a 2s a', values)
    }),
  )

  it('says which queries it has not', () => {
    const es = fakeEs()
    es.put('pages')
    const searches = [{ index: 'pages' }, { query: { fuzzy: { text: 'x' } } }]
    return expect(
      new Promise((resolve, reject) => es.msearch({ searches }).subscribe({ next: resolve, error: reject })),
    ).rejects.toThrow('unknown query [fuzzy], to the fake Elasticsearch at least')
  })
})
