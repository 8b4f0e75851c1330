import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { findTool, isExecutable } from './command.ts'

export interface Jdk {
  readonly home: string
  readonly major: number
  readonly version: string
}

/** The lowest Java among JAVA_HOME (and JAVA_HOME_…), `java` on the PATH and /usr/lib/jvm that is `atLeast` so new, with a compiler if one is needed. */
export function findJdk(atLeast: number, { compiler = false }: { compiler?: boolean } = {}): Jdk | undefined {
  return javaHomes()
    .filter((home) => isExecutable(join(home, 'bin', compiler ? 'javac' : 'java')))
    .flatMap((home) => readJdk(home) ?? [])
    .filter(({ major }) => major >= atLeast)
    .sort((a, b) => a.major - b.major)[0]
}

function javaHomes(): string[] {
  const named = Object.entries(process.env)
    .filter(([name]) => name.startsWith('JAVA_HOME'))
    .map(([, home]) => home ?? '')
  const java = findTool('java')
  const onPath = java === undefined ? [] : [dirname(dirname(realpathSync(java)))]
  const system = '/usr/lib/jvm'
  const installed = existsSync(system)
    ? readdirSync(system)
        .sort()
        .map((name) => join(system, name))
    : []
  return [...named, ...onPath, ...installed]
}

/** Every JDK tells its version in a file `release`: no need to start it. */
function readJdk(home: string): Jdk | undefined {
  const release = join(home, 'release')
  if (!existsSync(release)) return undefined
  const version = /^JAVA_VERSION="([^"]+)"/m.exec(readFileSync(release, 'utf8'))?.[1]
  return version === undefined ? undefined : { home, major: Number.parseInt(version, 10), version }
}

/**
 * Flags that start a Java server from an archive of its loaded classes, which about halves the time; without an archive, flags that write one
 * when the server ends. It is written beside the data of the run and moved to the shared install by `keepClassArchive`, because two runs may
 * end at once, and a server that is killed while it writes leaves half an archive.
 */
export function classArchiveFlags(archive: string, folder: string): string[] {
  const choice = existsSync(archive)
    ? `-XX:SharedArchiveFile=${archive}`
    : `-XX:ArchiveClassesAtExit=${newArchive(folder)}`
  // An archive that does not fit this JVM is ignored; that is not worth a warning in the server's log.
  return [choice, '-Xlog:cds=off', '-Xlog:cds+dynamic=off']
}

/** To be called after a server has ended in good order. */
export async function keepClassArchive(archive: string, folder: string): Promise<void> {
  if (!existsSync(newArchive(folder))) return
  if (existsSync(archive)) await rm(newArchive(folder))
  else await rename(newArchive(folder), archive)
}

function newArchive(folder: string): string {
  return join(folder, 'classes.jsa')
}
