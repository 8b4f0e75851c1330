import type { Machine } from './machine.ts'
import type { CaseResult, RowResult, Size } from './rounds.ts'
import type { Spread } from './statistics.ts'

/** Everything one run of the benchmark found. */
export interface Results {
  readonly command: string
  readonly measuredOn: string
  readonly machine: Machine
  readonly size: Size
  readonly cases: readonly CaseResult[]
}

/** The results as a page. */
export function resultsPage(results: Results): string {
  const { machine, size, command, measuredOn, cases } = results
  return [
    '# Results of the benchmark',
    '',
    `Written by \`${command}\` on ${measuredOn}; the same as data: results.json.`,
    '',
    `Machine: ${machine.cpus} × ${machine.cpu}, ${machine.memory} GB, ${machine.system}.`,
    `Versions: ${Object.entries(machine.versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', ')}. Kafka runs on the same machine.`,
    '',
    `${size.messages.toLocaleString('en')} messages of about 120 bytes of JSON over 4 partitions, after ` +
      `${size.warmUp.toLocaleString('en')} to warm up; each run a process of its own, the variants in turn, ` +
      `${size.rounds} rounds. Medians; a ratio is against the reference (the first row) of the same round, its ` +
      'lowest and highest in brackets. CPU counts all threads of the process. Both sides decode with `JSON.parse`. ' +
      'A run counts only if its group has committed everything.',
    '',
    ...cases.map((one) => `${caseText(one)}\n${one.note}\n`),
  ].join('\n')
}

/** A case as a Markdown table, which reads well on a terminal too. */
export function caseText({ name, title, rows }: CaseResult): string {
  const head = ['variant', 'messages/s', 'ratio', 'aim', 'CPU µs a message', 'CPU ratio', 'peak RSS MB']
  const lines = [head, ...rows.map(cells)]
  const widths = head.map((_, i) => Math.max(...lines.map((line) => (line[i] as string).length)))
  const text = (line: readonly string[]) =>
    `| ${line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number))).join(' | ')} |`
  const rule = widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  return [`## ${name}: ${title}`, '', ...[head, rule, ...rows.map(cells)].map(text), ''].join('\n')
}

function cells({ title, rate, rateRatio, aim, cpu, cpuRatio, rss }: RowResult): string[] {
  return [
    title,
    Math.round(rate.median).toLocaleString('en'),
    ratioText(rateRatio),
    aim === undefined ? '' : `≥ ${aim}`,
    cpu.median.toFixed(2),
    ratioText(cpuRatio),
    rss.median.toFixed(0),
  ]
}

function ratioText({ median, min, max }: Spread): string {
  return `${median.toFixed(2)} (${min.toFixed(2)}–${max.toFixed(2)})`
}
