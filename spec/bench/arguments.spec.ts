import { describe, expect, it } from 'vitest'
import { help, readArguments } from '../../bench/arguments.ts'
import { cases } from '../../bench/cases/cases.ts'

const namesOf = (...args: string[]) => readArguments(args).cases.map(({ name }) => name)

describe('the arguments of the benchmark', () => {
  it('measures the short form when no case is named, and all with --full', () => {
    expect(namesOf()).toEqual(cases.filter(({ isShort }) => isShort).map(({ name }) => name))
    expect(namesOf()).toContain('consume')
    expect(namesOf('--full')).toEqual(cases.map(({ name }) => name))
  })

  it('measures the cases that are named, in the order of the page', () => {
    expect(namesOf('memory', 'consume')).toEqual(['consume', 'memory'])
  })

  it('keeps only what three rounds of all messages found, without a profiler', () => {
    const isKept = (...args: string[]) => readArguments(args).isKept
    expect([isKept(), isKept('--rounds', '2'), isKept('--quick'), isKept('--profile')]).toEqual([
      true,
      false,
      false,
      false,
    ])
  })

  it('refuses in words what it does not know', () => {
    expect(() => readArguments(['nosuch'])).toThrow(/^Expected one of consume, .*, got `nosuch`$/)
    expect(() => readArguments(['--rounds', '0'])).toThrow('Expected --rounds N, N >= 1, got `0`')
  })

  it('names every case in its help', () => {
    for (const { name } of cases) expect(help).toContain(name)
  })
})
