import type { DemoData, Document, OrderJson } from './data.ts'
import { answer, type ExpectedResults, feedEntry, mail, quality } from './expected.ts'
import { FAILED_ORDERS } from './pipelines.ts'
import type { DemoServers } from './servers.ts'

/** What the pipelines brought about. */
export interface ObservedResults extends ExpectedResults {
  readonly deadLetters: readonly DeadLetter[]
}

/** A message that could not be decoded: its text, and which group could not read it where. Names are without prefix. */
export interface DeadLetter {
  readonly text: string
  readonly groupId: string | undefined
  readonly topic: string | undefined
}

/** An order as it lies in `quality_topic`. */
type OrderQuality = OrderJson & { readonly market_price: number | null }

/** A search as it lies in `top_results_topic`. */
interface AnsweredSearch {
  readonly query_string: string
  readonly top_result: { readonly _id: string; readonly _source: { readonly text: string } } | null
}

/** Looks at the servers. */
export async function observedResults(servers: DemoServers, data: DemoData): Promise<ObservedResults> {
  const { prefix } = servers
  const [saveActivities, orders, searches, failed] = await Promise.all([
    feeds(servers, data),
    servers.read(`${prefix}quality_topic`),
    servers.read(`${prefix}top_results_topic`),
    servers.read(prefix + FAILED_ORDERS),
  ])
  return {
    saveActivities,
    confirmOrders: servers.mails().map(({ user, subject, body }) => mail(user, body, subject)),
    checkOrderQuality: orders.map(({ key, value }) => {
      const order: OrderQuality = JSON.parse(value)
      return quality(key, order, order.market_price)
    }),
    answerSearches: searches.map(({ key, value }) => {
      const search: AnsweredSearch = JSON.parse(value)
      return answer(search, documentOf(search), key)
    }),
    deadLetters: failed.map(({ value, headers }) => ({
      text: value,
      groupId: headers['dlq.group']?.slice(prefix.length),
      topic: headers['dlq.topic']?.slice(prefix.length),
    })),
  }
}

async function feeds({ sortedSet, prefix }: DemoServers, { activities }: DemoData) {
  const users = [...new Set(activities.map(({ user }) => user))]
  const read = async (user: string) =>
    (await sortedSet(prefix + user)).map(([member, score]) => feedEntry(user, member, score))
  return (await Promise.all(users.map(read))).flat()
}

function documentOf({ top_result }: AnsweredSearch): Document | null {
  return top_result && { id: top_result._id, text: top_result._source.text }
}
