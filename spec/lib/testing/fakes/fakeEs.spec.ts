import { describe, expect, it } from 'vitest'
import { ack } from '../../../../lib/ack.ts'
import { fakeEs, marbleMessages } from '../../../../lib/testing/index.ts'
import { type EsSearch, searchEs } from '../../../../operators/index.ts'
import { esSuite } from '../../../operators/es.suite.ts'
import { marbles } from '../../../support/marbles.ts'

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
const search = (text: string): EsSearch => ({ index: 'pages', query: { match: { text } } })
const idOf = { into: (_text: string, hit: { _id: string } | null) => hit?._id ?? null, batch: { max: 1 } }

describe('the fake Elasticsearch in virtual time', () => {
  it(
    'replies with its own hits, and with what is drawn',
    marbles(({ scheduler, expectObservable, flush }) => {
      const source = '  (abc)-----|'
      const expected = '----h(on)-|'
      const es = fakeEs(scheduler).takes(5)
      es.put('pages', { p1: { text: 'the red fox' }, p2: { text: 'a dog' } })
      es.replies({ 'red fox': '----(h|)' }, { h: { _id: 'drawn', _source: {} } })
      const { messages } = marbleMessages(scheduler, source, values, { key: String })
      const result = messages.pipe(searchEs(es, search, { ...idOf, concurrency: 3 }), ack())
      expectObservable(result).toBe(expected, { h: 'drawn', o: 'p2', n: null })
      flush()
      expect(es.log.map(({ name, at, request }) => [name, at, request])).toEqual([
        ['red fox', 0, 1],
        ['dog', 0, 2],
        ['cat', 0, 3],
      ])
    }),
  )

  it(
    'fails one search of a request as drawn, and the others are found',
    marbles(({ scheduler, expectObservable }) => {
      const es = fakeEs(scheduler)
      es.put('pages', { p1: { text: 'the red fox' }, p2: { text: 'a dog' } })
      const busy = { status: 429, error: { type: 'es_rejected_execution_exception', reason: 'busy' } }
      es.replies({ dog: ['(b|)', '(m|)'] }, { b: busy, m: null })
      const { messages } = marbleMessages(scheduler, '(ab)----------|', values, { key: String })
      const retry = { delay: 3, jitter: 'none' } as const
      const result = messages.pipe(searchEs(es, search, { ...idOf, retry, batch: { max: 2 } }), ack())
      expectObservable(result).toBe('f--n----------|', { f: 'p1', n: null })
    }),
  )

  it(
    'has searchEs wait as a drawn 429 says',
    marbles(({ scheduler, expectObservable }) => {
      const es = fakeEs(scheduler)
      es.put('pages', { p1: { text: 'the red fox' } })
      es.replies('-#', { '#': es.refusal(429, { retryAfter: 2 }) })
      const { messages } = marbleMessages(scheduler, 'a|', values)
      const retry = { delay: 3, jitter: 'none' } as const
      const result = messages.pipe(searchEs(es, search, { ...idOf, retry }), ack())
      expectObservable(result).toBe('- 2s (x|)', { x: 'p1' })
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
