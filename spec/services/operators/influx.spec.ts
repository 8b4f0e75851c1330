import { randomBytes } from 'node:crypto'
import { InfluxDB } from '@influxdata/influxdb-client'
import { afterAll, expect } from 'vitest'
import type { InfluxWrite } from '../../../lib/testing/index.ts'
import { connectionSettings } from '../../../services/defaults.ts'
import { influxSuite } from '../../operators/influx.suite.ts'

const { influxUrl: url, influxOrg: org, influxToken: token } = connectionSettings()
const bucket = `suite-${randomBytes(4).toString('hex')}`
let bucketId: string

async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const response = await fetch(`${url}${path}`, { ...init, headers: { authorization: `Token ${token}` } })
  expect(response.status, await response.clone().text()).toBeLessThan(300)
  return response
}

afterAll(() => ask(`/api/v2/buckets/${bucketId}`, { method: 'DELETE' }))

influxSuite('InfluxDB', async () => {
  const { orgs } = (await (await ask(`/api/v2/orgs?org=${org}`)).json()) as { orgs: { id: string }[] }
  const body = JSON.stringify({ orgID: orgs[0]?.id, name: bucket, retentionRules: [] })
  bucketId = ((await (await ask('/api/v2/buckets', { method: 'POST', body })).json()) as { id: string }).id
  return {
    influx: new InfluxDB({ url, token }),
    org,
    bucket,
    write: async (points) => {
      const lines = points.map(lineOf)
      await ask(`/api/v2/write?org=${org}&bucket=${bucket}&precision=ns`, { method: 'POST', body: lines.join('\n') })
    },
    failing: (how) => new InfluxDB(how === 'fatal' ? { url, token: 'wrong' } : { url: 'http://127.0.0.1:1', token }),
  }
})

/** A point in InfluxDB's line protocol. */
function lineOf({ measurement, tags = {}, fields, at }: InfluxWrite): string {
  const text = (word: string) => word.replace(/[,= ]/g, '\\$&')
  const written = (value: InfluxWrite['fields'][string]) => {
    if (typeof value === 'string') return JSON.stringify(value)
    return typeof value === 'bigint' ? `${value}i` : String(value)
  }
  const series = [text(measurement), ...Object.entries(tags).map(([name, value]) => `${text(name)}=${text(value)}`)]
  const values = Object.entries(fields).map(([name, value]) => `${text(name)}=${written(value)}`)
  return `${series.join()} ${values.join()} ${at}`
}
