import { connectionSettings } from '../../../../services/defaults.ts'

/** A bucket of one spec. */
export interface Bucket {
  readonly name: string
  delete(): Promise<void>
}

/** Makes a bucket. */
export async function createBucket(name: string): Promise<Bucket> {
  const { orgs } = await call<{ orgs: { id: string }[] }>('GET', `orgs?org=${connectionSettings().influxOrg}`)
  const { id } = await call<{ id: string }>('POST', 'buckets', { name, orgID: orgs[0]?.id, retentionRules: [] })
  return { name, delete: () => call('DELETE', `buckets/${id}`) }
}

async function call<T>(method: string, path: string, body?: object): Promise<T> {
  const { influxUrl, influxToken } = connectionSettings()
  const headers = { authorization: `Token ${influxToken}`, 'content-type': 'application/json' }
  const sent = body === undefined ? {} : { body: JSON.stringify(body) }
  const response = await fetch(`${influxUrl}/api/v2/${path}`, { method, headers, ...sent })
  const text = await response.text()
  if (!response.ok) throw new Error(`Cannot ${method} ${path} of InfluxDB: ${response.status} ${text}`)
  return (text === '' ? undefined : JSON.parse(text)) as T
}
