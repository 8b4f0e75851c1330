import type { Observable } from 'rxjs'
import { type Broker, deadLetter } from 'rxjs-kafka-toolkit'
import type { EsLike, FluxQuery, InfluxLike, RedisLike } from 'rxjs-kafka-toolkit/operators'
import { answerSearches } from '../answerSearches.ts'
import { checkOrderQuality } from '../checkOrderQuality.ts'
import { confirmOrders } from '../confirmOrders.ts'
import { saveActivities } from '../saveActivities.ts'

/** The clients that the pipelines use. */
export interface PipelineClients {
  readonly kafka: Broker
  readonly redis: RedisLike
  readonly emailerUrl: string
  readonly influx: InfluxLike | FluxQuery
  readonly org: string
  readonly bucket: string
  readonly es: EsLike
  /** Goes before the names of topics, groups, keys and indexes. */
  readonly prefix: string
}

export type PipelineName = 'saveActivities' | 'confirmOrders' | 'checkOrderQuality' | 'answerSearches'

/** A pipeline as the demo shows it. Names are without prefix. */
export interface PipelineDescription {
  readonly name: PipelineName
  readonly groupId: string
  readonly input: InputTopic
  readonly does: string
}

export type InputTopic = 'feed_activities' | 'orders' | 'search_queries'

/** Where orders go that can't be decoded. */
export const FAILED_ORDERS = 'orders.failed'

export const pipelines: readonly PipelineDescription[] = [
  { name: 'saveActivities', groupId: 'save-activities', input: 'feed_activities', does: 'feeds to Redis' },
  { name: 'confirmOrders', groupId: 'confirm-orders', input: 'orders', does: 'e-mails by HTTP' },
  { name: 'checkOrderQuality', groupId: 'order-quality', input: 'orders', does: 'prices of InfluxDB' },
  { name: 'answerSearches', groupId: 'answer-searches', input: 'search_queries', does: 'hits of Elasticsearch' },
]

/** Every topic of the demo. */
export const topics = [
  'feed_activities',
  'orders',
  'search_queries',
  'quality_topic',
  'top_results_topic',
  FAILED_ORDERS,
] as const

/** Makes the four pipelines, as an application would. */
export function demoPipelines(clients: PipelineClients): readonly Observable<unknown>[] {
  const { kafka, redis, emailerUrl, influx, org, bucket, es, prefix } = clients
  const failing = { prefix, onNack: deadLetter(`${prefix}${FAILED_ORDERS}`) }
  return [
    saveActivities(kafka, redis, { prefix }),
    confirmOrders(kafka, emailerUrl, failing),
    checkOrderQuality(kafka, influx, { org, bucket, ...failing }),
    answerSearches(kafka, es, { prefix }),
  ]
}
