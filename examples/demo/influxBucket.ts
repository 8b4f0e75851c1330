import type { ConnectionSettings } from '../../services/defaults.ts'
import type { Price } from './data.ts'
import type { Undo } from './undo.ts'

/** Points in a write. */
const CHUNK = 10_000

/** Makes a bucket that holds the prices. Gives its name. */
export async function createBucket(
  settings: ConnectionSettings,
  name: string,
  prices: readonly Price[],
  undo: Undo,
): Promise<string> {
  const { influxOrg } = settings
  const found = await ask<{ orgs: { id: string }[] }>(
    settings,
    'GET',
    `orgs?${new URLSearchParams({ org: influxOrg })}`,
  )
  const made = await ask<{ id: string }>(
    settings,
    'POST',
    'buckets',
    JSON.stringify({ orgID: found.orgs[0]?.id, name }),
  )
  undo.add(`delete bucket ${name}`, () => ask(settings, 'DELETE', `buckets/${made.id}`))
  const target = new URLSearchParams({ org: influxOrg, bucket: name, precision: 'ms' })
  for (let i = 0; i < prices.length; i += CHUNK) {
    await ask(
      settings,
      'POST',
      `write?${target}`,
      prices
        .slice(i, i + CHUNK)
        .map(lineOf)
        .join('\n'),
    )
  }
  return name
}

/** A point in InfluxDB's line protocol. */
function lineOf({ symbol, at, price }: Price): string {
  return `marketdata,symbol=${symbol} price=${price} ${at}`
}

async function ask<T>(settings: ConnectionSettings, method: string, path: string, body?: string): Promise<T> {
  const { influxUrl, influxToken } = settings
  const response = await fetch(`${influxUrl}/api/v2/${path}`, {
    method,
    headers: { authorization: `Token ${influxToken}` },
    ...(body === undefined ? {} : { body }),
  })
  const text = await response.text()
  if (!response.ok) {
    throw new Error(
      `Cannot prepare InfluxDB at ${influxUrl}: ${method} ${path} was answered with ${response.status} ${text}; see to INFLUX_ORG and INFLUX_TOKEN`,
    )
  }
  return (text === '' ? undefined : JSON.parse(text)) as T
}
