import { influxLogin } from '../../services/defaults.ts'
import { servers } from '../../services/servers.ts'
import { lines } from '../market.ts'
import type { Stage, StageSet } from './stages.ts'

/** Lines of one write. */
const PART = 10_000

/** An InfluxDB bucket that holds a price of every symbol for the times of the messages. */
export async function influxStage({ run, topic: { prefix }, instants }: StageSet): Promise<Stage> {
  await servers.influxdb.start(run)
  const url = servers.influxdb.url(run)
  const bucket = `${prefix}marketdata`
  const ask = asker(url)
  const { orgs } = await ask<{ orgs: { id: string }[] }>('GET', `orgs?org=${influxLogin.org}`)
  const { id } = await ask<{ id: string }>('POST', 'buckets', JSON.stringify({ orgID: orgs[0]?.id, name: bucket }))
  const all = lines(instants)
  for (let i = 0; i < all.length; i += PART) {
    const target = `write?org=${influxLogin.org}&bucket=${bucket}&precision=ms`
    await ask('POST', target, all.slice(i, i + PART).join('\n'))
  }
  return {
    place: { influx: { url, bucket, org: influxLogin.org, token: influxLogin.token } },
    // A look-up leaves nothing behind: the variants compare what they find.
    expectDone: async () => {},
    close: async () => {
      await ask('DELETE', `buckets/${id}`)
    },
  }
}

const asker =
  (url: string) =>
  async <T>(method: string, path: string, body?: string): Promise<T> => {
    const headers = { authorization: `Token ${influxLogin.token}` }
    const response = await fetch(`${url}/api/v2/${path}`, { method, headers, ...(body === undefined ? {} : { body }) })
    const text = await response.text()
    if (!response.ok) throw new Error(`InfluxDB answered ${method} ${path} with ${response.status} ${text}`)
    return (text === '' ? undefined : JSON.parse(text)) as T
  }
