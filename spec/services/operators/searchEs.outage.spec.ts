import { rm } from 'node:fs/promises'
import { Client } from '@elastic/elasticsearch'
import { mergeMap, timer } from 'rxjs'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { errorClassOf, messageOf } from '../../../lib/errors.ts'
import {
  type EsGet,
  type EsLike,
  type EsSearch,
  type SearchEsOptions,
  searchEs,
} from '../../../operators/searchEs/searchEs.ts'
import { openRun, servers } from '../../../services/servers.ts'
import { throughOperator } from '../support/throughOperator.ts'
import { until } from '../support/until.ts'

const { elasticsearch } = servers
/** A server of our own, which may be killed. */
const run = openRun({ name: 'search-spec', portBase: 22_800 })
const es = new Client({ node: elasticsearch.url(run) })
const index = 'pages'
const PAGES = 20

interface Page {
  readonly n: number
  readonly text: string
}

type Asked = EsSearch<Page> | EsGet<Page>

const search = (i: number): EsSearch<Page> => ({ index, query: { match: { text: `word${i % PAGES}` } } })
const get = (i: number): EsGet<Page> => ({ index, id: `page${i % PAGES}` })
const searches = (count: number) => Array.from({ length: count }, (_, i) => search(i))

/** What was said of failures, in order. */
let said: string[] = []

beforeEach(() => {
  said = []
})

/** As slow as a server far away, so that a load lasts for a while. */
const farAway: EsLike = {
  msearch: (...asked) => timer(20).pipe(mergeMap(() => es.msearch(...asked))),
  mget: (...asked) => timer(20).pipe(mergeMap(() => es.mget(...asked))),
}

/** What became of searches as messages; each failure is noted, however it ends. */
function settle(asked: readonly Asked[], options: SearchEsOptions = {}, client: EsLike = es, tell?: () => void) {
  const classify = (error: unknown) => {
    said.push(messageOf(error))
    return errorClassOf(error)
  }
  return throughOperator(
    asked,
    searchEs(client, (one: Asked) => one, { into: 'hit', classify, retry: { delay: 20, max: 200 }, ...options }),
    tell,
  )
}

/** All of them were acked, each with its own page. */
function expectAll({ acked, values, nacked, abandoned, error }: Awaited<ReturnType<typeof settle>>, count: number) {
  expect([error, nacked.size, abandoned.length]).toEqual([undefined, 0, 0])
  const found = values.map(({ hit }, i) => [acked[i] as number, hit?._source.n] as const).sort(([a], [b]) => a - b)
  expect(found).toEqual(Array.from({ length: count }, (_, i) => [i, i % PAGES]))
}

beforeAll(async () => {
  await elasticsearch.stop(run)
  await elasticsearch.wipe(run)
  await elasticsearch.start(run)
  await es.indices.create({
    index,
    settings: { number_of_shards: 1, number_of_replicas: 0 },
    mappings: { properties: { n: { type: 'integer' }, text: { type: 'text' } } },
  })
  const pages = Array.from({ length: PAGES }, (_, n) => n)
  const operations = pages.flatMap((n) => [{ index: { _id: `page${n}` } }, { n, text: `word${n}` }])
  await es.bulk({ index, operations, refresh: true })
})

afterAll(async () => {
  await es.close()
  await elasticsearch.stop(run)
  await rm(run.folder, { recursive: true, force: true })
})

describe('searchEs, when Elasticsearch fails', () => {
  it('asks again when it stands still for longer than a try may take', async () => {
    const pid = elasticsearch.pid(run) as number
    process.kill(pid, 'SIGSTOP')
    setTimeout(() => process.kill(pid, 'SIGCONT'), 1500)
    const settled = await settle(searches(64), { timeout: 400 })
    expectAll(settled, 64)
    expect(said).toContain('searchEs got no answer within 400 ms')
  })

  it.each(['kill', 'stop'] as const)('loses nothing when it goes under load and comes back: %s', async (how) => {
    const count = 3000
    const asked = Array.from({ length: count }, (_, i) => (i % 2 === 0 ? search(i) : get(i)))
    let settledCount = 0
    let back: Promise<unknown> = Promise.resolve()
    const tell = () => {
      settledCount++
      if (settledCount === count / 4) back = elasticsearch[how](run).then(() => elasticsearch.start(run))
    }
    const settling = settle(asked, { timeout: 2000, batch: { max: 16 } }, farAway, tell)
    await until('it goes', () => said.length > 0, 60_000)
    expect(settledCount).toBeLessThan(count)
    await back
    expectAll(await settling, count)
    expect(said.some((text) => /ECONNREFUSED|ECONNRESET|other side closed|socket/i.test(text))).toBe(true)
  })
})

describe('searchEs, when Elasticsearch has no room', () => {
  beforeAll(async () => {
    await elasticsearch.stop(run)
    await elasticsearch.start(run, {
      'thread_pool.search.size': '1',
      'thread_pool.search.queue_size': '8',
      'http.max_content_length': '64kb',
    })
  })

  it('asks again what it refuses with 429, until all is found: one search runs, and eight may wait', async () => {
    const settled = await settle(searches(100), { concurrency: 16, batch: { max: 4 } })
    expectAll(settled, 100)
    expect(said.filter((text) => text.includes('429')).length).toBeGreaterThan(0)
  })

  it('asks one by one what is too large together, beyond 64 kB, and nacks only what is too large alone', async () => {
    const long = (length: number) => ({
      bool: { must: [search(3).query], must_not: { term: { text: 'x'.repeat(length) } } },
    })
    const asked = [1, 10_000, 10_000, 100_000, 10_000, 10_000, 10_000, 10_000, 10_000].map((length) => ({
      index,
      query: long(length),
    }))
    const { acked, nacked, error, values } = await settle(asked)
    expect(error).toBeUndefined()
    expect([acked, [...nacked.keys()]]).toEqual([[0, 1, 2, 4, 5, 6, 7, 8], [3]])
    expect(values.map(({ hit }) => hit?._source.n)).toEqual(Array(8).fill(3))
    expect(String(nacked.get(3))).toContain('413')
  })
})
