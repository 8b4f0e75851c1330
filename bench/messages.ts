/** What most messages of the benchmark say, in about 120 bytes of JSON. */
export interface Order {
  readonly id: string
  readonly user_id: string
  readonly symbol: string
  readonly quantity: number
  readonly timestamp: string
  /** When it was due to be sent, in ms since 1970, where latency is measured. */
  readonly due?: number
}

/** What messages of the three kinds of topics say; the names are those of the examples' topics. */
export type Kind = 'orders' | 'feed_activities' | 'search_queries'

/** Which messages. */
export interface Make {
  readonly kind: Kind
  /** Bytes of a value, when it is to be longer than the message. */
  readonly bytes?: number
  /** The share of the messages that have one and the same key. */
  readonly hot?: number
  /** So many different times in ten minutes, in no order; by default each message has its own, in order. */
  readonly times?: number
}

/** Keys, and so lanes, among the messages. */
const USERS = 1000
/** The first instant of the messages; each is 100 ms after the one before it. */
export const FIRST = Date.UTC(2026, 0, 5)
export const STEP = 100
export const SYMBOLS = 100
/** How many steps there are to the last instant of those that are in no order. */
export const SPAN = 6000

/** The words that searches and articles are made of. */
export const words =
  'alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november oscar papa quebec romeo sierra tango'.split(
    ' ',
  )
/** The n-th of all pairs of words. */
export const pair = (n: number): string =>
  `${words[n % words.length]} ${words[Math.floor(n / words.length) % words.length]}`

/** The n-th message, the same in every run, but for when it is due. */
export function messageOf(
  n: number,
  { kind, bytes = 0, hot = 0, times }: Make,
  due?: number,
): { key: string; value: string } {
  const user = `user-${hot > 0 && n % 100 < hot * 100 ? 0 : n % USERS}`
  // A prime: all places are met before one is met again.
  const place = times === undefined ? n : ((n * 7919) % times) * Math.floor(SPAN / times)
  const timestamp = new Date(FIRST + place * STEP).toISOString()
  const fields = { ...makers[kind](n, user, timestamp), ...(due === undefined ? {} : { due }) }
  const value = JSON.stringify(fields)
  const missing = bytes - value.length - ',"note":""'.length
  return { key: user, value: missing > 0 ? JSON.stringify({ ...fields, note: 'x'.repeat(missing) }) : value }
}

const makers: Readonly<Record<Kind, (n: number, user: string, timestamp: string) => object>> = {
  orders: (n, user, timestamp): Order => ({
    id: `order-${n}`,
    user_id: user,
    symbol: `SYM${n % SYMBOLS}`,
    quantity: n % 997,
    timestamp,
  }),
  feed_activities: (n, user, timestamp) => ({
    user,
    message: `activity-${n} hello from the feed of today`,
    timestamp,
  }),
  search_queries: (n) => ({ query_string: pair(n) }),
}

/** The n-th order. */
export const orderMessage = (n: number) => messageOf(n, { kind: 'orders' })

/** What each variant does with a value, and with which it goes on. */
export const raised = (order: Order): Order => ({ ...order, quantity: order.quantity + 1 })

/** Drops one in ten. */
export const isKept = (order: Order): boolean => order.quantity % 10 !== 0
