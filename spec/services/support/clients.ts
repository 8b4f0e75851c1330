import { Client } from '@elastic/elasticsearch'
import { InfluxDB } from '@influxdata/influxdb-client'
import { Redis } from 'ioredis'
import { connectionSettings } from '../../../services/defaults.ts'

/** Clients of the real servers, as an application would make them. */
export function redisClient(): Redis {
  return new Redis(connectionSettings().redisUrl)
}

export function influxClient(token = connectionSettings().influxToken): InfluxDB {
  return new InfluxDB({ url: connectionSettings().influxUrl, token })
}

export function esClient(): Client {
  return new Client({ node: connectionSettings().esUrl })
}
