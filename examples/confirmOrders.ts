import { fetch as crossFetch } from 'cross-fetch'
import { ack, type Broker, fromTopic, topic } from 'rxjs-kafka-toolkit'
import { type FetchLike, postTo } from 'rxjs-kafka-toolkit/operators'
import { Order } from './Order.ts'
import type { PipelineOptions } from './PipelineOptions.ts'

/** By what e-mails are sent. */
export interface Emailer extends PipelineOptions {
  /** @default cross-fetch */
  readonly fetch?: FetchLike
}

/** Has a mail service confirm each order to whoever gave it. */
export function confirmOrders(
  kafka: Broker,
  emailerUrl: string,
  { prefix = '', fetch = crossFetch, ...options }: Emailer = {},
) {
  const orders = topic(`${prefix}orders`, Order)
  return fromTopic(kafka, orders, { groupId: `${prefix}confirm-orders`, ...options }).pipe(
    postTo(
      emailerUrl,
      (o) => ({ user: o.user_id, subject: 'Order Confirmation', body: `Order: ${o.quantity} shares of ${o.symbol}` }),
      { fetch },
    ),
    ack(),
  )
}
