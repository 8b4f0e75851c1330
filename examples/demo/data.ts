import { randomFrom } from './random.ts'
import { adjectives, deeds, names, nouns, strangers, symbols } from './words.ts'

export interface ActivityJson {
  readonly user: string
  readonly message: string
  readonly timestamp: string
}

export interface OrderJson {
  readonly id: string
  readonly user_id: string
  readonly symbol: string
  readonly quantity: number
  readonly timestamp: string
}

export interface SearchJson {
  readonly query_string: string
}

/** The price of a symbol from an instant on, in ms since 1970. */
export interface Price {
  readonly symbol: string
  readonly at: number
  readonly price: number
}

export interface Document {
  readonly id: string
  readonly text: string
}

/** All that the demo begins with: what comes by Kafka, and what the servers hold. */
export interface DemoData {
  readonly activities: readonly ActivityJson[]
  /** Text is an order that can't be decoded. */
  readonly orders: readonly (OrderJson | string)[]
  readonly searches: readonly SearchJson[]
  readonly prices: readonly Price[]
  readonly documents: readonly Document[]
}

/** When New York opens. The day is fixed, so that equal seeds give equal data. */
const OPEN = Date.UTC(2026, 0, 5, 14, 30)
/** Orders come ten a second of the market's time; each symbol has a price every five seconds. In ms. */
const ORDER_GAP = 100
const TICK = 5000

/** Makes the demo's data. */
export function demoData(messages: number, seed: number): DemoData {
  const random = randomFrom(seed)
  const pick = <T>(from: readonly T[]) => from[random(from.length)] as T
  const some = <T>(make: (index: number) => T) => Array.from({ length: messages }, (_, index) => make(index))
  const user = () => `${pick(names)}-${random(20)}`
  const bad = badPlaces(messages)
  return {
    activities: some((i) => ({ user: user(), message: `${pick(deeds)} ${i}`, timestamp: iso(OPEN + i * 1000) })),
    orders: some((i) => bad.get(i) ?? order(i, user(), pick(symbols), random)),
    searches: some(() => ({ query_string: random(20) === 0 ? pick(strangers) : `${pick(adjectives)} ${pick(nouns)}` })),
    prices: prices(messages, random),
    documents: documents(),
  }
}

/** The first messages of each topic. */
export function firstOf(data: DemoData, count: number): DemoData {
  const { activities, orders, searches } = data
  return {
    ...data,
    activities: activities.slice(0, count),
    orders: orders.slice(0, count),
    searches: searches.slice(0, count),
  }
}

/** A tenth of the orders come exactly at a price's instant, and a tenth a millisecond before one. */
function order(index: number, user_id: string, symbol: string, random: (below: number) => number): OrderJson {
  const now = OPEN + index * ORDER_GAP
  const tick = now - (now % TICK)
  const at = [tick, tick - 1][random(10)] ?? now + random(ORDER_GAP)
  const id = `order-${String(index).padStart(6, '0')}`
  return { id, user_id, symbol, quantity: 1 + random(500), timestamp: iso(at) }
}

/** Three orders that are no orders, spread over the run. */
function badPlaces(messages: number): ReadonlyMap<number, string> {
  const bad = [
    '{"id":"order-?","quantity":',
    '{"id":"order-?","user_id":"ada","quantity":"many"}',
    '\u0000\u0001\u0002',
  ]
  return new Map(messages < 8 ? [] : bad.map((text, i) => [Math.floor(((i + 1) * messages) / 4), text]))
}

/** A random walk for each symbol. It begins after the first twentieth of the orders, which find no price. */
function prices(messages: number, random: (below: number) => number): Price[] {
  const ticks = Math.ceil((messages * ORDER_GAP) / TICK)
  const first = Math.ceil(ticks / 20)
  return symbols.flatMap((symbol) => {
    let cents = 2000 + random(20_000)
    return Array.from({ length: ticks - first + 1 }, (_, i) => {
      cents = Math.max(100, cents + random(201) - 100)
      return { symbol, at: OPEN + (first + i) * TICK, price: cents / 100 }
    })
  })
}

/** A document for each adjective and noun, all of one length: who has both words of a query is its top hit. */
function documents(): Document[] {
  return adjectives.flatMap((adjective) =>
    nouns.map((noun) => ({ id: `${adjective}-${noun}`, text: `the ${adjective} ${noun}` })),
  )
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
