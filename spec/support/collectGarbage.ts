import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose_gc')
const gc = runInNewContext('gc') as () => void

/** Turns of the event loop in which a finalizer has to be called, once its object is garbage. */
const TURNS = 50

/**
 * Collects garbage and lets the finalizers be called, until a condition holds; without one, until those of an object
 * that was dropped just now are called, and twice more.
 */
export async function collectGarbage(condition?: () => boolean): Promise<void> {
  let isFound = false
  const registry = new FinalizationRegistry(() => {
    isFound = true
  })
  dropOne(registry)
  for (let turn = 0; turn < TURNS && !(condition ?? (() => isFound))(); turn++) await collect()
  if (condition === undefined && !isFound) throw new Error('Cannot collect garbage: a finalizer was not called')
  for (let turn = 0; turn < 2 && condition === undefined; turn++) await collect()
}

async function collect(): Promise<void> {
  gc()
  await new Promise((resolve) => setImmediate(resolve))
}

function dropOne(registry: FinalizationRegistry<unknown>): void {
  registry.register({}, undefined)
}
