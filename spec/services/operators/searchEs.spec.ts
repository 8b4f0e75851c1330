import { randomBytes } from 'node:crypto'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Client } from '@elastic/elasticsearch'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { errorClassOf, FatalError } from '../../../lib/errors.ts'
import { type EsSearch, type SearchEsOptions, searchEs } from '../../../operators/searchEs/searchEs.ts'
import { connectionSettings } from '../../../services/defaults.ts'
import { throughOperator } from '../support/throughOperator.ts'

const { esUrl } = connectionSettings()
const es = new Client({ node: esUrl })
const index = `search-${randomBytes(4).toString('hex')}`

interface Page {
  readonly text: string
  readonly n: number
}

const search = (text: string): EsSearch<Page> => ({ index, query: { match: { text } } })

/** What became of searches as messages. */
function settle(client: Client, searches: readonly EsSearch<Page>[], options: SearchEsOptions = {}) {
  return throughOperator(
    searches,
    searchEs(client, (body) => body, { into: 'hit', ...options }),
  )
}

/** The numbers of the documents found. */
async function found(searches: readonly EsSearch<Page>[], options: SearchEsOptions = {}) {
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

const HOSTILE = [
  'say "hi"',
  'back\\slash',
  '{"match_all":{}}',
  '"}},"query":{"match_all":{}}',
  '"}}\n{"index":"*"}\n{"query":{"match_all":{}}}',
  'line\nfeed',
  'null\u0000byte',
  'AND OR NOT +(-~*',
  'title:[* TO *]',
  '<script>alert(1)</script>',
  'emoji 🚀 é漢字',
  '$(rm) `ls` %24',
  '__proto__',
  '\u2028separator',
]

beforeAll(async () => {
  await es.indices.create({
    index,
    settings: { number_of_shards: 2, number_of_replicas: 0 },
    mappings: { properties: { text: { type: 'text', fields: { raw: { type: 'keyword' } } }, n: { type: 'integer' } } },
  })
  const texts = ['first', 'second', 'third', 'same words', 'same words', 'same words', ...HOSTILE]
  for (const [n, text] of texts.entries()) await es.index({ index, id: `p${n}`, document: { text, n }, routing: 'one' })
  await es.indices.refresh({ index })
})

afterAll(async () => {
  await es.indices.delete({ index })
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
    const searches = Array.from({ length: 1000 }, (_, i) => search(words[i % 4] as string))
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

  it('searches for what a user typed, whatever it is', async () => {
    const exact = HOSTILE.map((value): EsSearch<Page> => ({ index, query: { term: { 'text.raw': value } } }))
    expect(await found(exact)).toEqual(HOSTILE.map((_, i) => 6 + i))
    for (const [i, one] of exact.entries()) expect(await found([one])).toEqual([6 + i])
    const parsed = HOSTILE.map((query): EsSearch<Page> => ({ index, query: { simple_query_string: { query } } }))
    expect((await settle(es, parsed)).acked).toHaveLength(HOSTILE.length)
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
    const { values, acked } = await settle(client, Array(4).fill(search('first')), quick)
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
    const { acked, error } = await settle(client, Array(1000).fill(search('first')), { timeout: 5_000 })
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
