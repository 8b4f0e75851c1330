import type { Aim } from './cases/case.ts'
import type { Machine } from './machine.ts'
import { type Metric, type MetricName, metrics } from './metrics.ts'
import { type CaseFigures, type CaseResult, isMet, type Results, type RowFigures } from './results.ts'
import type { Spread } from './statistics.ts'

/** The results as a page. */
export function resultsPage({ cases }: Results): string {
  const machine = cases[0] === undefined ? '' : machineText(cases[0].machine)
  return [
    '# Results of the benchmark',
    '',
    'Written by `npm run bench`; the same as data: results.json. Each case says when and by which command it was measured.',
    '',
    `Machine, where a case does not say otherwise: ${machine}`,
    '',
    'Servers and what is measured share the machine. Each run is a process of its own; the variants of a case run in ' +
      'turn, round by round, each round from another one on. Medians; a ratio is against the reference of the same round (the first row, or the first ' +
      'under its heading), its lowest and highest in brackets. CPU counts all threads of the process. All variants ' +
      'decode with `JSON.parse` where a case does not say otherwise. A run counts only if its group has committed ' +
      'everything, and if what it wrote is there, once for each message.',
    '',
    ...cases.map((one) => caseSection(one, machine)),
  ].join('\n')
}

function caseSection(one: CaseResult, machine: string): string {
  const { command, measuredOn, rounds, load, note } = one
  const own = machineText(one.machine)
  const elsewhere = own === machine ? '' : ` On: ${own}`
  const how = `${load}. ${rounds} rounds, \`${command}\`, ${measuredOn}.${elsewhere}`
  return [caseText(one), note, '', how, ''].join('\n')
}

function machineText({ cpus, cpu, memory, system, versions }: Machine): string {
  const names = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  return `${cpus} × ${cpu}, ${memory} GB, ${system}; ${names.join(', ')}.`
}

/** A case as a Markdown table, which reads well on a terminal too. */
export function caseText({ name, title, columns, rows }: CaseFigures): string {
  const hasHeadings = rows.some(({ under }) => under !== undefined)
  const hasAims = rows.some(({ aim }) => aim !== undefined)
  const head = [
    ...(hasHeadings ? [''] : []),
    'variant',
    ...columns.flatMap((column) => titlesOf(metrics[column])),
    ...(hasAims ? ['aim'] : []),
  ]
  const cells = (row: RowFigures) => [
    ...(hasHeadings ? [row.under ?? ''] : []),
    row.title,
    ...columns.flatMap((column) => figureCells(column, row)),
    ...(hasAims ? [aimText(row)] : []),
  ]
  return [`## ${name}: ${title}`, '', ...tableLines(head, rows.map(cells), hasHeadings ? 2 : 1), ''].join('\n')
}

/** @param texts how many of the first columns hold text, not figures */
function tableLines(head: readonly string[], lines: readonly (readonly string[])[], texts: number): string[] {
  const widths = head.map((_, i) => Math.max(3, ...[head, ...lines].map((line) => (line[i] as string).length)))
  const text = (line: readonly string[]) => {
    const padded = line.map((cell, i) => {
      const width = widths[i] as number
      return i < texts ? cell.padEnd(width) : cell.padStart(width)
    })
    return `| ${padded.join(' | ')} |`
  }
  const rule = widths.map((width, i) => (i < texts ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  return [head, rule, ...lines].map(text)
}

function titlesOf(metric: Metric): string[] {
  return metric.ratio === undefined ? [metric.title] : [metric.title, metric.ratio]
}

function figureCells(column: MetricName, { figures, ratios }: RowFigures): string[] {
  const metric: Metric = metrics[column]
  const figure = figures[column]
  const ratio = ratios[column]
  const text = figure === undefined ? '' : numberText(figure.median, metric.digits)
  return metric.ratio === undefined ? [text] : [text, ratio === undefined ? '' : ratioText(ratio)]
}

function numberText(value: number, digits: number): string {
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

function ratioText({ median, min, max }: Spread): string {
  // A peer may be a hundred times slower.
  const text = (value: number) => value.toFixed(median < 0.1 ? 4 : 2)
  return `${text(median)} (${text(min)}–${text(max)})`
}

function aimText(row: RowFigures): string {
  if (row.aim === undefined) return ''
  return `${boundText(row.aim)}${isMet(row) === false ? ', missed' : ''}`
}

function boundText({ metric, ratio, least, most }: Aim): string {
  const { title, ratio: ratioTitle }: Metric = metrics[metric]
  return `${ratio ? ratioTitle : title} ${least === undefined ? `≤ ${most}` : `≥ ${least}`}`
}
