import { Glyphs, textOf } from './glyphs.ts'
import type { Mark } from './marbles.ts'
import type { ComparedLane, LaneEvent } from './mismatch.ts'
import type { Emission } from './pipe.ts'
import { isSameError } from './sameError.ts'

/** What a pipe has to emit. */
export interface ExpectedOutput {
  readonly marks: readonly Mark[]
  readonly values: ReadonlyMap<string, unknown>
  /** What `#` has to be: any error when it is undefined. */
  readonly error: unknown
}

/** Lays what a pipe emitted beside what was expected of it. */
export function outputLane(
  { marks, values, error }: ExpectedOutput,
  emissions: readonly Emission[],
): ComparedLane & { readonly legend: readonly string[] } {
  const glyphs = new Glyphs(values)
  const expected = marks.map(({ at, name }): LaneEvent => {
    if ('|#'.includes(name)) return { at, name }
    return { at, name: glyphs.nameOf(values.has(name) ? values.get(name) : name) }
  })
  const actual = emissions.map((emission): LaneEvent => {
    const { at, kind } = emission
    if (kind === 'complete') return { at, name: '|' }
    if (kind === 'next') return { at, name: glyphs.nameOf(emission.value), note: textOf(emission.value) }
    const isExpected = isSameError(error, emission.error)
    return { at, name: isExpected ? '#' : glyphs.nameOf(emission.error), note: textOf(emission.error) }
  })
  return { expected, actual, legend: glyphs.legend }
}
