import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'tsdown'

// Below node_modules, so that the bundles find the packages they import.
const folder = fileURLToPath(new URL('../node_modules/.cache/rxjs-kafka-toolkit-bench', import.meta.url))

/** The programs of the child processes. */
export interface Programs {
  readonly child: string
  readonly micro: string
}

/**
 * Builds the programs of the child processes with the settings of the package: what is measured is what is published,
 * not what tsx makes of the sources at run time. Gives their paths.
 */
export async function bundlePrograms(): Promise<Programs> {
  await rm(folder, { recursive: true, force: true })
  const entry = ['child', 'micro'].map((name) => fileURLToPath(new URL(`${name}.ts`, import.meta.url)))
  await build({
    config: false,
    entry,
    outDir: folder,
    platform: 'node',
    target: 'node20.19',
    dts: false,
    logLevel: 'error',
  })
  return { child: `${folder}/child.mjs`, micro: `${folder}/micro.mjs` }
}
