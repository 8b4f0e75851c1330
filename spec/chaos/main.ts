import { help, readArguments } from './arguments.ts'
import { chaos } from './chaos.ts'
import { consumerNamed } from './consumers.ts'
import { OwnBroker } from './ownBroker.ts'
import { planOf } from './plan.ts'
import { summaryOf, violationsOf } from './report.ts'
import { SPARE } from './stage.ts'

const SESSION = 8000

try {
  await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

async function main(): Promise<void> {
  const asked = readArguments()
  if (asked.help) return console.log(help)
  const { seed, minutes, members, rate } = asked
  const length = minutes * 60_000
  const plan = planOf({ seed, length, members, sessionTimeout: SESSION, names: asked.only })
  console.log(`seed ${seed}: ${plan.length} faults in ${minutes} minutes, ${members} members of ${asked.consumer}`)
  const aborting = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => aborting.abort())
  const consumer = await consumerNamed(asked.consumer, console.log)
  const broker = new OwnBroker(asked.portBase, members + SPARE)
  const options = { seed, plan, length, members, rate, consumer, sessionTimeout: SESSION }
  const outcome = await chaos(broker, { ...options, signal: aborting.signal, say: console.log })
  const violations = violationsOf(outcome)
  for (const violation of violations) console.log(violation)
  console.log(summaryOf(outcome, seed))
  if (violations.length > 0) process.exitCode = 1
}
