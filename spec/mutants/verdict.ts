import type { Mutant } from './mutant.ts'
import type { Tested } from './report.ts'

/** What came of a mutant; `why` names the test that should have been red, or what went wrong. */
export interface Verdict {
  readonly caught: boolean
  readonly why: string
}

/** An assertion, of Vitest or of the kit, or a property's counterexample. */
const ASSERTION = /^AssertionError|^Error: Expected |\nafter \d+ runs, /

/** Says whether each test that a mutant names has turned red, and by an assertion rather than by a crash. */
export function verdictOf({ red }: Mutant, tested: readonly Tested[]): Verdict {
  for (const [file, titles] of Object.entries(red)) {
    for (const title of titles) {
      const wrong = wrongWith(tested.filter((test) => test.file === file && test.title === title))
      if (wrong !== undefined) return { caught: false, why: `${wrong}: ${file} › ${title}` }
    }
  }
  return { caught: true, why: '' }
}

/** Says what is wrong with a table of tests that should all pass. */
export function missingIn({ red }: Mutant, tested: readonly Tested[]): readonly string[] {
  return Object.entries(red).flatMap(([file, titles]) =>
    titles
      .filter((title) => !tested.some((test) => test.file === file && test.title === title && isGreen(test)))
      .map((title) => `${file} › ${title}`),
  )
}

const isGreen = ({ status }: Tested) => status === 'passed'

function wrongWith(tests: readonly Tested[]): string | undefined {
  if (tests.length === 0) return 'no such test'
  if (tests.every(isGreen)) return 'SURVIVED'
  const failures = tests.flatMap((test) => test.failures)
  return failures.some((failure) => ASSERTION.test(failure))
    ? undefined
    : `no assertion, but ${failures[0]?.split('\n')[0]}`
}
