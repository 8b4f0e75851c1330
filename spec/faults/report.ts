import { STATES } from './cells.ts'
import type { Outcome } from './runCell.ts'

/** How the cells went, a row for each fault of an api and a column for each state. */
export function tableOf(outcomes: readonly Outcome[]): string {
  const rows = new Map<string, Map<string, Outcome>>()
  for (const outcome of outcomes) {
    const [api = '', fault = ''] = outcome.cell.name.split('/')
    const key = `${api.padEnd(16)}${fault.padEnd(30)}`
    const row = rows.get(key) ?? new Map<string, Outcome>()
    rows.set(key, row.set(outcome.cell.state, outcome))
  }
  const line = (first: string, cells: readonly string[]) =>
    `${first}${cells.map((cell) => cell.padEnd(16)).join('')}`.trimEnd()
  return [
    line(`${'api'.padEnd(16)}${'fault'.padEnd(30)}`, STATES),
    ...[...rows].sort().map(([key, row]) =>
      line(
        key,
        STATES.map((state) => wordOf(row.get(state))),
      ),
    ),
  ].join('\n')
}

/** What went wrong in a cell, and how to see it again. */
export function failureText({ cell, failures, story }: Outcome, seed: number): string {
  return [
    `FAILED ${cell.name}`,
    ...[...new Set(failures)].map((failure) => `  ${failure}`),
    ...story.split('\n').map((line) => `    ${line}`),
    `  again: npm run faults -- --seed ${seed} --cell ${cell.name}`,
  ].join('\n')
}

export function summaryOf(outcomes: readonly Outcome[]): string {
  const failed = outcomes.filter(({ failures }) => failures.length > 0).length
  return `faults: ${outcomes.length} cells, ${outcomes.length - failed} ok, ${failed} failed`
}

function wordOf(outcome: Outcome | undefined): string {
  if (outcome === undefined) return '-'
  if (outcome.failures.length > 0) return 'FAILED'
  const repeats = outcome.repeats > 0 ? `, ${outcome.repeats} again` : ''
  return `ok${repeats}`
}
