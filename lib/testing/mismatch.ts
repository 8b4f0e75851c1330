import { drawRows, type Row } from './drawRows.ts'
import type { Mark } from './marbles.ts'

/** What happened: a mark, and what it stands for. */
export interface LaneEvent extends Mark {
  /** In words, for a failure. */
  readonly note?: string
}

/** A lane as it was expected and as it was. */
export interface ComparedLane {
  readonly expected: readonly LaneEvent[]
  readonly actual: readonly LaneEvent[]
  /** What is drawn above them, for the reader's eye. */
  readonly above?: readonly Row[]
}

/** Says where a lane differs from what was expected, by a drawing; undefined when it does not. */
export function mismatchOf({ expected, actual, above = [] }: ComparedLane): string | undefined {
  const at = firstDifference(expected, actual)
  if (at === undefined) return undefined
  const rows = [...above, { label: 'expected', marks: expected }, { label: 'actual', marks: actual }]
  const { lines, columnOf, late } = drawRows(rows)
  const mark = `${' '.repeat(columnOf(at))}^ ${differenceText(at, expected, actual)}`
  const lateText = late.length === 0 ? [] : [`(drawn late, behind a group: what is at ${late.join(', ')} ms)`]
  return [...lines, mark, ...lateText].join('\n')
}

/** The instant of the first mark that is not as expected. */
function firstDifference(expected: readonly Mark[], actual: readonly Mark[]): number | undefined {
  for (let i = 0; i < Math.max(expected.length, actual.length); i++) {
    const wanted = expected[i]
    const got = actual[i]
    if (wanted?.at === got?.at && wanted?.name === got?.name) continue
    return Math.min(wanted?.at ?? Number.POSITIVE_INFINITY, got?.at ?? Number.POSITIVE_INFINITY)
  }
  return undefined
}

function differenceText(at: number, expected: readonly LaneEvent[], actual: readonly LaneEvent[]): string {
  return `at ${at} ms: expected ${wordsOf(at, expected)}, got ${wordsOf(at, actual)}`
}

function wordsOf(at: number, events: readonly LaneEvent[]): string {
  const words = events.filter((event) => event.at === at).map(({ name, note }) => (note ? `${name} (${note})` : name))
  return words.length === 0 ? 'nothing' : words.join(', ')
}
