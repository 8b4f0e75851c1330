import * as t from 'io-ts'
import { DateFromISO } from './DateFromISO.ts'

/** An order to buy shares. */
export const Order = t.type({
  id: t.string,
  user_id: t.string,
  symbol: t.string,
  quantity: t.number,
  timestamp: DateFromISO,
})
export type Order = t.TypeOf<typeof Order>
