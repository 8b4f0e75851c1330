import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { tail } from './command.ts'

export interface Program {
  readonly command: string
  /** One of them must name a path inside the daemon's folder: by that a process is known to be ours. */
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** Starts a program that outlives this process, its output in `log` and its process id in `pid`, both in `folder`. */
export async function startDaemon(folder: string, { command, args, env }: Program): Promise<void> {
  await mkdir(folder, { recursive: true })
  if (existsSync(logFile(folder))) await rename(logFile(folder), `${logFile(folder)}.1`)
  const output = await open(logFile(folder), 'a')
  try {
    const child = spawn(command, args, {
      cwd: folder,
      detached: true,
      env: { ...process.env, ...env },
      stdio: ['ignore', output.fd, output.fd],
    })
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', reject)
    })
    child.unref()
    await writeFile(pidFile(folder), `${child.pid}\n`)
  } finally {
    await output.close()
  }
}

/**
 * The id of the daemon's process while it lives. The file alone proves nothing (a process id is used again after a crash or a reboot), so the
 * process must carry the daemon's folder on its command line.
 */
export function daemonPid(folder: string): number | undefined {
  try {
    const pid = Number(readFileSync(pidFile(folder), 'utf8'))
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`${folder}/`) ? pid : undefined
  } catch {
    return undefined
  }
}

/** Ends the daemon and waits until it is gone: SIGTERM first, SIGKILL when that has not helped in time. Resolves to whether SIGTERM was enough. */
export async function stopDaemon(folder: string, patience = 20_000): Promise<boolean> {
  const ended = await signalDaemon(folder, 'SIGTERM', patience)
  if (!ended) await killDaemon(folder)
  await rm(pidFile(folder), { force: true })
  return ended
}

/** Ends the daemon as a crash would. */
export async function killDaemon(folder: string): Promise<void> {
  if (!(await signalDaemon(folder, 'SIGKILL', 10_000)))
    throw new Error(`Process ${daemonPid(folder)} survived SIGKILL for 10 s`)
  await rm(pidFile(folder), { force: true })
}

async function signalDaemon(folder: string, signal: NodeJS.Signals, patience: number): Promise<boolean> {
  const deadline = Date.now() + patience
  const pid = daemonPid(folder)
  if (pid !== undefined) process.kill(pid, signal)
  while (daemonPid(folder) !== undefined) {
    if (Date.now() > deadline) return false
    await sleep(20)
  }
  return true
}

/** Waits until `isReady`; rejects with the end of the daemon's log when its process ends or `patience` ms are over. */
export async function daemonReady(folder: string, isReady: () => Promise<boolean>, patience: number): Promise<void> {
  const deadline = Date.now() + patience
  while (!(await isReady())) {
    if (daemonPid(folder) === undefined)
      throw new Error(`It ended while starting; the end of ${logFile(folder)}:\n${await tail(logFile(folder))}`)
    if (Date.now() > deadline)
      throw new Error(
        `It does not answer after ${patience / 1000} s; the end of ${logFile(folder)}:\n${await tail(logFile(folder))}`,
      )
    await sleep(50)
  }
}

function pidFile(folder: string): string {
  return join(folder, 'pid')
}

function logFile(folder: string): string {
  return join(folder, 'log')
}
