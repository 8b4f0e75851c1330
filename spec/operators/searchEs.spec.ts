import { Client } from '@elastic/elasticsearch'
import { EMPTY, type Observable, of, takeUntil } from 'rxjs'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { ack } from '../../lib/ack.ts'
import type { Message } from '../../lib/message.ts'
import type { OnMiss } from '../../lib/onMiss.ts'
import { type FakeEs, fakeEs } from '../../lib/testing/fakes/es/fakeEs.ts'
import { kafkaTest } from '../../lib/testing/kafkaTest.ts'
import { mapValue } from '../../lib/values.ts'
import { matchText } from '../../operators/searchEs/matchText.ts'
import {
  type EsGet,
  type EsHit,
  type EsLike,
  type EsRequestOptions,
  type EsSearch,
  searchEs,
} from '../../operators/searchEs/searchEs.ts'

interface Query {
  readonly user: string
  readonly text: string
}

interface Page {
  readonly title: string
}

/** Elasticsearch is asked for their texts, which are their marbles. There is a page of each but d. */
const a: Query = { user: 'ann', text: 'a' }
const b: Query = { user: 'bob', text: 'b' }
const c: Query = { user: 'ann', text: 'c' }
const d: Query = { user: 'dan', text: 'd' }
const values = { a, b, c, d }
const skipping = { onNack: 'skip' } as const
const pages = { a: { title: 'a' }, b: { title: 'b' }, c: { title: 'c' } }
const searchOf = ({ text }: Query): EsSearch => ({ index: 'pages', query: { match: { title: text } } })
const byId = ({ text }: Query): EsGet => ({ index: 'pages', id: text })
/** The only word of one of three titles: of BM25 its rarity is left. */
const _score = Math.fround(Math.log(8 / 3))
const hitOf = (_id: string) => ({ _index: 'pages', _id, _score, _source: { title: _id } })
const hitById = (_id: string) => ({ ...hitOf(_id), _score: null })
const reply = (...ids: string[]) => ({ status: 200, hits: { hits: ids.map(hitOf) } })
const found = { x: { ...a, hit: hitOf('a') }, y: { ...b, hit: hitOf('b') }, z: { ...c, hit: hitOf('c') } }
const foundById = { x: { ...a, hit: hitById('a') }, y: { ...b, hit: hitById('b') }, z: { ...c, hit: hitById('c') } }
const into = { into: 'hit' } as const
const one = { ...into, batch: { max: 1 } }
const retry = { jitter: 'none', delay: 4 } as const
const error = (type: string, reason = 'because') => ({ type, reason, root_cause: [{ type, reason }] })
const responseError = (statusCode: number, body: unknown, headers = {}) =>
  Object.assign(new Error('told by the client'), { name: 'ResponseError', statusCode, body, headers })
const named = (name: string) => Object.assign(new Error(`a ${name}`), { name })

/** A client of the fake, and what each of its requests was told. */
function clientOf(es: FakeEs) {
  const told: EsRequestOptions[] = []
  const client: EsLike = {
    msearch: (params, options) => {
      told.push(options)
      return es.msearch(params, options)
    },
  }
  return { client, told }
}

describe('searchEs', () => {
  it(
    'passes each message on with its top hit',
    kafkaTest(({ topic, es, expectOutput, expectAcks }) => {
      const messages = topic('0: a-------b', values)
      es.takes(2).put('pages', pages)
      expectOutput(messages.pipe(searchEs(es, searchOf, one), ack())).toBe('--x-------y', found)
      expectAcks('0: --a-------b')
    }),
  )

  it(
    'puts the searches of a batch into one request, with what makes them safe',
    kafkaTest(({ topic, es, expectOutput, flush }) => {
      const messages = topic('0: (abc)', values)
      es.put('pages', pages)
      const { client, told } = clientOf(es)
      const select = (query: Query) => ({
        ...searchOf(query),
        routing: query.user,
        preference: 'p',
        min_score: 0.5,
        size: 9,
      })
      expectOutput(messages.pipe(searchEs(client, select, into), ack())).toBe('(xyz)', found)
      flush()
      expect(told).toMatchObject([{ requestTimeout: 10_000, maxRetries: 0 }])
      expect(es.log.map(({ request }) => request)).toEqual([1, 1, 1])
      expect(es.log[0]?.item).toEqual({
        header: {
          index: 'pages',
          routing: 'ann',
          preference: 'p',
          allow_partial_search_results: false,
          allow_no_indices: false,
        },
        body: {
          query: { match: { title: 'a' } },
          sort: [{ _score: 'desc' }, { _seq_no: { order: 'asc', unmapped_type: 'long' } }],
          min_score: 0.5,
          size: 1,
          track_total_hits: false,
        },
      })
    }),
  )

  it(
    'has two requests under way, unless `concurrency` says otherwise',
    kafkaTest(({ topic, es, expectOutput, expectCalls }) => {
      const messages = topic('0: abc', values)
      es.takes(5).put('pages', pages)
      expectOutput(messages.pipe(searchEs(es, searchOf, one), ack())).toBe('-----xy---z', found)
      expectCalls(es).toBe('ab---c')
    }),
  )

  it(
    'asks once for equal searches of a batch',
    kafkaTest(({ topic, es, expectOutput, expectCalls }) => {
      const messages = topic('0: (abc)', { a, b, c: a })
      es.put('pages', pages)
      expectOutput(messages.pipe(searchEs(es, searchOf, into), ack())).toBe('(xyx)', found)
      expectCalls(es).toBe('(ab)')
    }),
  )

  it(
    'keeps answers for a while where there is a cache, misses for a shorter one',
    kafkaTest(({ topic, es, expectOutput, expectCalls }) => {
      const messages = topic('0: ad--ad----a', values)
      es.put('pages', pages)
      const search = searchEs(es, searchOf, { ...one, cache: { ttl: 10, negativeTtl: 3 } })
      expectOutput(messages.pipe(search, ack())).toBe('xn--xn----x', { ...found, n: { ...d, hit: null } })
      expectCalls(es).toBe('ad---d----a')
    }),
  )

  it(
    'keeps no answer that only some of the shards gave',
    kafkaTest(({ topic, es, expectOutput, expectCalls }) => {
      const messages = topic('0: a-a-a', values)
      es.put('pages', pages)
      es.replies('(p|)', { p: { ...reply('a'), _shards: { failed: 1 } } })
      const search = searchEs(es, searchOf, { ...one, allowPartial: true, cache: {} })
      expectOutput(messages.pipe(search, ack())).toBe('x-x-x', found)
      expectCalls(es).toBe('a-a')
    }),
  )

  it(
    'knows a search by all that it asks for, and ids apart from searches',
    kafkaTest(({ topic, es, expectOutput, flush }) => {
      const messages = topic('0: (abcd)', { a, b: { ...b, text: 'a' }, c: a, d: { ...d, text: 'a' } })
      es.put('pages', pages)
      const select = (query: Query) =>
        query.user === 'dan' ? byId(query) : { ...searchOf(query), routing: query.user }
      const search = searchEs(es, select, { cache: {}, into: ({ user }, hit) => `${user} ${hit?._score === null}` })
      const users = { x: 'ann false', y: 'bob false', z: 'dan true' }
      expectOutput(messages.pipe(search, ack())).toBe('(xyxz)', users)
      flush()
      expect(es.log.map(({ item }) => item)).toMatchObject([
        { header: { routing: 'ann' } },
        { header: { routing: 'bob' } },
        { _id: 'a' },
      ])
    }),
  )

  it.each([
    [searchOf, '{"match":{"title":"d"}} in pages'],
    [byId, 'the id "d" in pages'],
  ])('nacks a miss that says what was asked, where `onMiss` is nack: %#', (select, asked) => {
    kafkaTest(({ topic, es, expectOutput, expectNacks }) => {
      const messages = topic('0: d', values, skipping)
      es.put('pages', pages)
      expectOutput(messages.pipe(searchEs(es, select, { ...one, onMiss: 'nack' }), ack())).toBe('')
      expectNacks('0: d', { d: `searchEs found nothing for ${asked}` })
    })()
  })

  const missed = { n: { ...d, hit: null }, o: { ...d, hit: { _id: 'none' } } }
  it.each<[string, OnMiss, string]>([
    ['gives null', 'null', '(ny)'],
    ['gives a default', { default: { _id: 'none' } }, '(oy)'],
    ['drops and acks the message', 'drop', 'y'],
  ])('%s where nothing was found and `onMiss` says so', (_, onMiss, expected) => {
    kafkaTest(({ topic, es, expectOutput, expectAcks }) => {
      const messages = topic('0: (db)', values)
      es.put('pages', pages)
      const result = messages.pipe(searchEs(es, searchOf, { ...into, onMiss }), ack())
      expectOutput(result).toBe(expected, { ...found, ...missed })
      expectAcks('0: (db)')
    })()
  })

  it(
    'puts the hit wherever a function says',
    kafkaTest(({ topic, es, expectOutput }) => {
      const messages = topic('0: b', values)
      es.put('pages', pages)
      const search = searchEs(es, searchOf, { into: ({ user }, hit) => `${user} ${hit?._id}` })
      expectOutput(messages.pipe(search, ack())).toBe('y', { y: 'bob b' })
    }),
  )

  it(
    'nacks a message whose selector or `into` throws, or that is no search, and no other',
    kafkaTest(({ topic, es, expectOutput, expectNacks }) => {
      const messages = topic('0: (abcd)', { ...values, d: { ...d, text: '' } }, skipping)
      es.put('pages', pages)
      const select = (query: Query): EsSearch => {
        if (query === a) throw new Error('no text')
        return query.text === '' ? { index: '', query: {} } : searchOf(query)
      }
      const userOf = ({ user }: Query) => {
        if (user === 'bob') throw new Error('no place')
        return user
      }
      expectOutput(messages.pipe(searchEs(es, select, { into: userOf }), ack())).toBe('z', { z: 'ann' })
      expectNacks('0: (adb)', {
        a: 'no text',
        d: 'Expected the index of searchEs to be a name that is not empty, got ""; see to it in the selector',
        b: 'no place',
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
    kafkaTest(({ topic, es, expectOutput, expectCalls, expectNacks }) => {
      const messages = topic('0: a', values, skipping)
      const search = searchEs(es, () => asked as unknown as EsSearch, one)
      expectOutput(messages.pipe(search, ack())).toBe('')
      expectCalls(es).toBe('')
      expectNacks('0: a', { a: text })
    })()
  })

  it.each([
    ['a closed connection', named('ConnectionError'), '----x'],
    ['its own time-out', named('TimeoutError'), '----x'],
    ['no living connection', named('NoLivingConnectionsError'), '----x'],
    ['a reply that is no JSON', named('DeserializationError'), '----x'],
    ['502', responseError(502, '<html>'), '----x'],
    ['429 with Retry-After', responseError(429, {}, { 'retry-after': '1' }), '1s x'],
  ])('tries again after %s', (_, failure, expected) => {
    kafkaTest(({ topic, es, expectOutput, expectAcks }) => {
      const messages = topic('0: a', values)
      es.put('pages', pages)
      es.replies('#', { '#': failure })
      expectOutput(messages.pipe(searchEs(es, searchOf, { ...one, retry }), ack())).toBe(expected, found)
      expectAcks(`0: ${expected.replace('x', 'a')}`)
    })()
  })

  it(
    'asks in halves after a time-out of the client',
    kafkaTest(({ topic, es, expectOutput, expectCalls }) => {
      const messages = topic('0: (ab)', values)
      es.put('pages', pages)
      es.replies('#', { '#': named('TimeoutError') })
      expectOutput(messages.pipe(searchEs(es, searchOf, { ...into, retry }), ack())).toBe('----(xy)', found)
      expectCalls(es).toBe('(ab)(ab)')
    }),
  )

  it(
    'tries again when no answer comes in time, and tells the request to stop',
    kafkaTest(({ topic, es, expectOutput, expectCalls, flush }) => {
      const messages = topic('0: a', values)
      es.put('pages', pages)
      es.replies('-')
      const { client, told } = clientOf(es)
      const search = searchEs(client, searchOf, { ...one, timeout: 3, retry })
      expectOutput(messages.pipe(search, ack())).toBe('-------x', found)
      expectCalls(es).toBe('a------a')
      flush()
      expect(told.map(({ signal, requestTimeout }) => [signal.aborted, requestTimeout])).toEqual([
        [true, 3],
        [false, 3],
      ])
    }),
  )

  it.each([
    ['shards that failed', { ...reply('z'), _shards: { failed: 1 } }],
    ['half a result', { ...reply('z'), timed_out: true }],
    ['a full queue', { status: 429, error: error('es_rejected_execution_exception') }],
    ['no shard', { status: 503, error: error('no_shard_available_action_exception') }],
  ])('tries one search again after %s, while the others pass on', (_, bad) => {
    kafkaTest(({ topic, es, expectOutput, expectAcks }) => {
      const messages = topic('0: (ab)', values)
      es.put('pages', pages)
      es.replies({ a: ['(f|)'] }, { f: bad })
      expectOutput(messages.pipe(searchEs(es, searchOf, { ...into, retry }), ack())).toBe('y---x', found)
      expectAcks('0: b---a')
    })()
  })

  it(
    'tries a batch again as it is when every search of it failed so',
    kafkaTest(({ topic, es, expectOutput, expectCalls, flush }) => {
      const messages = topic('0: (ab)', values)
      es.put('pages', pages)
      es.replies('(f|)', { f: { status: 429, error: error('busy') } })
      expectOutput(messages.pipe(searchEs(es, searchOf, { ...into, retry }), ack())).toBe('----(xy)', found)
      expectCalls(es).toBe('(ab)(ab)')
      flush()
      expect(es.log.map(({ request }) => request)).toEqual([1, 1, 2, 2])
    }),
  )

  it(
    'holds its place while every search of a request fails so: what waits behind is not asked',
    kafkaTest(({ topic, es, expectOutput, expectCalls }) => {
      const messages = topic('0: (ab)', values)
      es.put('pages', pages)
      es.replies('(f|)', { f: { status: 429, error: error('busy') } })
      const search = searchEs(es, searchOf, { ...one, concurrency: 1, retry })
      expectOutput(messages.pipe(search, ack())).toBe('----(xy)', found)
      expectCalls(es).toBe('                           a---(ab)')
    }),
  )

  it(
    'nacks the search that is refused, in a request that goes through',
    kafkaTest(({ topic, es, expectOutput, expectCalls, expectNacks }) => {
      const messages = topic('0: (abc)', values, skipping)
      es.put('pages', pages)
      const shards = { ...error('query_shard_exception', 'bad ('), type: 'search_phase_execution_exception' }
      es.replies({ b: '(f|)' }, { f: { status: 400, error: shards } })
      expectOutput(messages.pipe(searchEs(es, searchOf, into), ack())).toBe('(xz)', found)
      expectCalls(es).toBe('(abc)')
      expectNacks('0: b', { b: 'Elasticsearch refused the search with 400: query_shard_exception: bad (' })
    }),
  )

  it(
    'nacks only the search that makes a whole request refused',
    kafkaTest(({ topic, es, expectOutput, expectNacks }) => {
      const messages = topic('0: (abc)', values, skipping)
      es.put('pages', pages)
      const select = (query: Query) => (query === b ? { index: 'pages', query: { none: {} } } : searchOf(query))
      expectOutput(messages.pipe(searchEs(es, select, into), ack())).toBe('(xz)', found)
      expectNacks('0: b', { b: 'Elasticsearch refused the search with 400: parsing_exception: unknown query [none]' })
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
    kafkaTest(({ topic, es, expectOutput, expectAcks, expectNacks }) => {
      const messages = topic('0: (ab)', values, skipping)
      es.replies({ '*': '#' }, { '#': failure })
      expectOutput(messages.pipe(searchEs(es, searchOf, into), ack())).toBe('#', {}, text)
      expectAcks('')
      expectNacks('0: (ab)', { a: 'abandoned', b: 'abandoned' })
    })()
  })

  it(
    'errors when one search of a request names an index that does not exist',
    kafkaTest(({ topic, es, expectOutput, expectAcks }) => {
      const messages = topic('0: (ab)', values, skipping)
      es.put('pages', pages)
      const select = (query: Query) => ({ ...searchOf(query), index: query === b ? 'books' : 'pages' })
      const text = 'no such index [books]; create the index'
      expectOutput(messages.pipe(searchEs(es, select, into), ack())).toBe('(x#)', found, text)
      expectAcks('0: a')
    }),
  )

  it(
    'nacks a query that has no JSON, and no other',
    kafkaTest(({ topic, es, expectOutput, expectNacks }) => {
      const messages = topic('0: (ab)', values, skipping)
      es.put('pages', pages)
      const select = (query: Query) => (query === a ? { index: 'pages', query: { term: { n: 1n } } } : searchOf(query))
      expectOutput(messages.pipe(searchEs(es, select, into), ack())).toBe('y', found)
      expectNacks('0: a', { a: 'Do not know how to serialize a BigInt' })
    }),
  )

  it(
    'nacks what the client can not write',
    kafkaTest(({ topic, es, expectOutput, expectNacks }) => {
      const messages = topic('0: a', values, skipping)
      es.replies({ '*': '#' }, { '#': named('SerializationError') })
      expectOutput(messages.pipe(searchEs(es, searchOf, one), ack())).toBe('')
      expectNacks('0: a', { a: 'Cannot write the search for Elasticsearch: a SerializationError' })
    }),
  )

  it(
    'asks for documents by their id in one request, and misses those that are not there',
    kafkaTest(({ topic, es, expectOutput, flush }) => {
      const messages = topic('0: (adc)', values)
      es.put('pages', { ...pages, a: { title: 'a', text: 'long' } })
      const select = (query: Query) => ({ ...byId(query), routing: query.user })
      const search = searchEs(es, select, { ...into, source: ['title'] })
      expectOutput(messages.pipe(search, ack())).toBe('(xnz)', { ...foundById, n: { ...d, hit: null } })
      flush()
      expect(es.log.map(({ request, item }) => [request, item])).toEqual([
        [1, { _index: 'pages', _id: 'a', routing: 'ann', _source: ['title'] }],
        [1, { _index: 'pages', _id: 'd', routing: 'dan', _source: ['title'] }],
        [1, { _index: 'pages', _id: 'c', routing: 'ann', _source: ['title'] }],
      ])
    }),
  )

  it(
    'gives each its own answer where some search and others ask for an id',
    kafkaTest(({ topic, es, expectOutput }) => {
      const messages = topic('0: (abc)', values)
      es.put('pages', pages)
      const select = (query: Query) => (query === b ? searchOf(query) : byId(query))
      expectOutput(messages.pipe(searchEs(es, select, into), ack())).toBe('(xyz)', { ...foundById, y: found.y })
    }),
  )

  it.each(['illegal_argument_exception', 'routing_missing_exception'])(
    'nacks an id that is refused, and no other: %s',
    (type) => {
      kafkaTest(({ topic, es, expectOutput, expectNacks }) => {
        const messages = topic('0: (ab)', values, skipping)
        es.put('pages', pages)
        es.replies({ b: '(f|)' }, { f: { error: error(type) } })
        expectOutput(messages.pipe(searchEs(es, byId, into), ack())).toBe('x', foundById)
        expectNacks('0: b', { b: `Elasticsearch refused the search with 400: ${type}: because` })
      })()
    },
  )

  it(
    'tries an id again whose shard can not answer',
    kafkaTest(({ topic, es, expectOutput, expectCalls }) => {
      const messages = topic('0: (ab)', values)
      es.put('pages', pages)
      es.replies({ b: ['(f|)'] }, { f: { error: error('no_shard_available_action_exception') } })
      expectOutput(messages.pipe(searchEs(es, byId, { ...into, retry }), ack())).toBe('x---y', foundById)
      expectCalls(es).toBe('(ab)b')
    }),
  )

  it.each([
    ['index_not_found_exception', '; create the index, or correct its name in the selector'],
    ['index_closed_exception', '; open the index, or correct its name in the selector'],
    ['security_exception', '; give the client credentials that may read the index'],
  ])('errors when an id meets %s', (type, advice) => {
    kafkaTest(({ topic, es, expectOutput }) => {
      const messages = topic('0: a', values, skipping)
      es.replies('(f|)', { f: { error: error(type) } })
      const text = `${type}: because${advice}`
      expectOutput(messages.pipe(searchEs(es, byId, one), ack())).toBe('#', {}, text)
    })()
  })

  it.each<[string, EsLike, (query: Query) => EsSearch | EsGet, string]>([
    [
      'a client without mget, for an id',
      { msearch: () => EMPTY },
      byId,
      'the client has no mget(); give searchEs a Client',
    ],
    [
      'a client that leaves replies out',
      { msearch: () => of({ responses: [] }) },
      searchOf,
      'Got 0 replies for 1 searches and 0 for 0 ids',
    ],
  ])('errors with %s', (_, es, select, text) => {
    kafkaTest(({ topic, expectOutput }) => {
      const messages = topic('0: a', values, skipping)
      expectOutput(messages.pipe(searchEs<Query, 'hit'>(es, select, one), ack())).toBe('#', {}, text)
    })()
  })

  it(
    'fetches the fields of `source` and asks for the `minScore`, unless a search says otherwise',
    kafkaTest(({ topic, es, expectOutput, flush }) => {
      const messages = topic('0: (ab)', values)
      es.put('pages', { ...pages, a: { title: 'a', text: 'long' } })
      const own = { _source: false, min_score: 0.1 }
      const select = (query: Query) => ({ ...searchOf(query), ...(query === b && own) })
      const search = searchEs(es, select, { ...into, source: ['title', 'meta.*'], minScore: 0.5 })
      expectOutput(messages.pipe(search, ack())).toBe('(xy)', {
        ...found,
        y: { ...b, hit: { ...hitOf('b'), _source: undefined } },
      })
      flush()
      expect(es.log.map(({ item }) => item)).toMatchObject([
        { body: { _source: ['title', 'meta.*'], min_score: 0.5 } },
        { body: own },
      ])
    }),
  )

  it.each([
    ['shards that failed', { ...reply('a'), _shards: { failed: 1 } }],
    ['half a result', { ...reply('a'), timed_out: true }],
  ])('takes what came of %s where `allowPartial` says so', (_, partial) => {
    kafkaTest(({ topic, es, expectOutput, flush }) => {
      const messages = topic('0: a', values)
      es.replies({ a: '(p|)' }, { p: partial })
      expectOutput(messages.pipe(searchEs(es, searchOf, { ...one, allowPartial: true }), ack())).toBe('x', found)
      flush()
      expect(es.log.map(({ item }) => item)).toMatchObject([{ header: { allow_partial_search_results: true } }])
    })()
  })

  it(
    'passes on the `fields` and the `highlight` that a search asks for, and nothing else of the hit',
    kafkaTest(({ topic, es, expectOutput }) => {
      const messages = topic('0: a', values)
      const more = { fields: { n: [1] }, highlight: { title: ['<em>1</em>'] } }
      const hit = { ...hitOf('a'), ...more, sort: [1, 2], _ignored: ['x'] }
      es.replies({ a: '(h|)' }, { h: { status: 200, hits: { hits: [hit] } } })
      expectOutput(messages.pipe(searchEs(es, searchOf, one), ack())).toBe('x', {
        x: { ...a, hit: { ...hitOf('a'), ...more } },
      })
    }),
  )

  it(
    'says why shards could not be searched',
    kafkaTest(({ topic, es, expectOutput, expectNacks }) => {
      const messages = topic('0: a', values, skipping)
      const missing = { type: 'search_phase_execution_exception', reason: 'Search rejected due to missing shards' }
      const bad = { status: 503, error: { ...missing, reason: '', root_cause: [], caused_by: missing } }
      es.replies({ a: '(f|)' }, { f: bad })
      expectOutput(messages.pipe(searchEs(es, searchOf, { ...one, retry: { attempts: 1 } }), ack())).toBe('')
      const text = '503: search_phase_execution_exception: Search rejected due to missing shards'
      expectNacks('0: a', { a: `searchEs gave up after 1 tries: Elasticsearch refused the search with ${text}` })
    }),
  )

  it(
    'stops its requests and gives their messages up when unsubscribed',
    kafkaTest(({ topic, es, cold, expectOutput, expectAcks, expectNacks, flush }) => {
      const messages = topic('0: a--b', values)
      es.replies({ '*': '-' })
      const { client, told } = clientOf(es)
      const result = messages.pipe(searchEs(client, searchOf, one), ack(), takeUntil(cold('-----x')))
      expectOutput(result).toBe('-----|')
      expectAcks('')
      expectNacks('0: -----(ab)', { a: 'abandoned', b: 'abandoned' })
      flush()
      expect(told.map(({ signal }) => signal.aborted)).toEqual([true, true])
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
    expect(() => searchEs(fakeEs(), searchOf, { ...into, ...option } as typeof into)).toThrow(text)
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
