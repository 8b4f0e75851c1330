import { counted } from '../counted.ts'
import type { RealKafka } from '../kafka.ts'
import { mailServer } from '../mailServer.ts'
import { type Draw, pick } from '../seeded.ts'
import type { UseCase, UseCaseOptions } from '../useCase.ts'

const USERS = ['ada', 'Łukasz', 'o"neil', 'new\nline', '$\x7buser}', '日本', '\\back', '']
const SYMBOLS = ['ACME', 'B"C', "D'E", 'F\nG', '$\x7b1+1}', '") |> drop()', '😀']

/** Each order has a quantity of its own, which tells its e-mail. */
export async function confirmOrdersCase(real: RealKafka, draw: Draw, options: UseCaseOptions): Promise<UseCase> {
  const prefix = `${real.uniqueName('rkt')}-`
  const input = `${prefix}orders`
  await real.createTopic(input, options.partitions)
  const server = await mailServer(options.latency)
  const orders = Array.from({ length: options.count }, (_, i) => order(draw, i))
  const keyOf = new Map<string, string>()
  return {
    prefix,
    input,
    groupId: `${prefix}confirm-orders`,
    place: { mailUrl: server.url },
    messages: orders.map((one) => ({ key: one.id, value: JSON.stringify(one) })),
    expected: new Map(orders.map((one) => [String(one.quantity), mailText(one)])),
    actual: async () => {
      for (const { body, idempotencyKey } of server.mails) sameKey(keyOf, idOf(body), idempotencyKey)
      if (new Set(keyOf.values()).size < keyOf.size) throw new Error('Two e-mails have one Idempotency-Key')
      return new Map(server.mails.map(({ body }) => [idOf(body), sorted(JSON.parse(body))]))
    },
    effects: async () => counted(server.mails.map(({ body }) => idOf(body))),
    close: () => server.close(),
  }
}

function order(draw: Draw, i: number) {
  return {
    id: `order-${i}`,
    user_id: `${pick(draw, USERS)}-${draw(200)}`,
    symbol: pick(draw, SYMBOLS),
    quantity: i + 1,
    timestamp: new Date(Date.UTC(2026, 2, 1) + i * 10).toISOString(),
  }
}

function mailText({ user_id, quantity, symbol }: ReturnType<typeof order>): string {
  return sorted({ user: user_id, subject: 'Order Confirmation', body: `Order: ${quantity} shares of ${symbol}` })
}

function sorted(mail: object): string {
  return JSON.stringify(Object.entries(mail).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function idOf(body: string): string {
  return /Order: (\d+) shares/.exec(body)?.[1] ?? body
}

/** The receiver can tell a repetition only by the same key. */
function sameKey(keyOf: Map<string, string>, id: string, key: string): void {
  const before = keyOf.get(id) ?? key
  if (before !== key) throw new Error(`Order ${id} came with the keys ${before} and ${key}`)
  keyOf.set(id, key)
}
