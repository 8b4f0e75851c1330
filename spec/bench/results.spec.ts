import { describe, expect, it } from 'vitest'
import type { Case } from '../../bench/cases/case.ts'
import { type CaseResult, figuresOf, isMet, merge } from '../../bench/results.ts'

const one: Case = {
  name: 'one',
  title: 'One case',
  note: 'Why.',
  overKafka: false,
  load: { kind: 'orders', partitions: 1, warmUp: 1, messages: 10 },
  rows: [
    { variant: 'eachBatch', title: 'by hand' },
    { variant: 'values', title: 'ours' },
  ],
}

const resultOf = (name: string, command: string): CaseResult => ({
  name,
  title: name,
  note: '',
  columns: ['rate'],
  rows: [],
  command,
  measuredOn: '2026-01-05',
  machine: { cpu: 'x', cpus: 2, memory: 4, system: 'Linux', versions: {} },
  rounds: 3,
  load: '',
})

describe('figuresOf', () => {
  it('compares each run with the reference of its own round', () => {
    const { rows } = figuresOf(one, one.rows, [
      [{ rate: 100 }, { rate: 50 }],
      [{ rate: 10 }, { rate: 10 }],
      [{ rate: 1000 }, { rate: 900 }],
    ])
    expect(rows[1]?.figures.rate).toEqual({ median: 50, min: 10, max: 900 })
    // Not 50 of 100, the medians.
    expect(rows[1]?.ratios.rate).toEqual({ median: 0.9, min: 0.5, max: 1 })
  })

  it('compares rows with the first under the same heading', () => {
    const rows = [
      { variant: 'eachBatch', title: 'by hand', under: 'small' },
      { variant: 'values', title: 'ours', under: 'small' },
      { variant: 'eachBatch', title: 'by hand', under: 'large' },
      { variant: 'values', title: 'ours', under: 'large' },
    ] as const
    const round = [{ rate: 100 }, { rate: 50 }, { rate: 8 }, { rate: 6 }]
    const found = figuresOf(one, rows, [round]).rows.map(({ ratios }) => ratios.rate?.median)
    expect(found).toEqual([1, 0.5, 1, 0.75])
  })

  it('leaves out what a variant did not measure, and a ratio of what is not compared', () => {
    const { rows } = figuresOf({ ...one, columns: ['rate', 'rss', 'lag'] }, one.rows, [
      [
        { rate: 1, rss: 10 },
        { rate: 1, rss: 20, lag: 5 },
      ],
    ])
    expect(rows.map(({ figures }) => Object.keys(figures))).toEqual([
      ['rate', 'rss'],
      ['rate', 'rss', 'lag'],
    ])
    expect(Object.keys(rows[1]?.ratios ?? {})).toEqual(['rate'])
  })
})

describe('merge', () => {
  it('leaves the other cases as they were', () => {
    const known = { cases: [resultOf('a', 'old'), resultOf('b', 'old'), resultOf('c', 'old')] }
    const { cases } = merge(known, [resultOf('b', 'new')], ['a', 'b', 'c'])
    expect(cases.map(({ name, command }) => `${name} ${command}`)).toEqual(['a old', 'b new', 'c old'])
  })

  it('puts cases in the order of the page, and lets go of those that are gone', () => {
    const known = { cases: [resultOf('gone', 'old'), resultOf('c', 'old')] }
    const { cases } = merge(known, [resultOf('a', 'new')], ['a', 'b', 'c'])
    expect(cases.map(({ name }) => name)).toEqual(['a', 'c'])
  })
})

describe('isMet', () => {
  const row = (aim: object, median: number) => {
    const spread = { median, min: 0, max: 1000 }
    return { variant: 'values', title: '', aim: aim as never, figures: { p99: spread }, ratios: { rate: spread } }
  }

  it('holds the median against the bound, not the best round', () => {
    expect(isMet(row({ metric: 'rate', ratio: true, least: 0.9 }, 0.89))).toBe(false)
    expect(isMet(row({ metric: 'rate', ratio: true, least: 0.9 }, 0.9))).toBe(true)
    expect(isMet(row({ metric: 'p99', most: 20 }, 20.1))).toBe(false)
    expect(isMet(row({ metric: 'p99', most: 20 }, 20))).toBe(true)
  })

  it('says nothing where nothing was wanted, or measured', () => {
    expect(isMet({ ...row({ metric: 'lag', most: 20 }, 1) })).toBe(undefined)
    expect(isMet({ variant: 'values', title: '', figures: {}, ratios: {} })).toBe(undefined)
  })
})
