import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { mutants } from './bugs.ts'
import { type Mutant, patched } from './mutant.ts'
import type { Tested } from './report.ts'
import { verdictOf } from './verdict.ts'

describe('the mutants', () => {
  it('are of each of the 25 bugs', () => {
    const bugs = new Set(mutants.map(({ bug }) => bug))
    expect([...bugs]).toEqual(Array.from({ length: 25 }, (_, i) => i + 1))
  })

  it('still fit the sources', () => {
    const misfits: string[] = []
    for (const { bug, patches } of mutants) {
      const sources = new Map<string, string>()
      for (const patch of patches) {
        try {
          sources.set(patch.file, patched(sources.get(patch.file) ?? readFileSync(patch.file, 'utf8'), patch))
        } catch (error) {
          misfits.push(`bug ${bug} of spec/mutants/bugs: ${error}`)
        }
      }
    }
    expect(misfits).toEqual([])
  })

  it('name spec files that exist', () => {
    const specs = mutants.flatMap(({ red }) => Object.keys(red))
    expect(specs.filter((spec) => !existsSync(spec))).toEqual([])
  })
})

describe('the verdict on a mutant', () => {
  const mutant: Mutant = {
    ...{ bug: 1, thread: 'PC#1', broke: 'lost', undone: 'the guard', patches: [] },
    red: { 'spec/a.spec.ts': ['holds'] },
  }
  const tested = (status: string, failure?: string): Tested => {
    return { file: 'spec/a.spec.ts', title: 'holds', status, failures: failure === undefined ? [] : [failure] }
  }

  it.each([
    ['fails by an assertion', [tested('failed', 'AssertionError: expected 1 to be 2')], ''],
    ['fails by a drawing', [tested('failed', 'Error: Expected output:\n  expected  a\n  actual    b')], ''],
    ['fails by a counterexample', [tested('failed', 'Error: x\nafter 3 runs, 2 times made smaller; …')], ''],
    ['passes', [tested('passed')], 'SURVIVED: spec/a.spec.ts › holds'],
    ['crashes', [tested('failed', 'ReferenceError: x')], 'no assertion, but ReferenceError: x: spec/a.spec.ts › holds'],
    [
      'takes too long',
      [tested('failed', 'Error: Test timed out')],
      'no assertion, but Error: Test timed out: spec/a.spec.ts › holds',
    ],
    ['is not there', [], 'no such test: spec/a.spec.ts › holds'],
  ])('where its test %s', (_, tests, why) => {
    expect(verdictOf(mutant, tests)).toEqual({ caught: why === '', why })
  })
})
