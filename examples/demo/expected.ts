import type { DemoData, Document, OrderJson, SearchJson } from './data.ts'

/** One result: whose it is, and what it says. */
export interface Result {
  readonly id: string
  readonly content: string
}

/** What each pipeline has to bring about. */
export interface ExpectedResults {
  readonly saveActivities: readonly Result[]
  readonly confirmOrders: readonly Result[]
  readonly checkOrderQuality: readonly Result[]
  readonly answerSearches: readonly Result[]
}

/** Orders that can be decoded. */
export function goodOrders({ orders }: DemoData): readonly OrderJson[] {
  return orders.filter((order) => typeof order !== 'string')
}

/** Works the results out from the data alone, by other means than the pipelines and their servers. */
export function expectedResults(data: DemoData): ExpectedResults {
  const orders = goodOrders(data)
  const priceOf = pricesOfOrders(data)
  return {
    saveActivities: data.activities.map(({ user, message, timestamp }) =>
      feedEntry(user, message, Date.parse(timestamp)),
    ),
    confirmOrders: orders.map(({ user_id, quantity, symbol }) =>
      mail(user_id, `Order: ${quantity} shares of ${symbol}`),
    ),
    checkOrderQuality: orders.map((order) => quality(order.id, order, priceOf.get(order.id) ?? null)),
    answerSearches: data.searches.map((search) => answer(search, topHit(data.documents, search))),
  }
}

export function feedEntry(user: string, message: string, score: number): Result {
  return { id: `${user}: ${message}`, content: String(score) }
}

/** An e-mail carries no order id, so it is its own identity. */
export function mail(user: unknown, body: unknown, subject: unknown = 'Order Confirmation'): Result {
  return { id: `${user}: ${body}`, content: String(subject) }
}

export function quality(
  key: string | null,
  { id, user_id, symbol, quantity, timestamp }: OrderJson,
  price: unknown,
): Result {
  return { id, content: JSON.stringify({ key, user_id, symbol, quantity, timestamp, price }) }
}

export function answer({ query_string }: SearchJson, hit: Document | null, key = hit?.id ?? null): Result {
  return { id: query_string, content: JSON.stringify({ key, hit }) }
}

/** Plays the day again, prices before the orders of their instant, and looks at what each symbol costs. */
function pricesOfOrders(data: DemoData): ReadonlyMap<string, number> {
  const ticks = data.prices.map(({ at, symbol, price }) => ({ at, apply: () => void now.set(symbol, price) }))
  const orders = goodOrders(data).map(({ id, symbol, timestamp }) => ({
    at: Date.parse(timestamp),
    apply: () => {
      const price = now.get(symbol)
      if (price !== undefined) paid.set(id, price)
    },
  }))
  const now = new Map<string, number>()
  const paid = new Map<string, number>()
  for (const { apply } of [...ticks, ...orders].sort((a, b) => a.at - b.at)) apply()
  return paid
}

/** The document that has all words of a query. */
function topHit(documents: readonly Document[], { query_string }: SearchJson): Document | null {
  const words = query_string.split(' ')
  return documents.find(({ text }) => words.every((word) => text.split(' ').includes(word))) ?? null
}
