import { map } from 'rxjs'
import { kafkaTest } from 'rxjs-kafka-toolkit/testing'
import { describe, expect, it } from 'vitest'
import { answerSearches } from '../../examples/answerSearches.ts'
import { written } from './written.ts'

const articles = {
  castle: { text: 'the calm castle' },
  barn: { text: 'the old barn' },
  pond: { text: 'a pond' },
}
const values = { a: { query_string: 'calm castle' }, b: { query_string: 'zeppelin' }, c: { query_string: 'old barn' } }
const texts = { a: 'calm castle', b: 'zeppelin', c: 'old barn' }
const hit = (_id: keyof typeof articles) => ({ _index: 'search_index', _id, _score: 1, _source: articles[_id] })
const answers = {
  a: { ...values.a, top_result: hit('castle') },
  b: { ...values.b, top_result: null },
  c: { ...values.c, top_result: hit('barn') },
}
/** Elasticsearch's answers to `a`, `b` and `c`, with round scores. */
const found = { A: hit('castle'), B: null, C: hit('barn') }
const answered = (wait: string) => ({ [texts.a]: `${wait}(A|)`, [texts.b]: `${wait}(B|)`, [texts.c]: `${wait}(C|)` })

describe('answerSearches', () => {
  it(
    'writes the top hit under its id, or null without a key, and commits once that is written',
    kafkaTest(({ topic, kafka, es, expectCalls, expectOutput, expectCommits, flush }) => {
      topic('search_queries', '-a 299ms b', values)
      topic('top_results_topic', '0:')
      es.takes(2).put('search_index', articles)
      const ids = answerSearches(kafka, es).pipe(map(({ top_result }) => top_result?._id ?? null))
      expectOutput(ids).toBe('                      ---a 299ms b', { a: 'castle', b: null })
      expectCalls(es).toBe('                        -a 299ms b', texts)
      expectCommits('            search_queries[0]: ---1 299ms 2')
      flush()
      expect(written(kafka, 'top_results_topic')).toEqual([
        { key: 'castle', value: { ...values.a, top_result: { ...hit('castle'), _score: expect.any(Number) } } },
        { key: null, value: answers.b },
      ])
      expect(es.log.map(({ item }) => item)).toMatchObject([
        { header: { index: 'search_index' }, body: { query: { match: { text: 'calm castle' } } } },
        { header: { index: 'search_index' }, body: { query: { match: { text: 'zeppelin' } } } },
      ])
    }),
  )

  it(
    'stops at an index that does not exist, says so, and commits nothing of the search',
    kafkaTest(({ topic, kafka, es, expectOutput, expectSent, expectCommits }) => {
      topic('search_queries', '0: -a', values)
      topic('top_results_topic', '0:')
      const text = 'no such index [search_index]; create the index'
      expectOutput(answerSearches(kafka, es)).toBe('-#', {}, text)
      expectSent('top_results_topic').toBe('')
      expectCommits('            search_queries[0]: -0')
    }),
  )

  it(
    'waits while Elasticsearch is busy: nothing is lost, and nothing behind the search commits',
    kafkaTest(({ topic, kafka, es, expectOutput, expectCalls, expectCommits }) => {
      topic('search_queries', '0: ab', values)
      topic('top_results_topic', '0:')
      es.replies({ ...answered('-'), [texts.a]: ['-#', '-(A|)'] }, found)
      // The jitter of the first wait is 126 ms here, each time.
      expectOutput(answerSearches(kafka, es)).toBe('--b 125ms a', answers)
      expectCalls(es).toBe('                        ab 125ms a', texts)
      expectCommits('            search_queries[0]: --- 125ms 2')
    }),
  )

  it(
    'answers a search again, under the same key, when a crash comes before its commit',
    kafkaTest(({ topic, kafka, es, expectOutput, expectSent, expectRedeliveries, expectCommits, flush }) => {
      topic(
        'search_queries',
        `
          0:   a-c
          ctl: ---- 20ms X
        `,
        values,
      )
      topic('top_results_topic', '0:')
      es.replies(answered('-'), found)
      expectOutput(answerSearches(kafka, es)).toBe('-a-c 21ms c', answers)
      expectSent('top_results_topic').toBe('        -a-c 21ms c', answers)
      expectRedeliveries('       search_queries[0]: ---- 20ms c')
      expectCommits('            search_queries[0]: -1-- 21ms 2')
      flush()
      expect(written(kafka, 'top_results_topic').map(({ key }) => key)).toEqual(['castle', 'barn', 'barn'])
    }),
  )

  it(
    'searches again what a crash has cut off, and answers it once',
    kafkaTest(({ topic, kafka, es, expectOutput, expectCalls, expectSent, expectCommits }) => {
      topic(
        'search_queries',
        `
          0:   a
          ctl: -X
        `,
        values,
      )
      topic('top_results_topic', '0:')
      es.replies(answered('--'), found)
      expectOutput(answerSearches(kafka, es)).toBe('---a', answers)
      expectCalls(es).toBe('                        aa', texts)
      expectSent('top_results_topic').toBe('        ---a', answers)
      expectCommits('            search_queries[0]: ---1')
    }),
  )

  it(
    'finishes and commits what is under way before its partitions go to another, and goes on when they are back',
    kafkaTest(({ topic, kafka, es, expectOutput, expectSent, expectCommits }) => {
      topic(
        'search_queries',
        `
          0:   a--c
          1:   -b
          ctl: --R 10ms A
        `,
        values,
      )
      topic('top_results_topic', '0:')
      es.replies(answered('----'), found)
      expectOutput(answerSearches(kafka, es)).toBe('----ab 11ms c', answers)
      expectSent('top_results_topic').toBe('        ----ab 11ms c', answers)
      expectCommits(`
        search_queries[0]: -----1 199ms 2
        search_queries[1]: -----1
      `)
    }),
  )

  it(
    'finishes and commits what is under way at SIGTERM, and searches nothing more',
    kafkaTest(({ topic, kafka, es, expectOutput, expectCalls, expectSent, expectCommits }) => {
      topic(
        'search_queries',
        `
          0:   ab-c
          ctl: --S
        `,
        values,
      )
      topic('top_results_topic', '0:')
      es.replies(answered('----'), found)
      expectOutput(answerSearches(kafka, es)).toBe('----a(b|)', answers)
      expectCalls(es).toBe('                        ab', texts)
      expectSent('top_results_topic').toBe('        ----ab', answers)
      expectCommits('            search_queries[0]: -----2')
    }),
  )
})
