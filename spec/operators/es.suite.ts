import { firstValueFrom, from } from 'rxjs'
import { beforeEach, describe, expect, it } from 'vitest'
import { type EsLike, type EsSearch, searchEs } from '../../operators/index.ts'
import { throughOperator } from '../services/support/throughOperator.ts'

/** An Elasticsearch that a suite may ask. */
export interface EsHarness {
  readonly es: EsLike
  /** The name of an index that no other spec uses. */
  index(name: string): string
  /** Makes an index of documents, in order, that can be found at once. */
  put(index: string, documents: Readonly<Record<string, object>>): Promise<void>
  /** One that gives no answer. */
  lost(): EsLike
}

const texts = {
  d0: 'red fox',
  d1: 'red red dog',
  d2: 'Blue FOX, the fox!',
  d3: 'blue',
  d4: "don't 3.14 foo_bar a-b e.g. x@y.z",
  d5: 'emoji 🚀 é漢字 Größe',
  d6: 'same',
  d7: 'same',
  d8: `fox ${'long '.repeat(70)}`,
}

/** What an Elasticsearch does behind a client: the fake one, and a real one. */
export function esSuite(name: string, setup: () => EsHarness): void {
  describe(name, () => {
    let on: EsHarness
    let index: string
    let isFilled = false
    beforeEach(async () => {
      on ??= setup()
      index = on.index('pages')
      if (isFilled) return
      const documents = Object.entries(texts).map(([id, text], n) => [id, { text, n, group: n < 4 ? 'Low' : 'High' }])
      await on.put(index, Object.fromEntries(documents))
      isFilled = true
    })

    const options = () => ({ signal: new AbortController().signal, requestTimeout: 10_000, maxRetries: 0 })
    const ask = async (...searches: object[]) => {
      const lines = searches.flatMap(({ header, ...body }: { header?: object }) => [{ index, ...header }, body])
      const { responses } = await firstValueFrom(from(on.es.msearch({ searches: lines }, options())))
      return responses
    }
    const hitsOf = (reply: unknown) => (reply as { hits: { hits: Hit[] } }).hits.hits
    /** The ids that a query finds and their scores, the best first. */
    const found = async (query: object, more: object = {}) => {
      const [reply] = await ask({ query, ...more })
      return hitsOf(reply).map(({ _id, _score }) => [_id, _score === null ? null : Number(_score.toPrecision(5))])
    }
    const ids = async (query: object, more: object = {}) => (await found(query, more)).map(([id]) => id)
    const match = (text: unknown) => ({ match: { text } })

    it('scores by BM25: rare words, more of them, in short texts', async () => {
      expect(await found(match('red'))).toEqual([
        ['d1', 2.3916],
        ['d0', 2.079],
      ])
      expect(await found(match('fox'))).toEqual([
        ['d2', 1.7537],
        ['d0', 1.5744],
        ['d8', 0.33097],
      ])
    })

    it.each([
      ["don't", ['d4']],
      ["DON'T", ['d4']],
      ['3.14', ['d4']],
      ['foo_bar', ['d4']],
      ['bar', []],
      ['b', ['d4']],
      ['e.g', ['d4']],
      ['y.z', ['d4']],
      ['x@y.z', ['d4']],
      ['🚀', ['d5']],
      ['漢', ['d5']],
      ['grÖße', ['d5']],
      ['groesse', []],
      ['', []],
      [' ,;!', []],
      ['nowhere blue', ['d3', 'd2']],
    ])('finds the words of %j', async (text, expected) => {
      expect(await ids(match(text))).toEqual(expected)
    })

    it('finds the documents that have one of the words, or all', async () => {
      expect(await ids(match('red fox'))).toEqual(['d0', 'd1', 'd2', 'd8'])
      expect(await ids(match({ query: 'red fox', operator: 'and' }))).toEqual(['d0'])
    })

    it('takes the one first written of equal scores', async () => {
      expect(await ids(match('same'), { sort: [{ _score: 'desc' }, { _seq_no: 'asc' }] })).toEqual(['d6', 'd7'])
    })

    it('sorts by the score alone, and scores', async () => {
      expect(await found(match('red'), { sort: ['_score'] })).toEqual([
        ['d1', 2.3916],
        ['d0', 2.079],
      ])
      expect((await found(match('red'), { sort: [{ n: 'asc' }, '_score'] }))[0]).toEqual(['d0', 2.079])
    })

    it.each<[object, Record<string, number>]>([
      [{ match_all: {} }, { d0: 1, d1: 1 }],
      [{ ids: { values: ['d8', 'd3', 'none'] } }, { d3: 1, d8: 1 }],
      [{ term: { 'text.keyword': 'blue' } }, { d3: 1.7918 }],
      [{ term: { 'text.keyword': { value: 'same' } } }, { d6: 1.2809, d7: 1.2809 }],
      [{ term: { text: 'blue' } }, { d3: 2.2044, d2: 1.8665 }],
      [{ term: { text: 'Blue' } }, {}],
      [{ term: { n: 3 } }, { d3: 1 }],
      [{ match: { n: '3' } }, { d3: 1 }],
      [{ match: { nofield: 'blue' } }, {}],
      [{ multi_match: { query: 'blue', fields: ['text^2', 'group'] } }, { d3: 4.4089, d2: 3.7329 }],
      [{ multi_match: { query: 'low same', fields: ['text', 'group'] } }, { d6: 2.2044, d7: 2.2044 }],
      [{ bool: { must: [match('red')], filter: { term: { n: 1 } } } }, { d1: 2.3916 }],
      [{ bool: { should: [match('red'), match('blue')], must_not: [match('dog')] } }, { d3: 2.2044, d0: 2.079 }],
      [{ bool: { must: match('fox'), should: [match('red')] } }, { d0: 3.6533, d2: 1.7537 }],
      [{ bool: { filter: [{ term: { 'group.keyword': 'Low' } }] } }, { d0: 0, d1: 0 }],
      [{ bool: {} }, { d0: 1, d1: 1 }],
    ])('finds by %j', async (query, expected) => {
      const more = { size: 2, sort: [{ _score: 'desc' }, { _seq_no: 'asc' }] }
      expect(await found(query, more)).toEqual(Object.entries(expected))
    })

    it('leaves out what scores less than `min_score`', async () => {
      expect(await ids(match('red'), { min_score: 2.2 })).toEqual(['d1'])
    })

    it('sorts by other fields, without a score', async () => {
      expect(await found(match('red'), { sort: [{ n: 'asc' }] })).toEqual([
        ['d0', null],
        ['d1', null],
      ])
      const sort = [{ 'group.keyword': { order: 'desc' } }, { n: 'desc' }]
      expect(await ids({ ids: { values: ['d0', 'd3', 'd4', 'd5'] } }, { sort })).toEqual(['d3', 'd0', 'd5', 'd4'])
    })

    it('replies to each search in order, with as much as it asks for', async () => {
      const [first, second, third] = await ask(
        { query: match('red'), size: 1, track_total_hits: false },
        { query: match('nowhere') },
        { query: match('blue'), _source: ['n'] },
      )
      expect(hitsOf(first)).toEqual([
        { _index: index, _id: 'd1', _score: expect.any(Number), _source: { text: 'red red dog', n: 1, group: 'Low' } },
      ])
      expect(first).toMatchObject({ status: 200, timed_out: false, _shards: { total: 1, successful: 1, failed: 0 } })
      expect(hitsOf(second)).toEqual([])
      expect(hitsOf(third).map(({ _source }) => _source)).toEqual([{ n: 3 }, { n: 2 }])
    })

    it('fails a search alone that names no index, or has no number where one belongs', async () => {
      const pattern = { header: { index: `${index}-none*`, allow_no_indices: false }, query: match('red') }
      const replies = await ask(
        { header: { index: `${index}-none` }, query: match('red') },
        { query: match('red') },
        pattern,
        { query: { match: { n: 'three' } } },
      )
      const errors = replies.map(
        (reply) => (reply as { error?: { type: string; root_cause: { type: string }[] } }).error,
      )
      expect(replies.map(({ status }) => status)).toEqual([404, 200, 404, 400])
      expect(errors.map((error) => error?.type)).toEqual([
        'index_not_found_exception',
        undefined,
        'index_not_found_exception',
        'search_phase_execution_exception',
      ])
      expect(errors[3]?.root_cause[0]?.type).toBe('query_shard_exception')
    })

    it('finds nothing where a pattern fits no index, if that is allowed', async () => {
      const [reply] = await ask({ header: { index: `${index}-none*` }, query: match('red') })
      expect(hitsOf(reply)).toEqual([])
    })

    it('searches all indices that are named', async () => {
      const other = on.index('other')
      await on.put(other, { o1: { text: 'zebra' } })
      const indices = [[index, other], `${index},${other}`, other, `${other.slice(0, -2)}*`]
      const replies = await ask(...indices.map((named) => ({ header: { index: named }, query: match('zebra') })))
      expect(replies.map((reply) => hitsOf(reply).map(({ _id }) => _id))).toEqual(Array(4).fill(['o1']))
    })

    it('refuses all searches of a request of which one can not be read', async () => {
      const asked = ask({ query: match('red') }, { query: { none: {} } })
      await expect(asked).rejects.toMatchObject({
        name: 'ResponseError',
        statusCode: 400,
        body: {
          status: 400,
          error: { type: 'parsing_exception', reason: expect.stringContaining('unknown query [none]') },
        },
      })
    })

    it('gets documents by id', async () => {
      const docs = [
        { _index: index, _id: 'd3' },
        { _index: index, _id: 'none' },
        { _index: `${index}-none`, _id: 'd3' },
        { _index: index, _id: 'd3', _source: ['n', 'gr*'] },
      ]
      const answer = await firstValueFrom(from(on.es.mget?.({ docs }, options()) ?? []))
      expect(answer.docs).toMatchObject([
        { _index: index, _id: 'd3', found: true, _version: 1, _source: { text: 'blue', n: 3, group: 'Low' } },
        { _index: index, _id: 'none', found: false },
        { _index: `${index}-none`, _id: 'd3', error: { type: 'index_not_found_exception' } },
        { _index: index, _id: 'd3', found: true, _source: { n: 3, group: 'Low' } },
      ])
      expect((answer.docs[3] as { _source?: object })._source).not.toHaveProperty('text')
    })

    it('fails an aborted request with a RequestAbortedError', async () => {
      const controller = new AbortController()
      const searches = [{ index }, { query: match('red') }]
      const answer = firstValueFrom(from(on.es.msearch({ searches }, { ...options(), signal: controller.signal })))
      controller.abort()
      await expect(answer).rejects.toMatchObject({ name: 'RequestAbortedError' })
    })

    describe('under searchEs', () => {
      const settle = (es: EsLike, searches: readonly EsSearch[]) =>
        throughOperator(
          searches,
          searchEs(es, (search) => search, { into: 'hit', retry: { attempts: 1 } }),
        )
      const search = (text: string): EsSearch => ({ index, query: match(text) })

      it('has messages acked, and nacked, by its replies', async () => {
        const wrong = { index, query: { match: { n: 'three' } } }
        const { values, acked, nacked } = await settle(on.es, [search('red'), wrong, search('nowhere')])
        expect([acked, [...nacked.keys()]]).toEqual([[0, 2], [1]])
        expect(values.map(({ hit }) => hit?._id)).toEqual(['d1', undefined])
        expect(String(nacked.get(1))).toMatch(/^PermanentError: Elasticsearch refused the search with 400: .*three/)
      })

      it('has one search nacked that can not be read, and no other', async () => {
        const { acked, nacked } = await settle(on.es, [search('red'), { index, query: { none: {} } }, search('blue')])
        expect([[...acked].sort(), [...nacked.keys()]]).toEqual([[0, 2], [1]])
      })

      it('ends the stream when there is no such index', async () => {
        const { error } = await settle(on.es, [{ ...search('red'), index: `${index}-none` }])
        expect(error).toMatchObject({ name: 'FatalError', message: expect.stringContaining('create the index') })
      })

      it('fails transiently when there is no answer', async () => {
        const { nacked } = await settle(on.lost(), [search('red')])
        const gaveUp = /^PermanentError: searchEs gave up after 1 tries: Got no answer from Elasticsearch: /
        expect(String(nacked.get(0))).toMatch(gaveUp)
      })
    })
  })
}

interface Hit {
  readonly _id: string
  readonly _score: number | null
  readonly _source: object
}
