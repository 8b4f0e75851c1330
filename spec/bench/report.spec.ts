import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { caseText, resultsPage } from '../../bench/report.ts'
import type { CaseFigures, CaseResult, RowFigures } from '../../bench/results.ts'

const spread = (median: number) => ({ median, min: median / 2, max: median * 2 })
const machine = { cpu: 'CPU', cpus: 2, memory: 24, system: 'Linux 6', versions: { Node: '20.20.2' } }
const byHand: RowFigures = {
  variant: 'eachBatch',
  title: 'by hand',
  figures: { rate: spread(1_234_567), rss: spread(100) },
  ratios: { rate: spread(1) },
}
const ours: RowFigures = {
  ...byHand,
  title: 'ours',
  aim: { metric: 'rate', ratio: true, least: 0.9 },
  ratios: { rate: spread(0.8) },
}
const figures: CaseFigures = {
  name: 'one',
  title: 'A case',
  note: 'Why.',
  columns: ['rate', 'rss'],
  rows: [byHand, ours],
}
const result: CaseResult = {
  ...figures,
  command: 'npm run bench -- one',
  measuredOn: '2026-01-05',
  machine,
  rounds: 3,
  load: '10 messages',
}

describe('caseText', () => {
  it('is a table in columns, with ratios where figures are compared, and says which aim was missed', () => {
    expect(caseText(figures).split('\n')).toEqual([
      '## one: A case',
      '',
      '| variant | messages/s |            ratio | peak RSS MB |                 aim |',
      '| ------- | ---------: | ---------------: | ----------: | ------------------: |',
      '| by hand |  1,234,567 | 1.00 (0.50–2.00) |         100 |                     |',
      '| ours    |  1,234,567 | 0.80 (0.40–1.60) |         100 | ratio ≥ 0.9, missed |',
      '',
    ])
  })

  it('has a column for what the rows are under, when they are', () => {
    const [, , head] = caseText({ ...figures, rows: [{ ...byHand, under: '1 partition' }] }).split('\n')
    expect(head).toBe('|             | variant | messages/s |            ratio | peak RSS MB |')
  })
})

describe('resultsPage', () => {
  it('says of each case how it was measured, and of one from elsewhere on what', () => {
    const other = { ...result, name: 'two', machine: { ...machine, cpus: 64 } }
    const page = resultsPage({ cases: [result, other] })
    expect(page).toContain('Machine, where a case does not say otherwise: 2 × CPU, 24 GB, Linux 6; Node 20.20.2.')
    expect(page).toContain('10 messages. 3 rounds, `npm run bench -- one`, 2026-01-05.\n')
    expect(page).toContain('2026-01-05. On: 64 × CPU, 24 GB')
  })
})

describe('RESULTS.md', () => {
  it('says what results.json says', () => {
    const data = JSON.parse(readFileSync('bench/results.json', 'utf8'))
    expect(readFileSync('bench/RESULTS.md', 'utf8')).toBe(resultsPage(data))
  })
})
