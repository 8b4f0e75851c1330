import { readFile, writeFile } from 'node:fs/promises'
import { openRun, type Run } from '../services/run.ts'
import { servers } from '../services/servers.ts'
import { type Arguments, help, readArguments } from './arguments.ts'
import { bundlePrograms } from './bundle.ts'
import type { Case, Row } from './cases/case.ts'
import { cases } from './cases/cases.ts'
import { describeMachine } from './machine.ts'
import { Places } from './places.ts'
import { Children } from './programs.ts'
import { caseText, resultsPage } from './report.ts'
import { type CaseFigures, type CaseResult, merge, type Results } from './results.ts'
import { MICRO_ROUNDS, runCase } from './rounds.ts'
import { Topics } from './topics.ts'

// The child that runs ends too; that fails the run, which then deletes its topics.
process.on('SIGINT', () => {})

try {
  await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

async function main(): Promise<void> {
  const asked = readArguments(process.argv.slice(2))
  if (asked.help) return console.log(help)
  const run = openRun({ ...asked.servers, say: (server, line) => say(`${server}: ${line}`) })
  const topics = asked.cases.some(({ overKafka }) => overKafka) ? await openTopics(run) : undefined
  try {
    await measureAll(asked, run, topics)
  } finally {
    await topics?.close()
  }
}

async function openTopics(run: Run): Promise<Topics> {
  await servers.kafka.start(run)
  return Topics.open(servers.kafka.url(run), say)
}

/** Each case is written as soon as it is there: a later one that fails takes nothing with it. */
async function measureAll(asked: Arguments, run: Run, topics: Topics | undefined): Promise<void> {
  const { rounds, isQuick, isFull, isKept } = asked
  const flags = asked.profile ? ['--cpu-prof'] : []
  const children = new Children(await bundlePrograms(), flags, say)
  for (const one of asked.cases) {
    const places = new Places(one, run, topics, isQuick)
    const rows = one.rows.filter((row) => isFull || !row.isFull)
    const figures = await runCase(one, rows, { places, topics, children, rounds, say }).finally(() => places.close())
    console.log(`\n${caseText(figures)}`)
    if (isKept) await keep(await resultOf(one, rows, figures, asked, run))
  }
}

async function resultOf(
  one: Case,
  rows: readonly Row[],
  figures: CaseFigures,
  { isFull, rounds }: Arguments,
  run: Run,
): Promise<CaseResult> {
  return {
    ...figures,
    command: `npm run bench -- ${one.name}${isFull ? ' --full' : ''}`,
    measuredOn: new Date().toISOString().slice(0, 10),
    machine: await describeMachine(run, one, rows),
    rounds: one.isMicro ? MICRO_ROUNDS : rounds,
    load: loadText(one),
  }
}

function loadText({ load, isMicro }: Case): string {
  if (isMicro) return 'Operations for 20 ms of CPU time or more a round'
  const { messages, warmUp, bytes = 120, partitions } = load
  return `${messages.toLocaleString('en')} messages of about ${bytes.toLocaleString('en')} bytes over ${partitions} partitions, after ${warmUp.toLocaleString('en')} to warm up`
}

async function keep(result: CaseResult): Promise<void> {
  const data = new URL('results.json', import.meta.url)
  const known: Results = JSON.parse(await readFile(data, 'utf8'))
  const results = merge(
    known,
    [result],
    cases.map(({ name }) => name),
  )
  await writeFile(data, `${JSON.stringify(results, null, 2)}\n`)
  await writeFile(new URL('RESULTS.md', import.meta.url), resultsPage(results))
  say(`wrote ${result.name} to bench/results.json and bench/RESULTS.md`)
}

function say(line: string): void {
  console.error(line)
}
