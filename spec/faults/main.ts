import { openRun } from '../../services/run.ts'
import { servers } from '../../services/servers.ts'
import { help, readArguments } from './arguments.ts'
import { failureText, summaryOf, tableOf } from './report.ts'
import { runCells } from './runCells.ts'

try {
  await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

async function main(): Promise<void> {
  const { cells, help: isHelp, ...options } = readArguments()
  if (isHelp) return console.log(help)
  const { seed } = options
  const since = Date.now()
  console.log(`${cells.length} cells, seed ${seed}`)
  await servers.kafka.start(openRun({ say: (server, line) => console.error(`${server}: ${line}`) }))
  const outcomes = await runCells(cells, options, (outcome) => {
    if (outcome.failures.length > 0) console.log(failureText(outcome, seed))
  })
  console.log(`\n${tableOf(outcomes)}\n\n${Math.round((Date.now() - since) / 1000)} s, seed ${seed}`)
  console.log(summaryOf(outcomes))
  // A member that hangs would hold the process.
  if (outcomes.some(({ failures }) => failures.length > 0)) process.exit(1)
}
