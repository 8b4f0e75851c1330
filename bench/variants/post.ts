import { fetch } from 'cross-fetch'
import { postTo } from '../../operators/index.ts'
import type { Order } from '../messages.ts'
import { eachBatchByHand, eachMessageByHand, parsed, pool } from './byHand.ts'
import { through } from './ours.ts'
import type { Variant } from './variant.ts'

export const mailOf = ({ user_id, quantity, symbol }: Pick<Order, 'user_id' | 'quantity' | 'symbol'>) => ({
  user: user_id,
  subject: 'Order Confirmation',
  body: `Order: ${quantity} shares of ${symbol}`,
})

/** By hand: 16 requests of a fetched batch under way, whatever their keys. */
export const postByHand: Variant = (input, meter) =>
  eachBatchByHand(input, meter, (messages) =>
    pool(messages, 16, async (message) => {
      await post(input.place.postUrl, mailOf(parsed<Order>(message)))
      meter.count()
    }),
  )

/** What most people write. */
export const postEachMessage: Variant = (input, meter) =>
  eachMessageByHand(input, meter, async (message) => {
    await post(input.place.postUrl, mailOf(parsed<Order>(message)))
    meter.count()
  })

/** `postTo`. */
export const posted: Variant = through<Order>(({ place }) => postTo(place.postUrl, mailOf))

export async function post(url: string, mail: object): Promise<void> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(mail) })
  await response.text()
  if (!response.ok) throw new Error(`The mail service answered with ${response.status}`)
}
