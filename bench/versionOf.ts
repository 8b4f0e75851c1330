import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'

/**
 * The version of an installed package. Looks where Node looks, rather than have it resolve `<name>/package.json`, which
 * it refuses where the package's exports leave that file out.
 */
export function versionOf(name: string): string {
  const folders = createRequire(import.meta.url).resolve.paths(name) ?? []
  const path = folders.map((folder) => join(folder, name, 'package.json')).find(existsSync)
  if (path === undefined) throw new Error(`Cannot tell the version of ${name}: it is not installed; run npm ci`)
  return JSON.parse(readFileSync(path, 'utf8')).version
}
