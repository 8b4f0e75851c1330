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
  const words = options.inWords?.(example) ?? fc.stringify(example)
  const cause = result.errorInstance
  throw new Error(
    [
      `${cause instanceof Error ? cause.message : String(cause)}`,
      `after ${result.numRuns} runs, ${result.numShrinks} times made smaller; the smallest example:`,
      words,
      `Again: SEED=${result.seed} TRAIL=${result.counterexamplePath} npx vitest run --project unit <this file>`,
    ].join('\n'),
    { cause },
  )
}
