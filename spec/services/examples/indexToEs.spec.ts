import { randomBytes } from 'node:crypto'
import { Client } from '@elastic/elasticsearch'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type BulkLike, indexToEs } from '../../../examples/indexToEs.ts'
import { errorClassOf } from '../../../lib/errors.ts'
import { connectionSettings } from '../../../services/defaults.ts'
import { HOSTILE } from '../../support/hostile.ts'
import { serve } from '../support/ownServer.ts'
import { throughOperator } from '../support/throughOperator.ts'

const { esUrl } = connectionSettings()
const es = new Client({ node: esUrl })
const index = `own-${randomBytes(4).toString('hex')}`

interface Note {
  readonly text: string
  readonly n: unknown
}

const notes = HOSTILE.map((text, n): Note => ({ text, n }))
const settle = (client: BulkLike, values: readonly object[], options = {}) =>
  throughOperator(values, indexToEs(client, index, { retry: { delay: 10 }, ...options }))

/** The documents of the index, by their ids. */
async function documents(): Promise<Map<string, Note>> {
  await es.indices.refresh({ index })
  const { hits } = await es.search<Note>({ index, size: 1000 })
  return new Map(hits.hits.map(({ _id, _source }) => [_id as string, _source as Note]))
}

beforeAll(async () => {
  await es.indices.create({
    index,
    settings: { number_of_shards: 1, number_of_replicas: 0 },
    mappings: { properties: { text: { type: 'keyword', ignore_above: 20_000 }, n: { type: 'integer' } } },
  })
})

afterAll(async () => {
  await es.indices.delete({ index })
  await es.close()
})

describe('indexToEs, with a real Elasticsearch', () => {
  it('writes each of 200 hostile strings as it is, and the same documents at a replay', async () => {
    for (const _delivery of ['first', 'second']) {
      const { acked, nacked, error } = await settle(es, notes)
      expect([acked.length, nacked.size, error]).toEqual([200, 0, undefined])
      expect(await documents()).toEqual(new Map(notes.map((note, place) => [`topic-0-${place}`, note])))
    }
  })

  it('nacks a document that the mapping refuses, and writes the others of its request', async () => {
    const { acked, nacked } = await settle(es, [
      { text: 'x', n: 1 },
      { text: 'y', n: 'many' },
      { text: 'z', n: 3 },
    ])
    expect([[...acked].sort(), [...nacked.keys()]]).toEqual([[0, 2], [1]])
    expect(errorClassOf(nacked.get(1))).toBe('permanent')
    expect(String(nacked.get(1))).toMatch(/refused the document with 400: .*document_parsing_exception/)
    expect((await documents()).get('topic-0-2')).toEqual({ text: 'z', n: 3 })
  })

  it('ends the stream where the index is closed to it', async () => {
    await es.indices.putSettings({ index, settings: { 'index.blocks.write': true } })
    try {
      const { error, abandoned } = await settle(es, [{ text: 'x' }])
      expect(error).toMatchObject({ name: 'FatalError', message: expect.stringContaining('cluster_block_exception') })
      expect(abandoned).toEqual([0])
    } finally {
      await es.indices.putSettings({ index, settings: { 'index.blocks.write': false } })
    }
  })

  it('loses nothing when the server is away, cuts connections and is too busy', async () => {
    const behind = async (body: string) => {
      const headers = { 'content-type': 'application/vnd.elasticsearch+x-ndjson; compatible-with=9' }
      const accept = 'application/vnd.elasticsearch+json; compatible-with=9'
      const answer = await fetch(`${esUrl}/_bulk`, { method: 'PUT', headers: { ...headers, accept }, body })
      return { text: await answer.text(), type: answer.headers.get('content-type') ?? '' }
    }
    const server = await serve((response, call, { body }) => {
      response.setHeader('x-elastic-product', 'Elasticsearch')
      if (call === 1) response.socket?.destroy()
      else if (call === 2) response.writeHead(429, { 'content-type': 'application/json' }).end('{"error":"busy"}')
      else void behind(body).then(({ text, type }) => response.writeHead(200, { 'content-type': type }).end(text))
    })
    const client = new Client({ node: new URL(server.url).origin })
    try {
      const { acked, nacked, error } = await settle(client, notes)
      expect([acked.length, nacked.size, error]).toEqual([200, 0, undefined])
      expect((await documents()).size).toBe(200)
    } finally {
      await client.close()
      await server.kill()
    }
  })
})
