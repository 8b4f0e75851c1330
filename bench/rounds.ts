import type { Case, Row } from './cases/case.ts'
import { sendWhile } from './lag.ts'
import { totalOf } from './load.ts'
import { type Figures, metrics } from './metrics.ts'
import type { MicroName } from './micro/micros.ts'
import type { Places } from './places.ts'
import type { AnyJob, Children } from './programs.ts'
import { type CaseFigures, columnsOf, figuresOf } from './results.ts'
import type { Topic, Topics } from './topics.ts'

/** Rounds of what takes milliseconds. */
export const MICRO_ROUNDS = 15

/** What the rounds of a case are made with. */
export interface Rounds {
  readonly places: Places
  readonly topics: Topics | undefined
  readonly children: Children
  readonly rounds: number
  readonly say: (line: string) => void
}

/** Runs a case's variants one after the other, round by round: what disturbs the machine disturbs them all. */
export async function runCase(which: Case, rows: readonly Row[], how: Rounds): Promise<CaseFigures> {
  if (which.isMicro) {
    const names = rows.map(({ variant }) => variant as MicroName)
    return figuresOf(which, rows, await how.children.runMicro({ names, rounds: MICRO_ROUNDS }))
  }
  // A server compiles too, as long as it is new: the first to ask it would pay for all.
  if (which.stage !== undefined) await measure(which, rows[0] as Row, how)
  const found: Figures[][] = []
  for (let round = 1; round <= how.rounds; round++) {
    const figures: Figures[] = []
    for (const i of turn(rows.length, round)) {
      const row = rows[i] as Row
      const own = await measure(which, row, how)
      figures[i] = own
      const where = [which.name, `${round}/${how.rounds}`, row.under, row.title].filter(Boolean).join(' ')
      how.say(`${where}: ${inWords(which, own)}`)
    }
    found.push(figures)
  }
  return figuresOf(which, rows, found)
}

/** The places of so many rows in a round: each round begins with another one, so that none always comes after the same. */
export function turn(rows: number, round: number): number[] {
  return Array.from({ length: rows }, (_, i) => (i + round - 1) % rows)
}

let runs = 0

async function measure(which: Case, row: Row, { places, topics, children }: Rounds): Promise<Figures> {
  const { load, topic, stage } = await places.of(row)
  const { setting = 0 } = row
  const variant = row.variant as AnyJob['variant']
  const groupId = `${topic.name}-${variant}-${++runs}`
  const place = { ...NOWHERE, ...stage?.place }
  const { name, prefix } = topic
  const [brokers, messages] = [topics?.brokers ?? [], totalOf(load)]
  const job = { variant, setting, brokers, topic: name, prefix, groupId, warmUp: load.warmUp, messages, place }
  const running = children.run(job)
  const isWatched = columnsOf(which).includes('lag')
  const live = { topics: topics as Topics, topic, load, groupId, isWatched }
  const lag = load.rate === undefined ? 0 : await sendWhile(running, live)
  const figures = await running
  if (which.overKafka) await expectCommitted(topics as Topics, topic, groupId, figures.handled ?? messages)
  await stage?.expectDone(messages)
  return isWatched ? { ...figures, lag } : figures
}

/** What a variant is told of a stage that its case does not have. */
const NOWHERE: AnyJob['place'] = {
  redisUrl: '',
  postUrl: '',
  influx: { url: '', bucket: '', org: '', token: '' },
  esUrl: '',
  index: '',
  platformatic: '',
  outs: [],
}

/** A run that left something uncommitted has done less work than the others. */
async function expectCommitted(topics: Topics, topic: Topic, groupId: string, messages: number): Promise<void> {
  const committed = await topics.committed(groupId, topic)
  if (committed !== messages)
    throw new Error(`Expected ${groupId} to have committed ${messages} messages, got ${committed}`)
}

function inWords(which: Case, figures: Figures): string {
  return columnsOf(which)
    .map((name) => `${(figures[name] ?? Number.NaN).toFixed(metrics[name].digits)} ${metrics[name].title}`)
    .join(', ')
}
