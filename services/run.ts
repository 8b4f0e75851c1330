import { existsSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheFolder } from './cache.ts'
import { defaultPortBase, type ServerName, wellKnownPorts } from './defaults.ts'

/** One set of servers: its own ports, data and process files; the installed programs are shared by all runs. */
export interface Run {
  readonly name: string
  readonly portBase: number
  readonly folder: string
  /** Receives a line for each stage of an install or a start. */
  readonly say: (server: ServerName, line: string) => void
}

export interface RunOptions {
  /** @default 'dev' */
  readonly name?: string | undefined
  /** @default that of the run's last `up`; 10000 for `dev` */
  readonly portBase?: number | undefined
  /** @default silence */
  readonly say?: ((server: ServerName, line: string) => void) | undefined
}

export function openRun({ name = 'dev', portBase, say = () => {} }: RunOptions = {}): Run {
  if (!/^[\w-]+$/.test(name))
    throw new Error(`Expected the name of a run to be letters, digits, - and _, got \`${name}\``)
  const folder = join(cacheFolder(), 'runs', name)
  const base = portBase ?? rememberedPortBase(folder) ?? (name === 'dev' ? defaultPortBase : undefined)
  if (base === undefined)
    throw new Error(`Run ${name} is new: give it a port base of its own, such as --port-base 20000`)
  // 9300 is the highest port that a server adds to the base: Elasticsearch's transport.
  if (!Number.isInteger(base) || base < 0 || base + 9300 > 65_535) {
    throw new Error(`Expected the port base to be an integer from 0 to ${65_535 - 9300}, got \`${base}\``)
  }
  return { name, portBase: base, folder, say }
}

export function portOf(run: Run, server: ServerName): number {
  return run.portBase + wellKnownPorts[server]
}

/** Where a server of the run keeps its data, log and process file. */
export function serverFolder(run: Run, server: ServerName): string {
  return join(run.folder, server)
}

/** Keeps the port base, so that `down`, `status` and `env` need only the name. */
export async function rememberPortBase(run: Run): Promise<void> {
  await mkdir(run.folder, { recursive: true })
  await writeFile(portBaseFile(run.folder), `${run.portBase}\n`)
}

export function rememberedPortBase(folder: string): number | undefined {
  const file = portBaseFile(folder)
  return existsSync(file) ? Number(readFileSync(file, 'utf8')) : undefined
}

function portBaseFile(folder: string): string {
  return join(folder, 'port-base')
}

/** Tells when a stage begins and how long it took. */
export async function stage<T>(run: Run, server: ServerName, what: string, work: () => Promise<T>): Promise<T> {
  const started = Date.now()
  run.say(server, `${what} ...`)
  const result = await work()
  run.say(server, `${what.replace(/ \(.*\)$/, '')}: done in ${((Date.now() - started) / 1000).toFixed(1)} s`)
  return result
}
