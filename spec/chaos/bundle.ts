import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'tsdown'

// Below node_modules, so that the bundle finds the packages it imports.
const folder = fileURLToPath(new URL('../../node_modules/.cache', import.meta.url))

/** Builds a member's program once, for the many processes that will run it: they start in a third of the time. Gives its path. */
export async function bundleMembers(name: string): Promise<string> {
  mkdirSync(folder, { recursive: true })
  const outDir = mkdtempSync(`${folder}/rxjs-kafka-toolkit-chaos-`)
  process.once('exit', () => rmSync(outDir, { recursive: true, force: true }))
  const entry = fileURLToPath(new URL(`members/${name}.ts`, import.meta.url))
  await build({ config: false, entry, outDir, platform: 'node', target: 'node20.19', dts: false, logLevel: 'error' })
  return `${outDir}/${name}.mjs`
}
