import * as t from 'io-ts'
import { map, of } from 'rxjs'
import { ack, filterValue, fork, json, mapValue, perBatch, perMessage, topic } from '../../lib/index.ts'
import { Message } from '../../lib/message.ts'
import { isKept, type Order, raised } from '../messages.ts'
import { Feed, order, raw } from './feed.ts'

/** Makes ready, and gives what does an operation so many times. */
type Micro = () => (count: number) => void

type Pipe = (source: Feed['messages']) => { subscribe(): unknown }

/** Sends messages through a pipe. */
const through =
  (pipe: Pipe): Micro =>
  () => {
    const feed = new Feed()
    pipe(feed.messages).subscribe()
    return (count) => feed.send(count)
  }

const repeat =
  (operation: () => unknown): Micro =>
  () =>
  (count) => {
    for (let i = 0; i < count; i++) operation()
  }

const plain = json<Order>()
const checked = topic(
  'orders',
  t.type({ id: t.string, user_id: t.string, symbol: t.string, quantity: t.number, timestamp: t.string }),
)

/** How many are in flight where they are acked out of order. */
const IN_FLIGHT = 1000

/** Delivers, and acks in an order that jumps about: 7 has no divisor in common with 1000. */
const shuffledAcks: Micro = () => {
  const { tracker } = new Feed()
  let offset = 0
  return (count) => {
    for (let done = 0; done < count; done += IN_FLIGHT) {
      const first = tracker.delivered
      for (let i = 0; i < IN_FLIGHT; i++) tracker.track(offset++)
      for (let i = 0; i < IN_FLIGHT; i++) tracker.settle(first + ((i * 7) % IN_FLIGHT), 'acked', undefined, raw)
    }
  }
}

const acksInOrder: Micro = () => {
  const { tracker } = new Feed()
  let offset = 0
  return (count) => {
    for (let i = 0; i < count; i++) tracker.settle(tracker.track(offset++), 'acked', undefined, raw)
  }
}

const views: Micro = () => {
  const { tracker } = new Feed()
  // What nobody keeps would never be made.
  let kept: Message<Order> | undefined
  return (count) => {
    for (let i = 0; i < count; i++) kept = new Message(order, raw, tracker, i).with(order)
    if (kept === undefined) throw new Error('Expected a view')
  }
}

/** The operations of the hot path, by the names that the case uses. */
export const micros = {
  decode: repeat(() => plain.decode(raw.value)),
  decodeChecked: repeat(() => checked.decode(raw.value)),
  encode: repeat(() => plain.encode(order)),
  acksInOrder,
  shuffledAcks,
  views,
  ack: through((source) => source.pipe(ack())),
  valueChain: through((source) => source.pipe(mapValue(raised), filterValue(isKept), ack())),
  chain: through((source) => source.pipe(perMessage(map(raised)), ack())),
  batch: through((source) =>
    source.pipe(
      perBatch(
        (value: Order) => value,
        (orders) => of(orders.map((value) => ({ value }))),
        { batch: { max: 500 }, repeats: true },
      ),
      ack(),
    ),
  ),
  twoBranches: through((source) => source.pipe(fork(mapValue(raised), mapValue(raised)), ack())),
} satisfies Record<string, Micro>

export type MicroName = keyof typeof micros
