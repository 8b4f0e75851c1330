import type { Lookup, Target } from './lookup.ts'

/** Look-ups whose instants are close together, which are answered by one pass over their series. */
export interface Run {
  readonly first: bigint
  readonly last: bigint
  /** Each once. */
  readonly targets: readonly Target[]
  readonly lookups: readonly Lookup[]
}

const MS = 1_000_000n
/** Rows that a look-up may cost on average: many more than these cost more than another pass over a series. */
const ROWS = 20

/** Where values are suddenly dense, so much of them is read once before it is known. */
const LONGEST = 256_000n * MS

/**
 * How long a run may be. How many values lie within is not known before; so it begins short, each answer with few rows
 * makes it longer, and one with too many as short as it should have been.
 */
export class Span {
  /** In ns. */
  ns = 1_000n * MS

  learn(lookups: number, rows: number): void {
    const most = ROWS * lookups
    const next = rows > most ? (this.ns * BigInt(most)) / BigInt(rows) : this.ns * 2n
    this.ns = next < MS ? MS : next > LONGEST ? LONGEST : next
  }
}

/** Parts look-ups into runs that are no longer than `span` ns. */
export function runsOf(lookups: readonly Lookup[], span: bigint): Run[] {
  const sorted = [...lookups].sort((a, b) => compare(a.at, b.at))
  const runs: Run[] = []
  let begin = 0
  for (let i = 1; i <= sorted.length; i++) {
    const lookup = sorted[i]
    if (lookup !== undefined && lookup.at - (sorted[begin] as Lookup).at <= span) continue
    runs.push(runOf(sorted.slice(begin, i)))
    begin = i
  }
  return runs
}

function runOf(lookups: readonly Lookup[]): Run {
  const targets = new Map(lookups.flatMap(({ targets }) => targets.map((target) => [target.id, target])))
  const [head] = lookups as [Lookup]
  return { first: head.at, last: (lookups.at(-1) as Lookup).at, targets: [...targets.values()], lookups }
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}
