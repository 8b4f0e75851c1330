import { randomBytes } from 'node:crypto'
import { Client } from '@elastic/elasticsearch'
import { afterAll } from 'vitest'
import { connectionSettings } from '../../../services/defaults.ts'
import { esSuite } from '../../operators/es.suite.ts'

const { esUrl } = connectionSettings()
const es = new Client({ node: esUrl })
const run = `suite-${randomBytes(4).toString('hex')}`
const away = new Client({ node: 'http://127.0.0.1:1' })

afterAll(async () => {
  const indices = await es.cat.indices({ index: `${run}-*`, format: 'json' })
  await es.indices.delete({ index: indices.map(({ index }) => index as string) })
  await Promise.all([es.close(), away.close()])
})

esSuite('Elasticsearch', () => ({
  es,
  index: (name) => `${run}-${name}`,
  put: async (index, documents) => {
    await es.indices.create({ index, settings: { number_of_shards: 1, number_of_replicas: 0 } })
    for (const [id, document] of Object.entries(documents)) await es.index({ index, id, document })
    await es.indices.refresh({ index })
  },
  lost: () => away,
}))
