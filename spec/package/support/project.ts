import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inject } from 'vitest'
import { run } from './run.ts'

/** Makes a project with the package and rxjs, and nothing else but what `more` tells npm. */
export function project(name: string, manifest: object, ...more: readonly string[]): string {
  const place = join(inject('folder'), name)
  mkdirSync(place)
  writeFileSync(join(place, 'package.json'), JSON.stringify({ name, private: true, ...manifest }))
  const quiet = ['--silent', '--no-audit', '--no-fund', '--prefer-offline']
  run(place, 'npm', 'install', ...quiet, inject('tarball'), ours('rxjs'), ...more)
  return place
}

/** A package in the version that this repository has it in. */
export function ours(name: string): string {
  const { version } = JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8')) as { version: string }
  return `${name}@${version}`
}
