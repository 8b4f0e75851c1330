import { randomBytes } from 'node:crypto'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Client } from '@elastic/elasticsearch'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { errorClassOf, FatalError } from '../../../lib/errors.ts'
import { matchText } from '../../../operators/searchEs/matchText.ts'
import { type EsGet, type EsSearch, type SearchEsOptions, searchEs } from '../../../operators/searchEs/searchEs.ts'
import { connectionSettings } from '../../../services/defaults.ts'
import { HOSTILE } from '../support/hostile.ts'
import { throughOperator } from '../support/throughOperator.ts'

const { esUrl } = connectionSettings()
const es = new Client({ node: esUrl })
const index = `search-${randomBytes(4).toString('hex')}`
const closed = `${index}-closed`
const away = `${index}-away`

interface Page {
  readonly text: string
  readonly n: number
}

type Asked = EsSearch<Page> | EsGet<Page>

const search = (text: string): EsSearch<Page> => ({ index, query: { match: { text } } })
const get = (id: string): EsGet<Page> => ({ index, id, routing: 'one' })

/** What became of searches as messages. */
function settle(client: Client, searches: readonly Asked[], options: SearchEsOptions = {}) {
  return throughOperator(
    searches,
    searchEs(client, (one: Asked) => one, { into: 'hit', ...options }),
  )
}

/** The numbers of the documents found. */
async function found(searches: readonly Asked[], options: SearchEsOptions = {}) {
  const { values, acked, error, nacked } = await settle(es, searches, options)
  expect(error).toBeUndefined()
  expect(nacked).toEqual(new Map())
  const numbers: (number | null)[] = []
  for (const [i, { hit }] of values.entries()) numbers[acked[i] as number] = hit?._source.n ?? null
  return numbers
}

/** A server that answers in its own way; gives its client, and how many of its sockets were closed. */
async function stub(answer: (response: ServerResponse, call: number, lines: number) => void) {
  let calls = 0
  let closed = 0
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', () => {
      response.setHeader('x-elastic-product', 'Elasticsearch')
      response.setHeader('content-type', 'application/json')
      answer(response, ++calls, body.trim().split('\n').length)
    })
    request.socket.once('close', () => closed++)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const client = new Client({ node: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
  stubs.push({ server, client })
  return { client, calls: () => calls, closed: () => closed }
}

const stubs: { server: Server; client: Client }[] = []

afterEach(async () => {
  for (const { server, client } of stubs.splice(0)) {
    server.close()
    server.closeAllConnections()
    await client.close()
  }
})

const hit = { _index: 'i', _id: '1', _score: 1, _source: { text: 't', n: 7 } }
const reply = { status: 200, timed_out: false, _shards: { total: 2, successful: 2, failed: 0 }, hits: { hits: [hit] } }
const answerAll = (response: ServerResponse, lines: number, one: object = reply) =>
  response.end(JSON.stringify({ responses: Array(lines / 2).fill(one) }))
const quick = { retry: { delay: 1 } }

beforeAll(async () => {
  await es.indices.create({
    index,
    settings: { number_of_shards: 2, number_of_replicas: 0 },
    mappings: { properties: { text: { type: 'text' }, raw: { type: 'keyword' }, n: { type: 'integer' } } },
  })
  const texts = ['first', 'second', 'third', 'same words', 'same words', 'same words']
  const pages = texts.map((text, n) => ({ id: `p${n}`, text, n }))
  // Each under itself, too, and with a word of its own.
  const hostile = HOSTILE.map((text, i) => ({ id: text, text: `${text} own${i}`, raw: text, n: 6 + i }))
  const operations = [...pages, ...hostile].flatMap(({ id, ...page }) => [{ index: { _id: id, routing: 'one' } }, page])
  const { errors } = await es.bulk({ index, operations, refresh: true })
  if (errors) throw new Error('Cannot write the pages')
  // One index that is closed, and one of which no node may have a shard.
  const settings = { number_of_replicas: 0 }
  await es.indices.create({ index: closed, settings })
  await es.indices.close({ index: closed })
  const nowhere = { ...settings, 'index.routing.allocation.require._name': 'nobody' }
  await es.indices.create({ index: away, settings: nowhere, wait_for_active_shards: 0 })
})

afterAll(async () => {
  await es.indices.delete({ index: [index, closed, away] })
  await es.close()
})

describe('searchEs, with a real Elasticsearch', () => {
  it('finds the top hit of each search', async () => {
    const { values, error } = await settle(es, ['second', 'nowhere', 'first'].map(search))
    expect(error).toBeUndefined()
    expect(values.map((value) => value.hit)).toEqual([
      { _index: index, _id: 'p1', _score: expect.any(Number), _source: { text: 'second', n: 1 } },
      null,
      { _index: index, _id: 'p0', _score: expect.any(Number), _source: { text: 'first', n: 0 } },
    ])
  })

  it('answers each of a thousand searches with its own hit', async () => {
    const words = ['first', 'second', 'third', 'nowhere']
    const searches = Array.from({ length: 1000 }, (_, i) => search(`${words[i % 4]} z${i}`))
    expect(await found(searches)).toEqual(searches.map((_, i) => (i % 4 === 3 ? null : i % 4)))
  })

  it('takes the document first written when scores are equal, also after updates and a merge', async () => {
    expect(await found([search('same words')])).toEqual([3])
    await es.index({ index, id: 'p3', document: { text: 'same words', n: 3 }, routing: 'one', refresh: true })
    await es.indices.forcemerge({ index, max_num_segments: 1 })
    expect(await found([search('same words')])).toEqual([4])
  })

  it('leaves the order to a `sort` of the search', async () => {
    const sorted = { ...search('same words'), sort: [{ n: 'desc' }] }
    const { values } = await settle(es, [sorted])
    expect(values.map((value) => value.hit)).toMatchObject([{ _score: null, _source: { n: 5 } }])
  })

  it('takes other fields of a search, and no other size than one', async () => {
    const { values } = await settle(es, [{ ...search('first'), _source: ['n'], size: 100, track_total_hits: true }])
    expect(values.map((value) => value.hit?._source)).toEqual([{ n: 0 }])
    expect(await found([{ ...search('first'), min_score: 100 }])).toEqual([null])
    expect(await found([{ ...search('first'), index: [index], routing: 'one', preference: 'same' }])).toEqual([0])
  })

  it('takes what a user typed as data, whatever it is', async () => {
    expect(HOSTILE.length).toBeGreaterThan(200)
    const places = HOSTILE.map((_, i) => 6 + i)
    const exact = HOSTILE.map((raw): EsSearch<Page> => ({ index, query: { term: { raw } } }))
    expect(await found(exact)).toEqual(places)
    const words = HOSTILE.map((text, i): EsSearch<Page> => ({ index, query: matchText(`${text} own${i}`, 'text') }))
    expect(await found(words)).toEqual(places)
    expect(await found(HOSTILE.map(get))).toEqual(places)
  })

  it('has a language for queries, which lets a user look for what is not shown: `query_string`', async () => {
    const typed = '_id:p1'
    expect(await found([{ index, query: { query_string: { query: typed, default_field: 'text' } } }])).toEqual([1])
    expect(await found([{ index, query: matchText(typed, 'text') }])).toEqual([null])
  })

  it('gets documents by their id at once, before a search finds them, and misses others', async () => {
    await es.index({ index, id: 'new', routing: 'one', document: { text: 'brandnew', n: -1 }, refresh: false })
    const { values } = await settle(es, [get('new'), search('brandnew'), get('none'), get('p1')])
    expect(values.map(({ hit }) => hit)).toEqual([
      { _index: index, _id: 'new', _score: null, _source: { text: 'brandnew', n: -1 } },
      null,
      null,
      { _index: index, _id: 'p1', _score: null, _source: { text: 'second', n: 1 } },
    ])
    await es.delete({ index, id: 'new', routing: 'one', refresh: true })
  })

  it('fetches only the fields of `source`', async () => {
    const { values } = await settle(es, [search('first'), get('p0')], { source: ['n'] })
    expect(values.map(({ hit }) => hit?._source)).toEqual([{ n: 0 }, { n: 0 }])
  })

  it('misses what scores less than `minScore`', async () => {
    const { values } = await settle(es, [search('first')])
    const score = values[0]?.hit?._score as number
    expect(await found([search('first')], { minScore: score - 0.01 })).toEqual([0])
    expect(await found([search('first')], { minScore: score + 0.01 })).toEqual([null])
  })

  it('passes on the `highlight` and the `fields` that a search asks for', async () => {
    const { values } = await settle(es, [{ ...search('first'), highlight: { fields: { text: {} } }, fields: ['n'] }])
    expect(values[0]?.hit).toMatchObject({ highlight: { text: ['<em>first</em>'] }, fields: { n: [0] } })
  })

  it('nacks a search that Elasticsearch can not read, and no other, though it refuses them all', async () => {
    const bad: EsSearch<Page> = { index, query: { bogus: {} } }
    const searches = [search('first'), bad, search('second')]
    const lines = searches.flatMap((one) => [{ index }, { query: one.query }])
    await expect(es.msearch({ searches: lines })).rejects.toThrow('unknown query [bogus]')

    const { values, acked, nacked } = await settle(es, searches)
    expect(values.map((value) => value.hit?._source.n)).toEqual([0, 1])
    expect([acked, [...nacked.keys()]]).toEqual([[0, 2], [1]])
    expect(errorClassOf(nacked.get(1))).toBe('permanent')
    expect(String(nacked.get(1))).toContain('refused the search with 400: parsing_exception: unknown query [bogus]')
  })

  it('nacks a search that fails on its own, and no other', async () => {
    const typo: EsSearch<Page> = { index, query: { query_string: { query: '((' } } }
    const { acked, nacked } = await settle(es, [search('first'), typo, search('second')])
    expect([acked, [...nacked.keys()]]).toEqual([[0, 2], [1]])
    expect(String(nacked.get(1))).toContain('query_shard_exception: Failed to parse query [((]')
  })

  it('nacks what is no search: without an index it would search them all', async () => {
    const none = [{ index: '' }, { index: [] }, { index: undefined }, { query: undefined }, { query: 'text' }]
    const { acked, nacked } = await settle(
      es,
      none.map((part) => ({ ...search('first'), ...part }) as never),
    )
    expect(acked).toEqual([])
    expect([...nacked.values()].map(String)).toEqual([
      'PermanentError: Expected the index of searchEs to be a name that is not empty, got ""; see to it in the selector',
      expect.stringContaining('got []'),
      expect.stringContaining('got undefined'),
      expect.stringContaining('Expected the query of searchEs to be an object, got undefined'),
      expect.stringContaining('got "text"'),
    ])
  })

  it('errors when the index does not exist, and says what to do', async () => {
    const { error, nacked } = await settle(es, [{ ...search('first'), index: 'no-such-index' }])
    expect(error).toBeInstanceOf(FatalError)
    expect(error?.message).toBe(
      'Cannot process topic[0]@0: Elasticsearch refused the search with 404: index_not_found_exception: no such index [no-such-index]; create the index, or correct its name in the selector',
    )
    expect(nacked.size).toBe(0)
  })

  it.each([
    ['a query', { ...search('first'), index: closed }],
    ['an id', { index: closed, id: '1' }],
  ])('errors when the index of %s is closed, and says what to do', async (_, asked) => {
    const { error } = await settle(es, [asked])
    expect(errorClassOf(error)).toBe('fatal')
    expect(error?.message).toContain('index_closed_exception: closed; open the index')
  })

  it('errors when a pattern fits no index, which would look like a miss', async () => {
    const { error } = await settle(es, [{ ...search('first'), index: 'no-such-*' }])
    expect(errorClassOf(error)).toBe('fatal')
    expect(error?.message).toContain('index_not_found_exception: no such index [no-such-*]')
  })

  it('asks again for what no shard can answer, and takes half a result only where it may', async () => {
    const both = { ...search('first'), index: [index, away] }
    const twice = { retry: { attempts: 2, delay: 1 } }
    const byQuery = await settle(es, [search('first'), both], twice)
    expect([byQuery.acked, [...byQuery.nacked.keys()]]).toEqual([[0], [1]])
    expect(String(byQuery.nacked.get(1))).toContain(`missing shards [[${away}][0]]`)
    const byId = await settle(es, [get('p0'), { index: away, id: 'p0' }], twice)
    expect([byId.acked, [...byId.nacked.keys()]]).toEqual([[0], [1]])
    expect(String(byId.nacked.get(1))).toContain('no_shard_available_action_exception')
    expect(await found([both], { allowPartial: true })).toEqual([0])
  })

  it('nacks an id in an alias of several indices, and no other', async () => {
    const alias = `${index}-both`
    await es.indices.updateAliases({ actions: [index, away].map((name) => ({ add: { index: name, alias } })) })
    const { acked, nacked } = await settle(es, [get('p1'), { index: alias, id: 'p1' }])
    expect([acked, [...nacked.keys()]]).toEqual([[0], [1]])
    expect(String(nacked.get(1))).toContain('illegal_argument_exception: alias')
  })

  // The node that the suite runs has no security: these refusals are a server's of our own.
  it.each([
    [401, 'fatal'],
    [403, 'fatal'],
    [400, 'permanent'],
    [413, 'permanent'],
  ])('gives a refusal its class: %i', async (status, expected) => {
    const error = { type: 'some_exception', reason: 'because' }
    const { client } = await stub((response) => response.writeHead(status).end(JSON.stringify({ error, status })))
    const settled = await settle(client, [search('first')])
    const failure = settled.error ?? settled.nacked.get(0)
    expect(errorClassOf(failure)).toBe(expected)
    expect(String(failure)).toContain(`${status}: some_exception: because`)
  })

  it.each([429, 502, 503, 504])('asks again after %i, once for each try', async (status) => {
    const { client, calls } = await stub((response, call, lines) =>
      call === 1 ? response.writeHead(status).end('{}') : answerAll(response, lines),
    )
    expect(await settle(client, [search('first')], quick)).toMatchObject({ acked: [0] })
    expect(calls()).toBe(2)
  })

  it('asks again for a search that reached only some of the shards, or ran out of time', async () => {
    const partial = { ...reply, _shards: { total: 2, successful: 1, failed: 1 } }
    const late = { ...reply, timed_out: true }
    const busy = { status: 429, error: { type: 'es_rejected_execution_exception', reason: 'full' } }
    const { client, calls } = await stub((response, call, lines) => {
      if (call > 1) answerAll(response, lines)
      else response.end(JSON.stringify({ responses: [reply, partial, late, busy] }))
    })
    const { values, acked } = await settle(client, ['one', 'two', 'three', 'four'].map(search), quick)
    expect(values).toHaveLength(4)
    expect(acked[0]).toBe(0)
    expect(calls()).toBeGreaterThan(1)
  })

  it('asks again when a server does not answer, which the client would wait for without end', async () => {
    const { client, closed } = await stub((response, call, lines) => {
      if (call > 1) answerAll(response, lines)
    })
    const waiting = client.msearch({ searches: [{ index }, { query: { match_all: {} } }] }).then(
      () => 'answered',
      () => 'failed',
    )
    const before = performance.now()
    expect(await settle(client, [search('first')], { ...quick, timeout: 150 })).toMatchObject({ acked: [0] })
    expect(performance.now() - before).toBeLessThan(2_000)
    expect(closed()).toBeLessThanOrEqual(1)
    expect(await Promise.race([waiting, Promise.resolve('still waiting')])).toBe('still waiting')
  })

  it('settles everything when the server pauses, where helpers.msearch leaves promises open for ever', async () => {
    let isPaused = true
    const held: (() => void)[] = []
    const { client } = await stub((response, _call, lines) => {
      if (isPaused) held.push(() => answerAll(response, lines))
      else answerAll(response, lines)
    })
    setTimeout(() => {
      isPaused = false
      for (const answer of held) answer()
    }, 700)
    const { acked, error } = await settle(
      client,
      Array.from({ length: 1000 }, (_, i) => search(`z${i}`)),
      { timeout: 5_000 },
    )
    expect(error).toBeUndefined()
    expect(new Set(acked).size).toBe(1000)
  })

  it('asks again when nobody listens, without the retries of the client, and gives up after `retry.attempts`', async () => {
    const nobody = new Client({ node: 'http://127.0.0.1:9' })
    const before = performance.now()
    const { nacked } = await settle(nobody, [search('first')], { retry: { attempts: 2, delay: 1 } })
    expect(String(nacked.get(0))).toContain(
      'searchEs gave up after 2 tries: Got no answer from Elasticsearch: connect ECONNREFUSED',
    )
    expect(performance.now() - before).toBeLessThan(900)
    await nobody.close()
  })
})
