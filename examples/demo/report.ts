import type { Account } from './accounting.ts'
import type { DemoData } from './data.ts'
import { goodOrders } from './expected.ts'
import { pipelines } from './pipelines.ts'
import type { DemoServers } from './servers.ts'
import { number } from './view.ts'

const COLUMNS = ['produced', 'processed', 'deadLettered', 'lost', 'wrong', 'repeated'] as const
const TITLES = { deadLettered: 'dead-lettered' } as Readonly<Partial<Record<string, string>>>

/** The books as a table. */
export function accountLines(account: Account): readonly string[] {
  const cells = (texts: readonly string[]) => texts.map((text) => text.padStart(14)).join('')
  const rows = pipelines.map(({ name }) => ({ name, part: account.pipelines[name] }))
  const line = (name: string, part: Pick<Account, (typeof COLUMNS)[number]>) =>
    `  ${name.padEnd(18)}${cells(COLUMNS.map((column) => number(part[column])))}`
  return [
    `  ${''.padEnd(18)}${cells(COLUMNS.map((column) => TITLES[column] ?? column))}     committed`,
    ...rows.map(({ name, part }) => `${line(name, part)}     ${committedText(part.uncommitted)}`),
    `${line('all', account)}     ${account.committed ? 'all' : 'not all'}`,
  ]
}

function committedText(uncommitted: readonly number[]): string {
  return uncommitted.length === 0 ? '= end of each partition' : `not to the end of ${uncommitted.join(', ')}`
}

/** A few results, as those see them for whom the pipelines work. */
export async function exampleLines(servers: DemoServers, data: DemoData): Promise<readonly string[]> {
  return [
    ...(await feedLines(servers, data)),
    ...mailLines(servers),
    ...(await orderLines(servers, data)),
    ...(await searchLines(servers)),
  ]
}

async function feedLines({ sortedSet, prefix }: DemoServers, { activities }: DemoData): Promise<readonly string[]> {
  const user = activities.at(-1)?.user ?? ''
  const latest = (await sortedSet(prefix + user)).slice(-3).reverse()
  const entries = latest.map(([member, score]) => `    ${new Date(score).toISOString().slice(11, 19)}  ${member}`)
  return [`  The feed of ${user}, from Redis, the latest first`, ...entries]
}

function mailLines(servers: DemoServers): readonly string[] {
  const mail = servers.mails().at(-1)
  return mail === undefined ? [] : [`  An e-mail to ${mail.user}`, `    ${mail.subject}`, `    ${mail.body}`]
}

async function orderLines(servers: DemoServers, data: DemoData): Promise<readonly string[]> {
  const wanted = goodOrders(data).at(-1)?.id
  const found = (await servers.read(`${servers.prefix}quality_topic`)).find(({ key }) => key === wanted)
  if (found === undefined) return []
  const { symbol, quantity, timestamp, market_price } = JSON.parse(found.value)
  const time = timestamp.slice(11, 19)
  return [
    `  Order ${wanted}, from quality_topic`,
    `    ${quantity} ${symbol} at ${time}, when one cost ${market_price}`,
  ]
}

async function searchLines(servers: DemoServers): Promise<readonly string[]> {
  const found = (await servers.read(`${servers.prefix}top_results_topic`)).findLast(({ key }) => key !== null)
  if (found === undefined) return []
  const { query_string, top_result } = JSON.parse(found.value)
  return [
    `  A search for "${query_string}", from top_results_topic`,
    `    ${top_result._id}: ${top_result._source.text}`,
  ]
}
