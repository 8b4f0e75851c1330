import type { PipelineProgress, Progress } from './progress.ts'

/** Shows how a run stands. */
export interface View {
  /** How often it wants to be shown, in ms. */
  readonly every: number
  show(progress: Progress): void
}

/** Where a view writes. */
export interface Screen {
  write(text: string): unknown
}

/** Writes a line a second, for logs. */
export function lineView(screen: Screen): View {
  return {
    every: 1000,
    show: ({ seconds, share, pipelines }) => {
      const each = pipelines.map(({ name, done, lag }) => `${name} ${done} (lag ${lag})`)
      screen.write(`${seconds.toFixed(0).padStart(3)} s ${percent(share)}  ${each.join('  ')}\n`)
    },
  }
}

/** Draws a row a pipeline, again and again in the same place. */
export function liveView(screen: Screen): View {
  let height = 0
  return {
    every: 200,
    show: (progress) => {
      const lines = [HEAD, ...progress.pipelines.map(row), '', footer(progress)]
      const up = height === 0 ? '' : `\u001b[${height}A`
      screen.write(up + lines.map((line) => `\u001b[2K${line}\n`).join(''))
      height = lines.length
    },
  }
}

/** Titles and widths of the columns; with the name and the bar they fit into 80 characters. */
const COLUMNS = [
  ['messages', 9],
  ['rate/s', 8],
  ['in flight', 10],
  ['lag', 8],
  ['commits', 8],
  ['errors', 7],
] as const

const BAR = 9

const HEAD = dim(`${'pipeline'.padEnd(18 + BAR)}${COLUMNS.map(([title, width]) => title.padStart(width)).join('')}`)

function row({ name, done, total, rate, inFlight, lag, commits, errors }: PipelineProgress): string {
  const numbers = [done, Math.round(rate), inFlight, lag, commits, errors].map(number)
  const cells = COLUMNS.map(([title, width], i) => {
    const cell = (numbers[i] ?? '').padStart(width)
    return title === 'errors' && errors > 0 ? yellow(cell) : cell
  })
  return `${bold(name.padEnd(18))}${bar(done / total, BAR)}${cells.join('')}`
}

function footer({ share, seconds }: Progress): string {
  return `${'all'.padEnd(18)}${bar(share, BAR)}${percent(share)} in ${seconds.toFixed(1)} s`
}

function bar(share: number, width: number): string {
  const full = Math.round(Math.min(1, share) * width)
  return green('█'.repeat(full)) + dim('░'.repeat(width - full))
}

function percent(share: number): string {
  return `${Math.floor(share * 100)} %`.padStart(5)
}

/** A number with thin groups of three. */
export function number(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ' ')
}

function dim(text: string): string {
  return `\u001b[2m${text}\u001b[22m`
}

function bold(text: string): string {
  return `\u001b[1m${text}\u001b[22m`
}

function green(text: string): string {
  return `\u001b[32m${text}\u001b[39m`
}

function yellow(text: string): string {
  return `\u001b[33m${text}\u001b[39m`
}
