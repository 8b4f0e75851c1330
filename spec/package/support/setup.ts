import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { run } from './run.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where projects are made. */
    folder: string
    /** The packed package. */
    tarball: string
  }
}

/** Builds and packs once for all specs; returns what removes it, and the projects with it. */
export function setup({ provide }: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'rxjs-kafka-toolkit-'))
  run('.', 'npm', 'run', 'build', '--', '--logLevel', 'error')
  provide('folder', folder)
  provide('tarball', join(folder, run('.', 'npm', 'pack', '--silent', '--pack-destination', folder).trim()))
  return () => rmSync(folder, { recursive: true, force: true })
}
