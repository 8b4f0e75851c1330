import * as t from 'io-ts'
import { ack, type Broker, fromTopic, topic } from 'rxjs-kafka-toolkit'
import { enrichFromInflux, type FluxQuery, type InfluxLike, sendTo } from 'rxjs-kafka-toolkit/operators'
import { Order } from './Order.ts'
import type { PipelineOptions } from './PipelineOptions.ts'

const OrderQuality = t.intersection([Order, t.type({ market_price: t.union([t.number, t.null]) })])

/** Where the prices are. */
export interface Market extends PipelineOptions {
  readonly org: string
  readonly bucket: string
}

/** Puts beside each order what its shares cost on the market when it was given. */
export function checkOrderQuality(
  kafka: Broker,
  influx: InfluxLike | FluxQuery,
  { prefix = '', org, bucket, ...options }: Market,
) {
  const orders = topic(`${prefix}orders`, Order)
  const quality = topic(`${prefix}quality_topic`, OrderQuality)
  return fromTopic(kafka, orders, { groupId: `${prefix}order-quality`, ...options }).pipe(
    enrichFromInflux(
      influx,
      (o) => ({ measurement: 'marketdata', field: 'price', tags: { symbol: o.symbol }, at: o.timestamp }),
      { into: 'market_price', org, bucket },
    ),
    sendTo(kafka, quality, (o) => ({ key: o.id, value: o })),
    ack(),
  )
}
