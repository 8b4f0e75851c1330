import { type DemoArguments, demoArguments, UsageError, usage } from './arguments.ts'
import { demoData } from './data.ts'
import { runDemo } from './demo.ts'
import { embeddedServers } from './embeddedServers.ts'
import { Unreachable } from './reachable.ts'
import { realServers } from './realServers.ts'
import { accountLines, exampleLines } from './report.ts'
import { Undo } from './undo.ts'
import { lineView, liveView, number } from './view.ts'

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
  const view = process.stdout.isTTY && !options.plain ? liveView(process.stdout) : lineView(process.stdout)
  const account = await runDemo({ servers, data, seconds, view, signal })
  console.log(['', ...accountLines(account), '', ...(await exampleLines(servers, data)), ''].join('\n'))
  console.log(signal.aborted ? 'Interrupted: what had not come is counted as lost' : verdict(account))
  if (options.json) console.log(JSON.stringify({ messages, services, ...account }))
  return account.ok ? 0 : 1
}

function verdict({ ok, lost, wrong, repeated, committed }: Awaited<ReturnType<typeof runDemo>>): string {
  const offsets = committed ? 'every committed offset is the end of its partition' : 'not all is committed'
  return `${ok ? 'OK' : 'NOT OK'}: lost ${lost}, wrong ${wrong}, repeated ${repeated}; ${offsets}`
}

/** Aborts at Ctrl-C: the pipelines drain then, and what was made is removed. A second Ctrl-C ends the process. */
function interruption(): AbortSignal {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => controller.abort())
  return controller.signal
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  process.exitCode = 1
  const isPlain = error instanceof UsageError || error instanceof Unreachable
  console.error(isPlain ? error.message : error)
}
