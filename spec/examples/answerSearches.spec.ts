import { fakeEs } from 'rxjs-kafka-toolkit/testing'
import { describe, expect, it } from 'vitest'
import { answerSearches } from '../../examples/answerSearches.ts'
import { marbles } from '../support/marbles.ts'
import { exampleKafka } from './exampleKafka.ts'

const topics = ['search_queries', 'top_results_topic']
const queries = { a: { query_string: 'calm castle' }, b: { query_string: 'zeppelin' } }
const hit = {
  _index: 'search_index',
  _id: 'calm-castle',
  _score: expect.any(Number),
  _source: { text: 'the calm castle' },
}
const answers = { a: { ...queries.a, top_result: hit }, b: { ...queries.b, top_result: null } }

describe('answerSearches', () => {
  it(
    'writes the top hit under its id, or null without a key, and commits once that is written',
    marbles((helpers) => {
      const { kafka, commits, write, read } = exampleKafka(helpers, topics)
      const es = fakeEs(helpers.scheduler).takes(2)
      es.put('search_index', { 'calm-castle': { text: 'the calm castle' }, 'old-barn': { text: 'the old barn' } })
      write('search_queries', ' -a 299ms b', queries)
      const expected = '        ---a 299ms b'
      const committed = '       ---1 299ms 2'
      helpers.expectObservable(answerSearches(kafka, es), '^ 500ms !').toBe(expected, answers)
      helpers.expectObservable(commits).toBe(committed, [0, 1, 2])
      helpers.flush()
      expect(read('top_results_topic')).toEqual([
        { key: 'calm-castle', value: answers.a },
        { key: null, value: answers.b },
      ])
    }),
  )

  it(
    'stops at an index that does not exist, and says so',
    marbles((helpers) => {
      const { kafka, write, read } = exampleKafka(helpers, topics)
      write('search_queries', ' -a', queries)
      let failure: unknown
      answerSearches(kafka, fakeEs(helpers.scheduler)).subscribe({ error: (error) => (failure = error) })
      helpers.flush()
      expect(String(failure)).toContain('no such index [search_index]; create the index')
      expect(read('top_results_topic')).toEqual([])
    }),
  )
})
