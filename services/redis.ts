import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cacheFolder, withLock } from './cache.ts'
import { findTool, readCommand, requireTool, runCommand } from './command.ts'
import { ask } from './probe.ts'
import { portOf, type Run, serverFolder, stage } from './run.ts'
import { makeServer, type Server } from './server.ts'

/** The system's own package. Settings: any of redis.conf, such as `{ appendonly: 'yes' }` for what must survive a kill. */
export const redis: Server = makeServer({
  name: 'redis',
  install,

  async prepare(run, data, settings) {
    const configuration = join(serverFolder(run, 'redis'), 'redis.conf')
    const lines = {
      bind: '127.0.0.1',
      port: String(portOf(run, 'redis')),
      dir: data,
      save: '""',
      appendonly: 'no',
      // Nothing is written while it runs, all when it is asked to end: `down` and `up` keep the data, a kill loses it.
      'shutdown-on-sigterm': 'save',
      // Else the command line no longer names the configuration file, by which we know the process.
      'set-proc-title': 'no',
      ...settings,
    }
    await writeFile(
      configuration,
      Object.entries(lines)
        .map(([key, value]) => `${key} ${value}\n`)
        .join(''),
    )
    return { command: redisServer(), args: [configuration] }
  },

  async isReady(run) {
    const answer = await ask(portOf(run, 'redis'), 'PING\r\n')
    return answer?.toString().startsWith('+PONG') ?? false
  },

  url: (run) => `redis://127.0.0.1:${portOf(run, 'redis')}`,
  version: packageVersion,
})

async function install(run: Run): Promise<void> {
  if (findTool('redis-server') === undefined) {
    await withLock(
      join(cacheFolder(), 'apt.lock'),
      (line) => run.say('redis', line),
      async () => {
        if (findTool('redis-server') === undefined) await installPackage(run)
      },
    )
  }
  const version = await packageVersion()
  if (Number.parseInt(version, 10) < 7)
    throw new Error(`redis-server is ${version}; 7.0 or newer is needed: install it, or use services/compose.yaml`)
}

function redisServer(): string {
  return requireTool('redis-server', 'to run Redis', 'install the package redis-server (apt-get install redis-server)')
}

async function packageVersion(): Promise<string> {
  const line = await readCommand(redisServer(), ['--version'])
  return /v=(\S+)/.exec(line)?.[1] ?? 'unknown'
}

async function installPackage(run: Run): Promise<void> {
  if (findTool('apt-get') === undefined || process.getuid?.() !== 0) redisServer()
  const options = { log: join(cacheFolder(), 'apt.log'), env: { DEBIAN_FRONTEND: 'noninteractive' } }
  await stage(run, 'redis', 'installing the package redis-server (10 s to a minute)', () =>
    withoutServiceStart(async () => {
      await runCommand('apt-get', ['update'], options)
      await runCommand('apt-get', ['install', '-y', '--no-install-recommends', 'redis-server'], options)
    }),
  )
}

/** Debian starts a service with its package, on the well-known port; policy-rc.d is its way to say no (101: forbidden). */
async function withoutServiceStart(work: () => Promise<void>): Promise<void> {
  const policy = '/usr/sbin/policy-rc.d'
  const ours = !existsSync(policy)
  if (ours) await writeFile(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    await work()
  } finally {
    if (ours) await rm(policy)
  }
}
