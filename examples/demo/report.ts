import type { Account } from './accounting.ts'
import type { DemoData } from './data.ts'
import { FAILED_ORDERS, pipelines } from './pipelines.ts'
import type { DemoServers } from './servers.ts'
import { number } from './view.ts'

const COLUMNS = ['produced', 'processed', 'deadLettered', 'lost', 'wrong', 'repeated'] as const
const TITLES: Readonly<Partial<Record<string, string>>> = { deadLettered: 'dead-lettered' }

/** The books as a table. */
export function accountLines(account: Account): readonly string[] {
  const titles = COLUMNS.map((column) => TITLES[column] ?? column)
  const line = (name: string, cells: readonly string[], committed: string) => {
    const padded = cells.map((cell, i) => cell.padStart(Math.max(9, (titles[i] ?? '').length + 2)))
    return `${name.padEnd(18)}${padded.join('')}  ${committed}`
  }
  const numbers = (part: Pick<Account, (typeof COLUMNS)[number]>) => COLUMNS.map((column) => number(part[column]))
  return [
    line('', titles, 'committed'),
    ...pipelines.map(({ name }) => {
      const part = account.pipelines[name]
      return line(name, numbers(part), committedText(part.uncommitted))
    }),
    line('all', numbers(account), account.committed ? '= end offsets' : 'not all'),
  ]
}

function committedText(uncommitted: readonly number[]): string {
  return uncommitted.length === 0 ? '= end offsets' : `not all of ${uncommitted.join(', ')}`
}

/** The outcome in a sentence. */
export function verdictLine({ ok, lost, wrong, repeated, committed }: Account): string {
  const offsets = committed ? 'every committed offset is the end of its partition' : 'not all is committed'
  return `${ok ? 'OK' : 'NOT OK'}: lost ${lost}, wrong ${wrong}, repeated ${repeated}; ${offsets}`
}

/** The exit code: 1 when anything was lost, wrong or not committed; 130 for Ctrl-C, as shells have it. */
export function exitCodeOf({ ok }: Account, isInterrupted: boolean): number {
  if (!ok) return 1
  return isInterrupted ? 130 : 0
}

/** A few results, as those see them for whom the pipelines work. */
export async function exampleLines(servers: DemoServers, data: DemoData): Promise<readonly string[]> {
  return [
    ...(await feedLines(servers, data)),
    ...mailLines(servers),
    ...(await orderLines(servers)),
    ...(await searchLines(servers)),
    ...(await deadLetterLines(servers)),
  ]
}

async function feedLines({ sortedSet, prefix }: DemoServers, { activities }: DemoData): Promise<readonly string[]> {
  const user = activities.at(-1)?.user ?? ''
  const latest = (await sortedSet(prefix + user)).slice(-3).reverse()
  const entries = latest.map(([member, score]) => `  ${new Date(score).toISOString().slice(11, 19)}  ${member}`)
  return [`The feed of ${user}, from Redis, the latest first`, ...entries]
}

function mailLines(servers: DemoServers): readonly string[] {
  const mail = servers.mails().at(-1)
  return mail === undefined ? [] : [`An e-mail to ${mail.user}`, `  ${mail.subject}`, `  ${mail.body}`]
}

async function orderLines({ read, prefix }: DemoServers): Promise<readonly string[]> {
  const found = (await read(`${prefix}quality_topic`)).at(-1)
  if (found === undefined) return []
  const { id, symbol, quantity, timestamp, market_price } = JSON.parse(found.value)
  const price = market_price === null ? 'before its first price' : `when one cost ${market_price}`
  return [`Order ${id}, from quality_topic`, `  ${quantity} ${symbol} at ${timestamp.slice(11, 19)}, ${price}`]
}

async function searchLines(servers: DemoServers): Promise<readonly string[]> {
  const found = (await servers.read(`${servers.prefix}top_results_topic`)).findLast(({ key }) => key !== null)
  if (found === undefined) return []
  const { query_string, top_result } = JSON.parse(found.value)
  return [`A search for "${query_string}", from top_results_topic`, `  ${top_result._id}: ${top_result._source.text}`]
}

async function deadLetterLines({ read, prefix }: DemoServers): Promise<readonly string[]> {
  const letter = (await read(prefix + FAILED_ORDERS)).at(-1)
  if (letter === undefined) return []
  const {
    'dlq.topic': topic,
    'dlq.partition': partition,
    'dlq.offset': offset,
    'dlq.error.message': why,
  } = letter.headers
  return [`A dead letter, from ${FAILED_ORDERS}`, `  ${topic}[${partition}]@${offset}: ${why}`]
}
