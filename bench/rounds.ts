import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Case, Row } from './cases.ts'
import type { Job } from './child.ts'
import type { KafkaTopic } from './kafkaTopic.ts'
import type { Figures } from './meter.ts'
import { type Spread, spreadOf } from './statistics.ts'

/** How much is measured. */
export interface Size {
  readonly rounds: number
  /** Messages measured in each run, after those of the warm-up. */
  readonly messages: number
  readonly warmUp: number
}

/** How the children are started. */
export interface Children {
  readonly program: string
  /** Flags of Node, such as `--cpu-prof`. */
  readonly flags: readonly string[]
  readonly topic: KafkaTopic
  readonly say: (line: string) => void
}

/** What a variant took, over all rounds. Ratios are against the reference of the same round. */
export interface RowResult extends Row {
  readonly rate: Spread
  readonly cpu: Spread
  readonly rss: Spread
  readonly rateRatio: Spread
  readonly cpuRatio: Spread
}

export interface CaseResult extends Pick<Case, 'name' | 'title' | 'note'> {
  readonly rows: readonly RowResult[]
}

/** Runs a case's variants one after the other, round by round: what disturbs the machine disturbs them all. */
export async function runCase(which: Case, size: Size, children: Children): Promise<CaseResult> {
  const rounds: Figures[][] = []
  for (let round = 1; round <= size.rounds; round++) {
    const figures: Figures[] = []
    for (const row of which.rows) {
      figures.push(await measure(which, row, size, children))
      children.say(`${which.name} ${round}/${size.rounds} ${row.variant}: ${inWords(figures.at(-1) as Figures)}`)
    }
    rounds.push(figures)
  }
  const { name, title, note, rows } = which
  return { name, title, note, rows: rows.map((row, i) => resultOf(row, i, rounds)) }
}

let runs = 0

async function measure(which: Case, row: Row, size: Size, { program, flags, topic }: Children): Promise<Figures> {
  const { variant } = row
  const groupId = `${topic.name}-${variant}-${++runs}`
  const job: Job = { variant, brokers: topic.brokers, topic: topic.name, groupId, ...size }
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, program, JSON.stringify(job)])
  if (which.overKafka) await expectCommitted(topic, groupId)
  return JSON.parse(stdout)
}

/** A run that left something uncommitted has done less work than the others. */
async function expectCommitted(topic: KafkaTopic, groupId: string): Promise<void> {
  const committed = await topic.committed(groupId)
  if (committed !== topic.messages)
    throw new Error(`Expected ${groupId} to have committed ${topic.messages} messages, got ${committed}`)
}

function resultOf(row: Row, index: number, rounds: readonly Figures[][]): RowResult {
  const own = rounds.map((figures) => figures[index] as Figures)
  const reference = rounds.map((figures) => figures[0] as Figures)
  const ratio = (key: keyof Figures) =>
    spreadOf(own.map((figures, round) => figures[key] / (reference[round] as Figures)[key]))
  const spread = (key: keyof Figures) => spreadOf(own.map((figures) => figures[key]))
  return {
    ...row,
    rate: spread('rate'),
    cpu: spread('cpu'),
    rss: spread('rss'),
    rateRatio: ratio('rate'),
    cpuRatio: ratio('cpu'),
  }
}

function inWords({ rate, cpu, rss }: Figures): string {
  return `${Math.round(rate / 1000)}k messages/s, ${cpu.toFixed(2)} µs CPU a message, ${Math.round(rss)} MB`
}
