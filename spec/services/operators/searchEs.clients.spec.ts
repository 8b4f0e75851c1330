import { randomBytes } from 'node:crypto'
import { Client as Client9 } from '@elastic/elasticsearch'
import { Client as Client8 } from 'elasticsearch-8'
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from 'vitest'
import { errorClassOf } from '../../../lib/errors.ts'
import { type EsGet, type EsLike, type EsSearch, searchEs } from '../../../operators/searchEs/searchEs.ts'
import { connectionSettings } from '../../../services/defaults.ts'
import { throughOperator } from '../support/throughOperator.ts'

const node = connectionSettings().esUrl
const index = `search-clients-${randomBytes(4).toString('hex')}`
const clients = { 8: new Client8({ node }), 9: new Client9({ node }) }
const silent = { 8: new Client8({ node: 'http://127.0.0.1:9' }), 9: new Client9({ node: 'http://127.0.0.1:9' }) }

interface Page {
  readonly text: string
}

const search = (text: string): EsSearch<Page> => ({ index, query: { match: { text } } })
const get = (id: string): EsGet<Page> => ({ index, id })

function settle(es: EsLike, asked: readonly (EsSearch<Page> | EsGet<Page>)[]) {
  const options = { into: 'hit', retry: { attempts: 2, delay: 1 } } as const
  return throughOperator(
    asked,
    searchEs(es, (one: EsSearch<Page> | EsGet<Page>) => one, options),
  )
}

beforeAll(async () => {
  const mappings = { properties: { text: { type: 'text' } } } as const
  await clients[9].indices.create({ index, settings: { number_of_replicas: 0 }, mappings })
  for (const text of ['first', 'second']) await clients[9].index({ index, id: text, document: { text } })
  await clients[9].indices.refresh({ index })
})

afterAll(async () => {
  await clients[9].indices.delete({ index })
  for (const client of [...Object.values(clients), ...Object.values(silent)]) await client.close()
})

describe.each([8, 9] as const)('searchEs, with version %i of the client', (version) => {
  const es = clients[version]

  it('is given a Client as it is', () => {
    expectTypeOf(es).toExtend<EsLike>()
  })

  it('finds by a query and by an id', async () => {
    const { values, error } = await settle(es, [search('second'), get('first'), search('none'), get('none')])
    expect(error).toBeUndefined()
    expect(values.map(({ hit }) => hit && [hit._id, hit._source.text])).toEqual([
      ['second', 'second'],
      ['first', 'first'],
      null,
      null,
    ])
  })

  it('nacks only what is refused', async () => {
    const bad: EsSearch<Page> = { index, query: { bogus: {} } }
    const { acked, nacked } = await settle(es, [search('first'), bad, get('second')])
    expect([acked, [...nacked.keys()]]).toEqual([[0, 2], [1]])
    expect(errorClassOf(nacked.get(1))).toBe('permanent')
    expect(String(nacked.get(1))).toContain('refused the search with 400: parsing_exception: unknown query [bogus]')
  })

  it.each([
    ['a query', { ...search('first'), index: 'no-such-index' }],
    ['an id', { ...get('first'), index: 'no-such-index' }],
  ])('errors when the index of %s does not exist', async (_, asked) => {
    const { error, nacked } = await settle(es, [asked])
    expect(errorClassOf(error)).toBe('fatal')
    expect(error?.message).toContain('index_not_found_exception: no such index [no-such-index]; create the index')
    expect(nacked.size).toBe(0)
  })

  it('gives up when nobody listens, only after its own tries', async () => {
    const { nacked } = await settle(silent[version], [search('first'), get('first')])
    expect([...nacked.values()].map(String)).toEqual([
      expect.stringContaining('searchEs gave up after 2 tries: Got no answer from Elasticsearch: connect ECONNREFUSED'),
      expect.stringContaining('gave up after 2 tries'),
    ])
  })
})
