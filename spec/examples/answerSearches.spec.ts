import type { EsLike, EsReply } from 'rxjs-kafka-toolkit/operators'
import { describe, expect, it } from 'vitest'
import { answerSearches } from '../../examples/answerSearches.ts'
import { marbles, type TestHelpers } from '../support/marbles.ts'
import { exampleKafka } from './exampleKafka.ts'

const topics = ['search_queries', 'top_results_topic']
const queries = { a: { query_string: 'calm castle' }, b: { query_string: 'zeppelin' } }
const hit = { _index: 'search_index', _id: 'calm-castle', _score: 2, _source: { text: 'the calm castle' } }
const answers = { a: { ...queries.a, top_result: hit }, b: { ...queries.b, top_result: null } }

/** An Elasticsearch that answers after two frames. */
function fakeEs({ cold }: TestHelpers, reply: (text: string) => EsReply): EsLike & { searches: object[] } {
  const searches: object[] = []
  return {
    searches,
    msearch: (params) => {
      searches.push(...params.searches)
      const bodies = params.searches.filter((line) => 'query' in line) as { query: { match: { text: string } } }[]
      return cold('--(r|)', { r: { responses: bodies.map(({ query }) => reply(query.match.text)) } })
    },
  }
}

const find = (text: string): EsReply => ({ status: 200, hits: { hits: text === 'calm castle' ? [hit] : [] } })

describe('answerSearches', () => {
  it(
    'writes the top hit under its id, or null without a key, and commits once that is written',
    marbles((helpers) => {
      const { kafka, commits, write, read } = exampleKafka(helpers, topics)
      const es = fakeEs(helpers, find)
      write('search_queries', ' -a 299ms b', queries)
      const expected = '        ---a 299ms b'
      const committed = '       ---1 299ms 2'
      helpers.expectObservable(answerSearches(kafka, es), '^ 500ms !').toBe(expected, answers)
      helpers.expectObservable(commits).toBe(committed, [0, 1, 2])
      helpers.flush()
      expect(es.searches[0]).toMatchObject({ index: 'search_index' })
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
      const error = { type: 'index_not_found_exception', reason: 'no such index [search_index]' }
      write('search_queries', ' -a', queries)
      let failure: unknown
      answerSearches(
        kafka,
        fakeEs(helpers, () => ({ status: 404, error })),
      ).subscribe({ error: (e) => (failure = e) })
      helpers.flush()
      expect(String(failure)).toContain('no such index [search_index]; create the index')
      expect(read('top_results_topic')).toEqual([])
    }),
  )
})
