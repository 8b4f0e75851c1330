import { type DemoArguments, demoArguments, usage } from './arguments.ts'
import { demoData } from './data.ts'
import { runDemo } from './demo.ts'
import { embeddedServers } from './embeddedServers.ts'
import { realServers } from './realServers.ts'
import { accountLines, exampleLines, exitCodeOf, verdictLine } from './report.ts'
import { Undo } from './undo.ts'
import { lineView, liveView, number } from './view.ts'

/** Signals that come within so many ms are one. */
const SAME_SIGNAL = 2000

/** Runs the demo as the command line says. Gives the exit code: 0 when nothing was lost and nothing was wrong. */
async function main(words: readonly string[]): Promise<number> {
  const options = demoArguments(words)
  if (options.help) {
    console.log(usage)
    return 0
  }
  const undo = new Undo()
  try {
    return await showDemo(options, undo, interruption())
  } finally {
    await undo.run()
  }
}

async function showDemo(options: DemoArguments, undo: Undo, signal: AbortSignal): Promise<number> {
  const { messages, seconds, services } = options
  const data = demoData(messages, options.seed)
  const servers = await (services ? realServers(data, undo) : embeddedServers(data, undo))
  console.log(`Four pipelines on ${servers.title}: ${number(messages)} messages a topic in about ${seconds} s\n`)
  const isLive = process.stdout.isTTY && process.stdout.columns >= 80 && !options.plain
  const view = isLive ? liveView(process.stdout) : lineView(process.stdout)
  const account = await runDemo({ servers, data, seconds, view, signal })
  console.log(['', ...accountLines(account), '', ...(await exampleLines(servers, data)), ''].join('\n'))
  console.log((signal.aborted ? 'Interrupted. ' : '') + verdictLine(account))
  if (options.json) console.log(JSON.stringify({ messages, services, ...account }))
  if (signal.reason instanceof Error) throw signal.reason
  return exitCodeOf(account, signal.aborted)
}

/**
 * Aborts at Ctrl-C, and with an error that nobody caught as its reason: no more is produced then, and what was made is
 * removed. npm and tsx may hand on a signal that the terminal gave already, so only a later one ends the process.
 */
function interruption(): AbortSignal {
  const controller = new AbortController()
  let first: number | undefined
  const interrupt = () => {
    first ??= performance.now()
    if (performance.now() - first > SAME_SIGNAL) process.exit(1)
    controller.abort('interrupted')
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupt)
  process.on('uncaughtException', (error) => controller.abort(error))
  return controller.signal
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  process.exitCode = 1
  // What the world did is told in a line; where the program itself is wrong, its stack says.
  const isBug = error instanceof TypeError || error instanceof ReferenceError || !(error instanceof Error)
  console.error(isBug ? error : error.message)
}
