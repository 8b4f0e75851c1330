import * as t from 'io-ts'
import { ack, type Broker, deadLetter, flatMapValue, fromTopic, topic, transaction } from 'rxjs-kafka-toolkit'
import { sendTo } from 'rxjs-kafka-toolkit/operators'
import { Order } from './Order.ts'
import type { PipelineOptions } from './PipelineOptions.ts'

/** A part of an order, as a market takes it. */
const Lot = t.type({ order_id: t.string, part: t.number, symbol: t.string, shares: t.number })
type Lot = t.TypeOf<typeof Lot>

/** How orders are split. */
export interface Splitting extends PipelineOptions {
  /** Shares of a lot at most. @default 100 */
  readonly lotSize?: number
  /** Orders of a partition that are split in one transaction at most. @default 1000 */
  readonly max?: number
}

/** Splits each order into lots, every one of which is written exactly once, whatever crashes. */
export function splitOrders(kafka: Broker, { prefix = '', lotSize = 100, max = 1000, ...options }: Splitting = {}) {
  const orders = topic(`${prefix}orders`, Order)
  const lots = topic(`${prefix}lots`, Lot)
  const tx = transaction(kafka, `${prefix}split-orders`, { max })
  const onNack = deadLetter(`${prefix}orders.failed`)
  return fromTopic(kafka, orders, { groupId: `${prefix}split-orders`, commit: tx, onNack, ...options }).pipe(
    flatMapValue((order) => lotsOf(order, lotSize)),
    sendTo(kafka, lots, (lot) => ({ key: lot.symbol, value: lot }), { transaction: tx }),
    ack(),
  )
}

function lotsOf({ id, symbol, quantity }: Order, lotSize: number): Lot[] {
  if (!(quantity > 0)) throw new Error(`Expected the quantity of order ${id} to be above 0, got ${quantity}`)
  return Array.from({ length: Math.ceil(quantity / lotSize) }, (_, part) => {
    const shares = Math.min(lotSize, quantity - part * lotSize)
    return { order_id: id, part, symbol, shares }
  })
}
