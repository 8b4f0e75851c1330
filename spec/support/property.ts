import fc from 'fast-check'

/** How a property is tried. */
export interface PropertyOptions<T> {
  /** Lives tried; the environment's RUNS takes its place. */
  readonly runs: number
  /** Says an example in words. */
  readonly inWords?: (example: T) => string
}

/**
 * Tries a property with random examples. A failure tells the smallest one in words, and how to have it again:
 * SEED=… TRAIL=… in the environment.
 */
export function holds<T>(
  examples: fc.Arbitrary<T>,
  predicate: (example: T) => void,
  options: PropertyOptions<T>,
): void {
  const { SEED, TRAIL, RUNS } = process.env
  const replay = SEED === undefined ? {} : { seed: Number(SEED), ...(TRAIL === undefined ? {} : { path: TRAIL }) }
  const property = fc.property(examples, (example) => void predicate(example))
  const result = fc.check(property, { numRuns: Number(RUNS ?? options.runs), ...replay })
  if (!result.failed) return
  const [example] = result.counterexample as [T]
  throw failure(result, options.inWords?.(example) ?? fc.stringify(example))
}

/** As {@link holds}, of what promises do; for `ms` at most. */
export async function holdsInTime<T>(
  examples: fc.Arbitrary<T>,
  predicate: (example: T) => Promise<void>,
  options: { readonly ms: number; readonly inWords: (example: T) => Promise<string> },
): Promise<number> {
  const { SEED, TRAIL, RUNS } = process.env
  const replay = SEED === undefined ? {} : { seed: Number(SEED), ...(TRAIL === undefined ? {} : { path: TRAIL }) }
  const time = { interruptAfterTimeLimit: options.ms, markInterruptAsFailure: false }
  const property = fc.asyncProperty(examples, predicate)
  const result = await fc.check(property, { numRuns: Number(RUNS ?? 1e6), ...time, ...replay })
  if (!result.failed) return result.numRuns
  const [example] = result.counterexample as [T]
  throw failure(result, await options.inWords(example))
}

/** Of fast-check's report, what is told. */
type Failed = Pick<
  fc.RunDetailsCommon<unknown>,
  'errorInstance' | 'numRuns' | 'numShrinks' | 'seed' | 'counterexamplePath'
>

function failure(result: Failed, words: string): Error {
  const { errorInstance: cause, numRuns, numShrinks, seed, counterexamplePath } = result
  const lines = [
    cause instanceof Error ? cause.message : String(cause),
    `after ${numRuns} runs, ${numShrinks} times made smaller; the smallest example:`,
    words,
    `Again: SEED=${seed} TRAIL=${counterexamplePath} npx vitest run --project unit <this file>`,
  ]
  return new Error(lines.join('\n'), { cause })
}
