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

/** The same with what a request should have: a time limit, and a key by which the receiver knows it again. */
export const postSafelyByHand: Variant = (input, meter) =>
  eachBatchByHand(input, meter, (messages) =>
    pool(messages, 16, async (message) => {
      const limit = new AbortController()
      const timer = setTimeout(() => limit.abort(), 10_000)
      const headers = { 'idempotency-key': `${input.groupId}/${message.offset}` }
      await post(input.place.postUrl, mailOf(parsed<Order>(message)), { headers, signal: limit.signal })
      clearTimeout(timer)
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

/** How a request may be made beside. */
interface Init {
  readonly headers?: Record<string, string>
  readonly signal?: AbortSignal
}

export async function post(url: string, mail: object, init: Init = {}): Promise<void> {
  const headers = { 'content-type': 'application/json', ...init.headers }
  const response = await fetch(url, { ...init, method: 'POST', headers, body: JSON.stringify(mail) })
  await response.text()
  if (!response.ok) throw new Error(`The mail service answered with ${response.status}`)
}
