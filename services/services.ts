import { existsSync } from 'node:fs'
import { help, readArguments, readSettings, serverNamed, type UpOptions } from './arguments.ts'
import { connectionVariables, type ServerName } from './defaults.ts'
import { openRun, type Run, rememberedPortBase } from './run.ts'
import type { Server } from './server.ts'
import { servers } from './servers.ts'

try {
  await main()
} catch (error) {
  complain(error)
}

async function main(): Promise<void> {
  const { values, positionals } = readArguments()
  const [command, ...names] = positionals
  if (values.help || command === undefined) return console.log(help)
  if (!existsSync('/proc/self/cmdline'))
    throw new Error('The launcher needs Linux (/proc); elsewhere use docker compose -f services/compose.yaml up')
  const portBase = values['port-base']
  const run = openRun({ name: values.name, portBase: portBase === undefined ? undefined : Number(portBase), say })
  const chosen = names.length === 0 ? Object.values(servers) : names.map(serverNamed)
  if (command === 'up') await up(run, chosen, values)
  else if (command === 'down') await forEach(chosen, (server) => down(run, server))
  else if (command === 'status') await status(run, chosen)
  else if (command === 'env') printEnvironment(run)
  else throw new Error(`Expected up, down, status or env, got \`${command}\`; see --help`)
}

async function up(run: Run, chosen: readonly Server[], { fresh, set }: UpOptions): Promise<void> {
  const settings = readSettings(set)
  refuseOtherPorts(run)
  await forEach(chosen, async (server) => {
    if (fresh) {
      await down(run, server)
      await server.wipe(run)
    }
    await server.start(run, settings[server.name])
  })
}

async function down(run: Run, server: Server): Promise<void> {
  const pid = server.pid(run)
  if (pid === undefined) return say(server.name, 'is down')
  const started = Date.now()
  await server.stop(run)
  say(server.name, `down, ended process ${pid} in ${((Date.now() - started) / 1000).toFixed(1)} s`)
}

async function status(run: Run, chosen: readonly Server[]): Promise<void> {
  const rows = await Promise.all(
    chosen.map(async (server) => {
      const isUp = await server.isUp(run)
      const pid = server.pid(run)
      const state = isUp ? 'up' : pid === undefined ? 'down' : 'silent'
      return {
        state,
        row: [
          server.name.padEnd(14),
          state.padEnd(7),
          server.url(run).padEnd(26),
          String(pid ?? '-').padEnd(8),
          isUp ? await server.version(run) : '-',
        ],
      }
    }),
  )
  console.log(`run ${run.name}, port base ${run.portBase}, ${run.folder}`)
  for (const { row } of rows) console.log(row.join(''))
  if (rows.some(({ state }) => state !== 'up')) process.exitCode = 1
}

function printEnvironment(run: Run): void {
  const lines = Object.entries(connectionVariables(run.portBase)).map(([name, value]) => `${name}=${value}`)
  // In one write, for a reader that takes only the first lines.
  console.log(lines.join('\n'))
}

/** One server's failure neither stops nor hides what the others do. */
async function forEach(chosen: readonly Server[], work: (server: Server) => Promise<void>): Promise<void> {
  await Promise.all(chosen.map((server) => work(server).catch((error: unknown) => complain(error, server.name))))
}

function refuseOtherPorts(run: Run): void {
  const remembered = rememberedPortBase(run.folder)
  if (remembered === undefined || remembered === run.portBase) return
  const running = Object.values(servers)
    .filter((server) => server.pid(run) !== undefined)
    .map(({ name }) => name)
  if (running.length > 0)
    throw new Error(`Run ${run.name} is up with port base ${remembered} (${running.join(', ')}): bring it down first`)
}

function say(server: ServerName, line: string): void {
  console.log(`${server.padEnd(14)}${line}`)
}

function complain(error: unknown, server?: ServerName): void {
  console.error(`${server === undefined ? '' : server.padEnd(14)}${error instanceof Error ? error.message : error}`)
  process.exitCode = 1
}
