import { Client } from '@elastic/elasticsearch'
import { EMPTY, NEVER, type Observable, of, throwError } from 'rxjs'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { ack } from '../../lib/ack.ts'
import type { Message } from '../../lib/message.ts'
import { marbleMessages } from '../../lib/testing/marbleMessages.ts'
import { mapValue } from '../../lib/values.ts'
import { matchText } from '../../operators/searchEs/matchText.ts'
import {
  type EsDoc,
  type EsGet,
  type EsHit,
  type EsLike,
  type EsReplies,
  type EsSearch,
  searchEs,
} from '../../operators/searchEs/searchEs.ts'
import { marbles } from '../support/marbles.ts'

interface Query {
  readonly user: string
  readonly text: string
}

interface Page {
  readonly title: string
}

const a: Query = { user: 'ann', text: 'first' }
const b: Query = { user: 'bob', text: 'second' }
const c: Query = { user: 'ann', text: 'third' }
const values = { a, b, c }
const byUser = { key: ({ user }: Query) => user }
const searchOf = ({ text }: Query): EsSearch => ({ index: 'pages', query: { match: { text } } })
const hitOf = (_id: string) => ({ _index: 'pages', _id, _score: 1, _source: { title: _id } })
const reply = (...ids: string[]) => ({ status: 200, hits: { hits: ids.map(hitOf) } })
const found = { x: { ...a, hit: hitOf('1') }, y: { ...b, hit: hitOf('2') }, z: { ...c, hit: hitOf('3') } }
const options = { into: 'hit' } as const
const one = { ...options, batch: { max: 1 } }
const steady = { jitter: 'none', delay: 4 } as const
const error = (type: string, reason = 'because') => ({ type, reason, root_cause: [{ type, reason }] })
const responseError = (statusCode: number, body: unknown, headers = {}) =>
  Object.assign(new Error('told by the client'), { name: 'ResponseError', statusCode, body, headers })
const named = (name: string) => Object.assign(new Error(`a ${name}`), { name })

type Asked = { searches: object[]; signal: AbortSignal; requestTimeout: number; maxRetries: number }

/** Answers searches, and ids by `docs`; keeps the ids it was asked for. */
function esWithIds(docs: Record<string, EsDoc>, replies: () => Observable<EsReplies> = () => EMPTY) {
  const ids: object[][] = []
  const es: EsLike = {
    msearch: replies,
    mget: (params) => {
      ids.push(params.docs)
      return of({ docs: params.docs.map(({ _id }) => docs[_id] as EsDoc) })
    },
  }
  return { es, ids }
}

const byId = ({ text }: Query): EsGet => ({ index: 'pages', id: text })
const docOf = (_id: string) => ({ _index: 'pages', _id, _seq_no: 4, found: true, _source: { title: _id } })
const foundById = (query: Query, _id: string) => ({ ...query, hit: { ...hitOf(_id), _score: null } })

/** Answers each request by `answer`, and keeps what it was asked. */
function esOf(answer: (call: number, texts: string[]) => Observable<EsReplies>) {
  const asked: Asked[] = []
  const es: EsLike = {
    msearch: ({ searches }, with_) => answer(asked.push({ searches, ...with_ }), textsOf(searches)),
  }
  return { es, asked }
}

const textsOf = (searches: object[]) =>
  searches.flatMap((line) => ('query' in line ? [(line.query as { match: { text: string } }).match.text] : []))

const places: Record<string, string> = { first: '1', second: '2', third: '3' }
const answered = (texts: string[]): EsReplies => ({ responses: texts.map((text) => reply(places[text] as string)) })
const answers = () => esOf((_, texts) => of(answered(texts)))

describe('searchEs', () => {
  it(
    'passes each message on with its top hit',
    marbles(({ scheduler, cold, expectObservable }) => {
      const answer = '  --(r|)'
      const source = '  a-------b---|'
      const expected = '--x-------y-|'
      const { es } = esOf((_, texts) => cold(answer, { r: answered(texts) }))
      const { messages, acks } = marbleMessages(scheduler, source, values, byUser)
      expectObservable(messages.pipe(searchEs(es, searchOf, one), ack())).toBe(expected, found)
      expectObservable(acks).toBe('--a-------b')
    }),
  )

  it('puts the searches of a batch into one request, with what makes them safe', () => {
    const { es, asked } = answers()
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, '(abc|)', values)
      const select = (query: Query) => ({
        ...searchOf(query),
        routing: query.user,
        preference: 'p',
        min_score: 2,
        size: 9,
      })
      expectObservable(messages.pipe(searchEs(es, select, options), ack())).toBe('(xyz|)', found)
    })()
    expect(asked).toMatchObject([{ requestTimeout: 10_000, maxRetries: 0 }])
    expect(asked[0]?.searches).toHaveLength(6)
    expect(asked[0]?.searches.slice(0, 2)).toEqual([
      { index: 'pages', routing: 'ann', preference: 'p', allow_partial_search_results: false, allow_no_indices: false },
      {
        query: { match: { text: 'first' } },
        sort: [{ _score: 'desc' }, { _seq_no: { order: 'asc', unmapped_type: 'long' } }],
        min_score: 2,
        size: 1,
        track_total_hits: false,
      },
    ])
  })

  it(
    'has as many requests under way as `concurrency` says, and keeps the order of a key',
    marbles(({ scheduler, cold, expectObservable }) => {
      const replies = ['-----(r|)', '--(r|)', '---(r|)'] // of a, of b, and of c, which has the key of a
      const source = '  (abc|)'
      const expected = '--y--x--(z|)'
      const { es } = esOf((call, texts) => cold(replies[call - 1] as string, { r: answered(texts) }))
      const { messages, acks } = marbleMessages(scheduler, source, values, byUser)
      expectObservable(messages.pipe(searchEs(es, searchOf, one), ack())).toBe(expected, found)
      expectObservable(acks).toBe('--b--a--c')
    }),
  )

  it('asks once for equal searches of a batch', () => {
    const { es, asked } = answers()
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, '(aba|)', values)
      expectObservable(messages.pipe(searchEs(es, searchOf, options), ack())).toBe('(xyx|)', found)
    })()
    expect(asked.map(({ searches }) => textsOf(searches))).toEqual([['first', 'second']])
  })

  it('keeps answers for a while where there is a cache, misses for a shorter one', () => {
    const { es, asked } = esOf((_, texts) =>
      of({ responses: texts.map((text) => (text === 'second' ? reply() : reply('1'))) }),
    )
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, 'ab--ab----a|', values)
      const cache = { ttl: 10, negativeTtl: 3 }
      expectObservable(messages.pipe(searchEs(es, searchOf, { ...one, cache }), ack())).toBe('xy--xy----x|', {
        ...found,
        y: { ...b, hit: null },
      })
    })()
    expect(asked.map(({ searches }) => textsOf(searches))).toEqual([['first'], ['second'], ['second'], ['first']])
  })

  it('keeps no answer that only some of the shards gave', () => {
    const { es, asked } = esOf((call) =>
      of({ responses: [{ ...reply('1'), _shards: { failed: call === 1 ? 1 : 0 } }] }),
    )
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, 'a-a-a|', values)
      const search = searchEs(es, searchOf, { ...one, allowPartial: true, cache: {} })
      expectObservable(messages.pipe(search, ack())).toBe('x-x-x|', found)
    })()
    expect(asked).toHaveLength(2)
  })

  it('knows a search by all that it asks for, and ids apart from searches', () => {
    const { es, asked } = answers()
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, '(abc|)', {
        a,
        b: { ...b, text: 'first' },
        c: { ...c, text: 'first' },
      })
      const select = (query: Query) => ({ ...searchOf(query), routing: query.user })
      const search = searchEs(es, select, { cache: {}, into: ({ user }, hit) => `${user} ${hit?._id}` })
      expectObservable(messages.pipe(search, ack())).toBe('(xyx|)', { x: 'ann 1', y: 'bob 1' })
    })()
    expect(asked[0]?.searches.filter((line) => 'routing' in line)).toMatchObject([
      { routing: 'ann' },
      { routing: 'bob' },
    ])
  })

  it.each([
    [searchOf, '{"match":{"text":"first"}} in pages'],
    [(query: Query): EsGet => ({ index: 'pages', id: query.text }), 'the id "first" in pages'],
  ])('nacks a miss that says what was asked, where `onMiss` is nack: %#', (select, asked) => {
    marbles(({ scheduler, expectObservable }) => {
      const { es } = esWithIds({ first: { found: false } }, () => of({ responses: [reply()] }))
      const { messages, nacks } = marbleMessages(scheduler, 'a|', values)
      expectObservable(messages.pipe(searchEs(es, select, { ...one, onMiss: 'nack' }), ack())).toBe('-|')
      expectObservable(nacks).toBe('a', { a: `a: searchEs found nothing for ${asked}` })
    })()
  })

  it(
    'gives null or a default where nothing was found, or drops and acks it',
    marbles(({ scheduler, expectObservable }) => {
      const { es } = esOf(() => of({ responses: [reply(), reply('2')] }))
      const passed = marbleMessages(scheduler, '(ab|)', values)
      const miss = { x: { ...a, hit: null }, y: found.y }
      expectObservable(passed.messages.pipe(searchEs(es, searchOf, options), ack())).toBe('(xy|)', miss)
      const dropped = marbleMessages(scheduler, '(ab|)', values)
      expectObservable(dropped.messages.pipe(searchEs(es, searchOf, { ...options, onMiss: 'drop' }), ack())).toBe(
        '(y|)',
        miss,
      )
      expectObservable(dropped.acks).toBe('(ab)')
      const given = marbleMessages(scheduler, '(ab|)', values)
      const none = { _id: 'none' }
      expectObservable(
        given.messages.pipe(searchEs(es, searchOf, { ...options, onMiss: { default: none } }), ack()),
      ).toBe('(xy|)', { ...miss, x: { ...a, hit: none } })
    }),
  )

  it(
    'puts the hit wherever a function says',
    marbles(({ scheduler, expectObservable }) => {
      const { es } = answers()
      const { messages } = marbleMessages(scheduler, 'b|', values)
      const search = searchEs(es, searchOf, { batch: { max: 1 }, into: ({ user }, hit) => `${user} ${hit?._id}` })
      expectObservable(messages.pipe(search, ack())).toBe('y|', { y: 'bob 2' })
    }),
  )

  it(
    'nacks a message whose selector or `into` throws, or that is no search, and no other',
    marbles(({ scheduler, expectObservable }) => {
      const { es } = answers()
      const { messages, nacks } = marbleMessages(scheduler, '(abcd|)', { ...values, d: { ...a, text: '' } })
      const select = (query: Query): EsSearch => {
        if (query === a) throw new Error('no text')
        return query.text === '' ? { index: '', query: {} } : searchOf(query)
      }
      const into = ({ user }: Query) => {
        if (user === 'bob') throw new Error('no place')
        return user
      }
      expectObservable(messages.pipe(searchEs(es, select, { into }), ack())).toBe('(z|)', { z: 'ann' })
      expectObservable(nacks).toBe('(adb)', {
        a: 'a: no text',
        d: 'd: Expected the index of searchEs to be a name that is not empty, got ""; see to it in the selector',
        b: 'b: no place',
      })
    }),
  )

  it.each([
    [{ index: [], query: {} }, 'Expected the index of searchEs to be a name that is not empty, got []'],
    [{ index: 'pages' }, 'Expected the query of searchEs to be an object, got undefined'],
    [{ index: 'pages', query: 'x' }, 'Expected the query of searchEs to be an object, got "x"'],
    [{ index: 'pages', query: {}, id: '1' }, 'Expected the id of searchEs to be absent beside a query, got "1"'],
    [{ index: 'pages', id: 1 }, 'Expected the id of searchEs to be a string that is not empty, got 1'],
    [{ index: 'pages', id: '' }, 'Expected the id of searchEs to be a string that is not empty, got ""'],
    [
      { index: ['pages'], id: '1' },
      'Expected the index of searchEs to be the name of one index when it looks up an id',
    ],
  ])('nacks what is no search: %o', (asked, text) => {
    marbles(({ scheduler, expectObservable }) => {
      const { messages, nacks } = marbleMessages(scheduler, 'a|', values)
      const search = searchEs(answers().es, () => asked as unknown as EsSearch, one)
      expectObservable(messages.pipe(search, ack())).toBe('-|')
      expectObservable(nacks).toBe('a', { a: expect.stringContaining(text) })
    })()
  })

  it.each([
    ['a closed connection', named('ConnectionError'), '----(x|)'],
    ['its own time-out', named('TimeoutError'), '----(x|)'],
    ['no living connection', named('NoLivingConnectionsError'), '----(x|)'],
    ['a reply that is no JSON', named('DeserializationError'), '----(x|)'],
    ['502', responseError(502, '<html>'), '----(x|)'],
    ['429 with Retry-After', responseError(429, {}, { 'retry-after': '1' }), '1s (x|)'],
  ])('tries again after %s', (_, failure, expected) => {
    marbles(({ scheduler, expectObservable }) => {
      const { es } = esOf((call, texts) => (call === 1 ? throwError(() => failure) : of(answered(texts))))
      const { messages, acks } = marbleMessages(scheduler, 'a|', values)
      expectObservable(messages.pipe(searchEs(es, searchOf, { ...one, retry: steady }), ack())).toBe(expected, found)
      expectObservable(acks).toBe(expected.replace('(x|)', 'a'))
    })()
  })

  it(
    'tries again when no answer comes in time, and tells the request to stop',
    marbles(({ scheduler, cold, expectObservable, flush }) => {
      const silent = cold<EsReplies>('-')
      const { es, asked } = esOf((call, texts) => (call === 1 ? silent : of(answered(texts))))
      const { messages } = marbleMessages(scheduler, 'a|', values)
      expectObservable(messages.pipe(searchEs(es, searchOf, { ...one, timeout: 3, retry: steady }), ack())).toBe(
        '-------(x|)',
        found,
      )
      flush()
      expect(asked.map(({ signal, requestTimeout }) => [signal.aborted, requestTimeout])).toEqual([
        [true, 3],
        [false, 3],
      ])
    }),
  )

  it.each([
    ['shards that failed', { ...reply('9'), _shards: { failed: 1 } }],
    ['half a result', { ...reply('9'), timed_out: true }],
    ['a full queue', { status: 429, error: error('es_rejected_execution_exception') }],
    ['no shard', { status: 503, error: error('no_shard_available_action_exception') }],
  ])('tries one search again after %s, while the others pass on', (_, bad) => {
    marbles(({ scheduler, expectObservable }) => {
      const { es } = esOf((call, texts) =>
        of(call === 1 ? { responses: [bad, ...answered(texts.slice(1)).responses] } : answered(texts)),
      )
      const { messages, acks } = marbleMessages(scheduler, '(ab|)', values)
      const search = searchEs(es, searchOf, { ...options, retry: steady })
      expectObservable(messages.pipe(search, ack())).toBe('y---(x|)', found)
      expectObservable(acks).toBe('b---a')
    })()
  })

  it(
    'tries a batch again as it is when every search of it failed so',
    marbles(({ scheduler, expectObservable, flush }) => {
      const { es, asked } = esOf((call, texts) =>
        of(call === 1 ? { responses: texts.map(() => ({ status: 429, error: error('busy') })) } : answered(texts)),
      )
      const { messages } = marbleMessages(scheduler, '(ab|)', values)
      expectObservable(messages.pipe(searchEs(es, searchOf, { ...options, retry: steady }), ack())).toBe(
        '----(xy|)',
        found,
      )
      flush()
      expect(asked).toHaveLength(2)
    }),
  )

  it(
    'nacks the search that is refused, in a request that goes through',
    marbles(({ scheduler, expectObservable }) => {
      const bad = {
        status: 400,
        error: { ...error('query_shard_exception', 'bad ('), type: 'search_phase_execution_exception' },
      }
      const { es } = esOf(() => of({ responses: [reply('1'), bad, reply('3')] }))
      const { messages, nacks } = marbleMessages(scheduler, '(abc|)', values)
      expectObservable(messages.pipe(searchEs(es, searchOf, options), ack())).toBe('(xz|)', found)
      expectObservable(nacks).toBe('b', {
        b: 'b: Elasticsearch refused the search with 400: query_shard_exception: bad (',
      })
    }),
  )

  it(
    'nacks only the search that makes a whole request refused',
    marbles(({ scheduler, expectObservable }) => {
      const refusal = responseError(400, { error: error('parsing_exception', 'unknown query'), status: 400 })
      const { es } = esOf((_, texts) => (texts.includes('second') ? throwError(() => refusal) : of(answered(texts))))
      const { messages, nacks } = marbleMessages(scheduler, '(abc|)', values)
      expectObservable(messages.pipe(searchEs(es, searchOf, options), ack())).toBe('(xz|)', found)
      expectObservable(nacks).toBe('b', {
        b: 'b: Elasticsearch refused the search with 400: parsing_exception: unknown query',
      })
    }),
  )

  it.each([
    [responseError(401, { error: error('security_exception') }), '401: security_exception: because; give the client'],
    [responseError(403, { error: error('security_exception') }), '403: security_exception: because; give the client'],
    [responseError(404, { error: error('index_not_found_exception') }), 'create the index, or correct its name'],
    [responseError(400, { error: error('index_closed_exception') }), 'open the index, or correct its name'],
    [responseError(400, { error: error('media_type_header_exception') }), "use a client of the server's major version"],
    [responseError(401, {}), '401: "told by the client"; give the client'.replaceAll('"', '')],
    [responseError(403, { error: 'forbidden by a proxy' }), '403: forbidden by a proxy; give the client'],
    [named('ConfigurationError'), 'Cannot ask Elasticsearch: a ConfigurationError'],
    [named('ProductNotSupportedError'), 'Cannot ask Elasticsearch: a ProductNotSupportedError'],
    [new Error('self-signed certificate'), 'Cannot ask Elasticsearch: self-signed certificate'],
  ])('errors after %s %#', (failure, text) => {
    marbles(({ scheduler, expectObservable }) => {
      const { es } = esOf(() => throwError(() => failure))
      const { messages, nacks, abandoned } = marbleMessages(scheduler, '(ab)', values)
      const told = { name: 'FatalError', message: expect.stringContaining(text) }
      const search = searchEs(es, searchOf, { ...options, batch: { max: 2 } })
      expectObservable(messages.pipe(search, ack())).toBe('#', undefined, expect.objectContaining(told))
      expectObservable(nacks).toBe('')
      expectObservable(abandoned).toBe('(ab)')
    })()
  })

  it(
    'errors when one search of a request names an index that does not exist',
    marbles(({ scheduler, expectObservable }) => {
      const bad = { status: 404, error: error('index_not_found_exception', 'no such index [pages]') }
      const { es } = esOf(() => of({ responses: [reply('1'), bad] }))
      const { messages, acks } = marbleMessages(scheduler, '(ab|)', values)
      const told = { message: expect.stringContaining('no such index [pages]; create the index') }
      expectObservable(messages.pipe(searchEs(es, searchOf, options), ack())).toBe(
        '(x#)',
        found,
        expect.objectContaining(told),
      )
      expectObservable(acks).toBe('a')
    }),
  )

  it(
    'nacks a query that has no JSON, and no other',
    marbles(({ scheduler, expectObservable }) => {
      const { messages, nacks } = marbleMessages(scheduler, '(ab|)', values)
      const select = (query: Query) => (query === a ? { index: 'pages', query: { term: { n: 1n } } } : searchOf(query))
      expectObservable(messages.pipe(searchEs(answers().es, select, options), ack())).toBe('(y|)', found)
      expectObservable(nacks).toBe('a', { a: 'a: Do not know how to serialize a BigInt' })
    }),
  )

  it(
    'nacks what the client can not write',
    marbles(({ scheduler, expectObservable }) => {
      const { es } = esOf(() => throwError(() => named('SerializationError')))
      const { messages, nacks } = marbleMessages(scheduler, 'a|', values)
      expectObservable(messages.pipe(searchEs(es, searchOf, one), ack())).toBe('-|')
      expectObservable(nacks).toBe('a', { a: 'a: Cannot write the search for Elasticsearch: a SerializationError' })
    }),
  )

  it('asks for documents by their id in one request, and misses those that are not there', () => {
    const { es, ids } = esWithIds({ first: docOf('1'), second: { found: false }, third: docOf('3') })
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, '(abc|)', values)
      const select = (query: Query) => ({ ...byId(query), routing: query.user })
      expectObservable(messages.pipe(searchEs(es, select, { ...options, source: ['title'] }), ack())).toBe('(xyz|)', {
        x: foundById(a, '1'),
        y: { ...b, hit: null },
        z: foundById(c, '3'),
      })
    })()
    expect(ids).toEqual([
      [
        { _index: 'pages', _id: 'first', routing: 'ann', _source: ['title'] },
        { _index: 'pages', _id: 'second', routing: 'bob', _source: ['title'] },
        { _index: 'pages', _id: 'third', routing: 'ann', _source: ['title'] },
      ],
    ])
  })

  it(
    'gives each its own answer where some search and others ask for an id',
    marbles(({ scheduler, expectObservable }) => {
      const { es } = esWithIds({ first: docOf('1'), third: docOf('3') }, () => of({ responses: [reply('2')] }))
      const { messages } = marbleMessages(scheduler, '(abc|)', values)
      const select = (query: Query) => (query === b ? searchOf(query) : byId(query))
      expectObservable(messages.pipe(searchEs(es, select, options), ack())).toBe('(xyz|)', {
        x: foundById(a, '1'),
        y: found.y,
        z: foundById(c, '3'),
      })
    }),
  )

  it.each([
    ['illegal_argument_exception', 'b: Elasticsearch refused the search with 400: illegal_argument_exception: because'],
    ['routing_missing_exception', 'b: Elasticsearch refused the search with 400: routing_missing_exception: because'],
  ])('nacks an id that is refused, and no other: %s', (type, text) => {
    marbles(({ scheduler, expectObservable }) => {
      const { es } = esWithIds({ first: docOf('1'), second: { error: error(type) } })
      const { messages, nacks } = marbleMessages(scheduler, '(ab|)', values)
      expectObservable(messages.pipe(searchEs(es, byId, options), ack())).toBe('(x|)', { x: foundById(a, '1') })
      expectObservable(nacks).toBe('b', { b: text })
    })()
  })

  it(
    'tries an id again whose shard can not answer',
    marbles(({ scheduler, expectObservable }) => {
      const away = { error: error('no_shard_available_action_exception') }
      const docs: Record<string, EsDoc> = { first: docOf('1'), second: away }
      const { es, ids } = esWithIds(docs)
      const asked: EsLike = {
        ...es,
        mget: (params, with_) => {
          if (ids.length === 1) Object.assign(docs, { second: docOf('2') })
          return es.mget?.(params, with_) ?? EMPTY
        },
      }
      const { messages } = marbleMessages(scheduler, '(ab|)', values)
      const search = searchEs(asked, byId, { ...options, retry: steady })
      expectObservable(messages.pipe(search, ack())).toBe('x---(y|)', { x: foundById(a, '1'), y: foundById(b, '2') })
    }),
  )

  it.each([
    ['index_not_found_exception', '; create the index, or correct its name in the selector'],
    ['index_closed_exception', '; open the index, or correct its name in the selector'],
    ['security_exception', '; give the client credentials that may read the index'],
  ])('errors when an id meets %s', (type, advice) => {
    marbles(({ scheduler, expectObservable }) => {
      const { es } = esWithIds({ first: { error: error(type) } })
      const { messages } = marbleMessages(scheduler, 'a|', values)
      const told = { name: 'FatalError', message: expect.stringContaining(`${type}: because${advice}`) }
      expectObservable(messages.pipe(searchEs(es, byId, one), ack())).toBe(
        '#',
        undefined,
        expect.objectContaining(told),
      )
    })()
  })

  it.each([
    ['a client without mget, for an id', answers().es, byId, 'the client has no mget(); give searchEs a Client'],
    [
      'a client that leaves replies out',
      esOf(() => of({ responses: [] })).es,
      searchOf,
      'Got 0 replies for 1 searches and 0 for 0 ids',
    ],
  ])('errors with %s', (_, es, select, text) => {
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, 'a|', values)
      const told = { name: 'FatalError', message: expect.stringContaining(text) }
      expectObservable(messages.pipe(searchEs<Query, 'hit'>(es, select, one), ack())).toBe(
        '#',
        undefined,
        expect.objectContaining(told),
      )
    })()
  })

  it('fetches the fields of `source` and asks for the `minScore`, unless a search says otherwise', () => {
    const { es, asked } = answers()
    const own = { _source: false, min_score: 1 }
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, '(ab|)', values)
      const select = (query: Query) => ({ ...searchOf(query), ...(query === b && own) })
      const search = searchEs(es, select, { ...options, source: ['title', 'meta.*'], minScore: 2.5 })
      expectObservable(messages.pipe(search, ack())).toBe('(xy|)', found)
    })()
    expect(asked[0]?.searches).toMatchObject([{}, { _source: ['title', 'meta.*'], min_score: 2.5 }, {}, own])
  })

  it.each([
    ['shards that failed', { ...reply('1'), _shards: { failed: 1 } }],
    ['half a result', { ...reply('1'), timed_out: true }],
  ])('takes what came of %s where `allowPartial` says so', (_, partial) => {
    const { es, asked } = esOf(() => of({ responses: [partial] }))
    marbles(({ scheduler, expectObservable }) => {
      const { messages } = marbleMessages(scheduler, 'a|', values)
      expectObservable(messages.pipe(searchEs(es, searchOf, { ...one, allowPartial: true }), ack())).toBe('x|', found)
    })()
    expect(asked[0]?.searches[0]).toMatchObject({ allow_partial_search_results: true })
  })

  it(
    'passes on the `fields` and the `highlight` that a search asks for, and nothing else of the hit',
    marbles(({ scheduler, expectObservable }) => {
      const more = { fields: { n: [1] }, highlight: { title: ['<em>1</em>'] } }
      const hit = { ...hitOf('1'), ...more, sort: [1, 2], _ignored: ['x'] }
      const { es } = esOf(() => of({ responses: [{ status: 200, hits: { hits: [hit] } }] }))
      const { messages } = marbleMessages(scheduler, 'a|', values)
      expectObservable(messages.pipe(searchEs(es, searchOf, one), ack())).toBe('x|', {
        x: { ...a, hit: { ...hitOf('1'), ...more } },
      })
    }),
  )

  it(
    'says why shards could not be searched',
    marbles(({ scheduler, expectObservable }) => {
      const missing = { type: 'search_phase_execution_exception', reason: 'Search rejected due to missing shards' }
      const bad = { status: 503, error: { ...missing, reason: '', root_cause: [], caused_by: missing } }
      const { es } = esOf(() => of({ responses: [bad] }))
      const { messages, nacks } = marbleMessages(scheduler, 'a|', values)
      expectObservable(messages.pipe(searchEs(es, searchOf, { ...one, retry: { attempts: 1 } }), ack())).toBe('-|')
      const text = '503: search_phase_execution_exception: Search rejected due to missing shards'
      expectObservable(nacks).toBe('a', {
        a: `a: searchEs gave up after 1 tries: Elasticsearch refused the search with ${text}`,
      })
    }),
  )

  it(
    'stops its requests and gives their messages up when unsubscribed',
    marbles(({ scheduler, expectObservable, flush }) => {
      const { es, asked } = esOf(() => NEVER)
      const { messages, acks, nacks, abandoned } = marbleMessages(scheduler, 'a--b-', values)
      expectObservable(messages.pipe(searchEs(es, searchOf, one), ack()), '^----!').toBe('------')
      expectObservable(abandoned).toBe('-----(ab)')
      expectObservable(acks).toBe('')
      expectObservable(nacks).toBe('')
      flush()
      expect(asked.map(({ signal }) => signal.aborted)).toEqual([true, true])
    }),
  )

  it.each([
    [{ into: '' }, 'Expected `into` to be a key or a function, got `` (string)'],
    [{ onMiss: 'skip' }, "Expected `onMiss` to be 'null', 'drop', 'nack' or { default }, got `skip` (string)"],
    [{ cache: { ttl: -1 } }, 'Expected `cache.ttl` to be a number of ms >= 0'],
    [{ timeout: -1 }, 'Expected `timeout` to be a number of ms >= 0'],
    [{ batch: { max: 0 } }, 'Expected `batch.max` to be an integer >= 1'],
    [{ source: 'title' }, 'Expected `source` to be an array of names of fields, got `title` (string)'],
    [{ source: ['title', ''] }, 'Expected `source` to be an array of names of fields'],
    [{ minScore: Number.NaN }, 'Expected `minScore` to be a finite number, got `NaN` (number)'],
    [{ allowPartial: 'yes' }, 'Expected `allowPartial` to be a boolean, got `yes` (string)'],
  ])('refuses a wrong option at once: %o', (option, text) => {
    const { es } = answers()
    expect(() => searchEs(es, searchOf, { ...options, ...option } as typeof options)).toThrow(text)
  })

  it('takes a Client of Elasticsearch, and types its result', () => {
    const es = new Client({ node: 'http://127.0.0.1:1' })
    expectTypeOf(es).toExtend<EsLike>()
    const messages: Observable<Message<Query>> = EMPTY
    const key = () =>
      messages.pipe(
        searchEs(es, (q) => ({ index: 'pages', query: { match: { text: q.text } } }), { into: 'top_result' }),
      )
    expectTypeOf(key).returns.toEqualTypeOf<Observable<Message<Query & { top_result: EsHit | null }>>>()
    const typed = () =>
      messages.pipe(searchEs(es, (q): EsSearch<Page> => searchOf(q) as EsSearch<Page>, { into: 'top' }))
    expectTypeOf(typed).returns.toEqualTypeOf<Observable<Message<Query & { top: EsHit<Page> | null }>>>()
    const literal = () =>
      messages.pipe(
        searchEs(
          es,
          (q): EsSearch<Page> => ({ index: 'pages', query: { match: { text: q.text } }, _source: ['title'] }),
          {
            into: 'top',
            onMiss: 'drop',
          },
        ),
        mapValue(({ top }) => top._source.title),
      )
    expectTypeOf(literal).returns.toEqualTypeOf<Observable<Message<string>>>()
    const ids = () =>
      messages.pipe(searchEs(es, (q): EsGet<Page> => ({ index: 'pages', id: q.text }), { into: 'page' }))
    expectTypeOf(ids).returns.toEqualTypeOf<Observable<Message<Query & { page: EsHit<Page> | null }>>>()
    const given = () =>
      messages.pipe(
        searchEs(es, (q): EsGet<Page> => ({ index: 'pages', id: q.text }), {
          into: 'page',
          onMiss: { default: 'none' },
        }),
      )
    expectTypeOf(given).returns.toEqualTypeOf<Observable<Message<Query & { page: EsHit<Page> | 'none' }>>>()
    const put = () => messages.pipe(searchEs(es, searchOf, { into: (q, hit) => [q.user, hit?._id] as const }))
    expectTypeOf(put).returns.toEqualTypeOf<Observable<Message<readonly [string, string | undefined]>>>()
  })
})

describe('matchText', () => {
  it('looks for what was typed, as data', () => {
    const typed = '"}},"query":{"match_all":{}}'
    expect(matchText(typed, 'title^2', 'body')).toEqual({ multi_match: { query: typed, fields: ['title^2', 'body'] } })
  })

  it('refuses what is no text', () => {
    const injected = { query: 'x', fuzziness: 2 } as unknown as string
    expect(() => matchText(injected, 'title')).toThrow(
      'Expected the text of matchText to be a string, got {"query":"x","fuzziness":2}',
    )
  })
})
