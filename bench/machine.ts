import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism, cpus, release, totalmem, type } from 'node:os'
import { openRun } from '../services/run.ts'
import { servers } from '../services/servers.ts'

/** What the figures depend on. Nothing that tells whose machine it is. */
export interface Machine {
  readonly cpu: string
  readonly cpus: number
  /** GB */
  readonly memory: number
  readonly system: string
  readonly versions: Readonly<Record<string, string>>
}

export async function describeMachine(): Promise<Machine> {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cpus: availableParallelism(),
    memory: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release().split('-')[0]}`,
    versions: {
      Node: process.versions.node,
      kafkajs: versionOf('kafkajs'),
      rxjs: versionOf('rxjs'),
      Kafka: await servers.kafka.version(openRun()),
    },
  }
}

function versionOf(name: string): string {
  const path = createRequire(import.meta.url).resolve(`${name}/package.json`)
  return JSON.parse(readFileSync(path, 'utf8')).version
}
