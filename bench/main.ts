import { writeFile } from 'node:fs/promises'
import { help, readArguments } from './arguments.ts'
import { bundleChild } from './bundle.ts'
import { openTopic } from './kafkaTopic.ts'
import { describeMachine } from './machine.ts'
import { caseText, type Results, resultsPage } from './report.ts'
import { type CaseResult, type Children, runCase } from './rounds.ts'

// The child that runs ends too; that fails the run, which then deletes its topic.
process.on('SIGINT', () => {})

try {
  await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

async function main(): Promise<void> {
  const asked = readArguments()
  if (asked.help) return console.log(help)
  const { size } = asked
  const program = await bundleChild()
  const topic = await openTopic(size.warmUp + size.messages, say)
  const flags = asked.profile ? ['--cpu-prof'] : []
  const children: Children = { program, flags, topic, say }
  const results: CaseResult[] = []
  try {
    for (const one of asked.cases) {
      results.push(await runCase(one, size, children))
      console.log(`\n${caseText(results.at(-1) as CaseResult)}`)
    }
  } finally {
    await topic.close()
  }
  if (asked.isWhole) await write(results, size)
}

async function write(cases: readonly CaseResult[], size: Results['size']): Promise<void> {
  const results: Results = {
    command: 'npm run bench',
    measuredOn: new Date().toISOString().slice(0, 10),
    machine: await describeMachine(),
    size,
    cases,
  }
  await writeFile(new URL('results.json', import.meta.url), `${JSON.stringify(results, null, 2)}\n`)
  await writeFile(new URL('RESULTS.md', import.meta.url), resultsPage(results))
  say('wrote bench/results.json and bench/RESULTS.md')
}

function say(line: string): void {
  console.error(line)
}
