import { existsSync } from 'node:fs'
import { link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Everything that is downloaded, built or stored lies here, outside the clone: a fresh clone needs no fresh install. */
export function cacheFolder(): string {
  const { RKT_CACHE } = process.env
  return resolve(RKT_CACHE || join(homedir(), '.cache', 'rxjs-kafka-toolkit'))
}

/** Where one version of a server is installed, shared by all runs. */
export function installFolder(server: string, version: string): string {
  return join(cacheFolder(), server, version)
}

/**
 * Fills `folder` once. `fill` works on a draft beside it, which takes the folder's name when it is whole: an install that was interrupted is
 * never mistaken for a finished one.
 */
export async function installOnce(
  folder: string,
  say: (line: string) => void,
  fill: (draft: string) => Promise<void>,
): Promise<void> {
  if (existsSync(folder)) return
  await withLock(`${folder}.lock`, say, async () => {
    if (existsSync(folder)) return
    const draft = `${folder}.draft`
    await rm(draft, { recursive: true, force: true })
    await mkdir(draft, { recursive: true })
    await fill(draft)
    await rename(draft, folder)
  })
}

/** Runs `work` while no other process (or call) holds the lock file; the lock of a dead process is taken over. */
export async function withLock<T>(file: string, say: (line: string) => void, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(file), { recursive: true })
  for (let tries = 0; !(await takeLock(file)); tries++) {
    const holder = await lockHolder(file)
    if (holder !== undefined && !isAlive(holder)) await rm(file, { force: true })
    else if (tries === 10) say(`waiting for process ${holder ?? '?'}, which holds ${file}`)
    await sleep(200)
  }
  try {
    return await work()
  } finally {
    await rm(file, { force: true })
  }
}

let locks = 0

/** A link appears with its content, so nobody can read a lock whose holder is not written yet. */
async function takeLock(file: string): Promise<boolean> {
  const mine = `${file}.${process.pid}.${locks++}`
  await writeFile(mine, String(process.pid))
  try {
    await link(mine, file)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  } finally {
    await rm(mine, { force: true })
  }
}

async function lockHolder(file: string): Promise<number | undefined> {
  const text = await readFile(file, 'utf8').catch(() => '')
  return text === '' ? undefined : Number(text)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it lives, and belongs to another user.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
