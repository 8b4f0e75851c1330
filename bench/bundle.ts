import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'tsdown'

// Below node_modules, so that the bundle finds the packages it imports.
const folder = fileURLToPath(new URL('../node_modules/.cache/rxjs-kafka-toolkit-bench', import.meta.url))

/**
 * Builds the program of the child processes with the settings of the package: what is measured is what is published,
 * not what tsx makes of the sources at run time. Gives its path.
 */
export async function bundleChild(): Promise<string> {
  await rm(folder, { recursive: true, force: true })
  const entry = fileURLToPath(new URL('child.ts', import.meta.url))
  await build({
    config: false,
    entry,
    outDir: folder,
    platform: 'node',
    target: 'node20.19',
    dts: false,
    logLevel: 'error',
  })
  return `${folder}/child.mjs`
}
