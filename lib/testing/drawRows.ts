import type { Mark } from './marbles.ts'

/** A lane to be drawn, with its label. */
export interface Row {
  readonly label: string
  readonly marks: readonly Mark[]
}

/** Rows as text, in common columns. */
export interface DrawnRows {
  readonly lines: readonly string[]
  /** The column of an instant at which something happens. */
  columnOf(at: number): number
  /** Instants that are drawn late, because a group before them takes the room. */
  readonly late: readonly number[]
}

/** A longer wait is written as a time. */
const MOST_DASHES = 12
const TAIL = /(?:-| \d+(?:ms|s|m) )+$/

/**
 * Draws rows over one another: what happens at one instant stands in one column. Each row can be read as marbles again,
 * unless something happens while a group of another row is still being drawn.
 *
 *     orders[0]  a-b 198ms (cd)
 *     expected   --1 198ms 2---e
 */
export function drawRows(rows: readonly Row[]): DrawnRows {
  const instants = [...new Set(rows.flatMap(({ marks }) => marks.map(({ at }) => at)))].sort((a, b) => a - b)
  const labels = Math.max(0, ...rows.map(({ label }) => label.length)) + 2
  const columns = new Map<number, number>()
  const late: number[] = []
  let lines = rows.map(() => '')
  let drawnTo = 0
  for (const at of instants) {
    if (at < drawnTo) late.push(at)
    const wait = waitOf(at - drawnTo)
    const cells = rows.map(({ marks }) => cellOf(marks.filter((mark) => mark.at === at)))
    const width = Math.max(...cells.map(({ length }) => length))
    columns.set(at, labels + (lines[0] as string).length + wait.length)
    lines = lines.map((line, i) => line + wait + (cells[i] as string).padEnd(width, '-'))
    drawnTo = Math.max(at, drawnTo) + width
  }
  return {
    lines: lines.map((line, i) => (rows[i] as Row).label.padEnd(labels) + (line.replace(TAIL, '') || '-')),
    columnOf: (at) => columns.get(at) as number,
    late,
  }
}

function cellOf(marks: readonly Mark[]): string {
  const names = marks.map(({ name }) => name).join('')
  return marks.length > 1 ? `(${names})` : names
}

function waitOf(ms: number): string {
  if (ms <= MOST_DASHES) return '-'.repeat(Math.max(0, ms))
  if (ms % 60_000 === 0) return ` ${ms / 60_000}m `
  return ms % 1000 === 0 ? ` ${ms / 1000}s ` : ` ${ms}ms `
}
