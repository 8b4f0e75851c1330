import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { withLock } from './cache.ts'
import { daemonPid, daemonReady, killDaemon, type Program, startDaemon, stopDaemon } from './daemon.ts'
import type { ServerName } from './defaults.ts'
import { isListening } from './probe.ts'
import { portOf, type Run, rememberPortBase, serverFolder } from './run.ts'

/** Settings in the server's own words, laid over the launcher's: `{ appendonly: 'yes' }` for Redis. */
export type Settings = Readonly<Record<string, string>>

/** What differs from server to server; `makeServer` does the rest. */
export interface Recipe {
  readonly name: ServerName
  /** Makes the program available; costs nothing when it is. */
  install(run: Run): Promise<void>
  /** Prepares the data folder, writes the configuration; resolves to the program to start. */
  prepare(run: Run, data: string, settings: Settings): Promise<Program>
  /** Whether the server answers as one that can do its work. */
  isReady(run: Run): Promise<boolean>
  /** Runs when the server is ready, new or not: creates what a new one lacks. */
  setUp?(run: Run): Promise<void>
  /** Runs when the server has ended in good order. */
  afterStop?(run: Run): Promise<void>
  url(run: Run): string
  version(run: Run): Promise<string>
}

/** One kind of server; every method takes the run whose server is meant. */
export interface Server {
  readonly name: ServerName
  install(run: Run): Promise<void>
  /** Installs if need be, starts, and resolves when the server answers; at once when it already does. */
  start(run: Run, settings?: Settings): Promise<void>
  /** Ends it in good order (SIGTERM); its data stays. */
  stop(run: Run): Promise<void>
  /** Ends it as a crash would (kill -9). */
  kill(run: Run): Promise<void>
  /** Deletes its data. Only while it is down. */
  wipe(run: Run): Promise<void>
  isUp(run: Run): Promise<boolean>
  pid(run: Run): number | undefined
  url(run: Run): string
  version(run: Run): Promise<string>
}

export function makeServer(recipe: Recipe): Server {
  const { name } = recipe
  const folderOf = (run: Run): string => serverFolder(run, name)
  const pid = (run: Run): number | undefined => daemonPid(folderOf(run))

  // Two that start or stop the same server of a run take turns; the second finds the work done.
  const inTurn = <T>(run: Run, work: () => Promise<T>): Promise<T> =>
    withLock(join(run.folder, `${name}.lock`), (line) => run.say(name, line), work)

  async function start(run: Run, settings: Settings = {}): Promise<void> {
    await recipe.install(run)
    await inTurn(run, async () => {
      if (pid(run) !== undefined) {
        await answers(run)
        run.say(name, `already up: ${recipe.url(run)}, pid ${pid(run)}`)
      } else await launch(run, settings)
    })
  }

  async function launch(run: Run, settings: Settings): Promise<void> {
    const started = Date.now()
    await refuseTakenPort(run, name)
    await rememberPortBase(run)
    const data = join(folderOf(run), 'data')
    await mkdir(data, { recursive: true })
    await startDaemon(folderOf(run), await recipe.prepare(run, data, settings))
    await answers(run)
    run.say(name, `up: ${recipe.url(run)}, pid ${pid(run)}, started in ${((Date.now() - started) / 1000).toFixed(1)} s`)
  }

  // The set-up belongs to every start: an earlier one may have been interrupted before it.
  async function answers(run: Run): Promise<void> {
    await daemonReady(folderOf(run), () => recipe.isReady(run), patience)
    await recipe.setUp?.(run)
  }

  async function stop(run: Run): Promise<void> {
    await inTurn(run, async () => {
      const wasUp = pid(run) !== undefined
      const inGoodOrder = await stopDaemon(folderOf(run))
      if (wasUp) await closes(portOf(run, name))
      if (inGoodOrder) await recipe.afterStop?.(run)
    })
  }

  async function kill(run: Run): Promise<void> {
    await inTurn(run, async () => {
      const wasUp = pid(run) !== undefined
      await killDaemon(folderOf(run))
      if (wasUp) await closes(portOf(run, name))
    })
  }

  async function wipe(run: Run): Promise<void> {
    if (pid(run) !== undefined) throw new Error(`Cannot delete the data of ${name} in run ${run.name}: it is up`)
    await rm(join(folderOf(run), 'data'), { recursive: true, force: true })
  }

  return {
    name,
    start,
    stop,
    wipe,
    pid,
    install: (run) => recipe.install(run),
    kill,
    isUp: async (run) => pid(run) !== undefined && (await recipe.isReady(run)),
    url: (run) => recipe.url(run),
    version: (run) => recipe.version(run),
  }
}

/** How long a start may take on a machine that is busy with other work. */
const patience = 180_000

/** The system closes the ports of a process a moment after the process is gone. */
async function closes(port: number): Promise<void> {
  const deadline = Date.now() + 10_000
  while ((await isListening(port)) && Date.now() < deadline) await sleep(20)
}

async function refuseTakenPort(run: Run, name: ServerName): Promise<void> {
  const port = portOf(run, name)
  if (await isListening(port)) {
    throw new Error(
      `Port ${port} is taken by a process that run ${run.name} does not know: end that, or start a run with another --name and --port-base`,
    )
  }
}
