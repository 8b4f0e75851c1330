/** What the messages of the benchmark say, in about 120 bytes of JSON. */
export interface Order {
  readonly id: string
  readonly user_id: string
  readonly symbol: string
  readonly quantity: number
  readonly timestamp: string
}

/** Keys, and so lanes, among the messages. */
const USERS = 1000

/** The n-th message, the same in every run. */
export function orderMessage(n: number): { key: string; value: string } {
  const user = `user-${n % USERS}`
  const order: Order = {
    id: `order-${n}`,
    user_id: user,
    symbol: `SYM${n % 100}`,
    quantity: n % 997,
    timestamp: new Date(Date.UTC(2026, 0, 5) + n * 100).toISOString(),
  }
  return { key: user, value: JSON.stringify(order) }
}

/** What each variant does with a value, and with which it goes on. */
export const raised = (order: Order): Order => ({ ...order, quantity: order.quantity + 1 })

/** Drops one in ten. */
export const isKept = (order: Order): boolean => order.quantity % 10 !== 0
