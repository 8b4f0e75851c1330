import type { Aim, Case, Row } from './cases/case.ts'
import type { Machine } from './machine.ts'
import { type Figures, type MetricName, metrics } from './metrics.ts'
import { type Spread, spreadOf } from './statistics.ts'

type Spreads = Readonly<Partial<Record<MetricName, Spread>>>

/** What a variant took, over all rounds. */
export interface RowFigures {
  readonly variant: string
  readonly title: string
  readonly under?: string
  readonly aim?: Aim
  readonly figures: Spreads
  /** Against the reference of the same round. */
  readonly ratios: Spreads
}

/** What was found of a case. */
export interface CaseFigures extends Pick<Case, 'name' | 'title' | 'note'> {
  readonly columns: readonly MetricName[]
  readonly rows: readonly RowFigures[]
}

/** The same, with all that it depends on. */
export interface CaseResult extends CaseFigures {
  readonly command: string
  readonly measuredOn: string
  readonly machine: Machine
  readonly rounds: number
  /** What was read, in words. */
  readonly load: string
}

/** Everything that was found so far: results.json. */
export interface Results {
  readonly cases: readonly CaseResult[]
}

/** What is measured of a case. */
export function columnsOf({ columns = ['rate', 'cpu', 'rss'] }: Case): readonly MetricName[] {
  return columns
}

/** @param rounds for each round the figures of the rows, in order */
export function figuresOf(which: Case, rows: readonly Row[], rounds: readonly (readonly Figures[])[]): CaseFigures {
  const { name, title, note } = which
  const columns = columnsOf(which)
  return {
    name,
    title,
    note,
    columns,
    rows: rows.map((row, i) => {
      const reference = rows.findIndex(({ under }) => under === row.under)
      return rowFigures(
        row,
        columns,
        rounds.map((figures) => [figures[i] as Figures, figures[reference] as Figures]),
      )
    }),
  }
}

function rowFigures(
  row: Row,
  columns: readonly MetricName[],
  pairs: readonly (readonly [Figures, Figures])[],
): RowFigures {
  const { variant, title, under, aim } = row
  const spreads = (names: readonly MetricName[], figure: (name: MetricName, own: Figures, other: Figures) => number) =>
    Object.fromEntries(names.map((name) => [name, spreadOf(pairs.map(([own, other]) => figure(name, own, other)))]))
  const known = columns.filter((name) => pairs.every(([own]) => own[name] !== undefined))
  const compared = known.filter((name) => 'ratio' in metrics[name])
  return {
    variant,
    title,
    ...(under === undefined ? {} : { under }),
    ...(aim === undefined ? {} : { aim }),
    figures: spreads(known, (name, own) => own[name] as number),
    ratios: spreads(compared, (name, own, other) => (own[name] as number) / (other[name] as number)),
  }
}

/** Puts what was measured now in the place of what was known of the same cases; the others stay. */
export function merge(known: Results, fresh: readonly CaseResult[], order: readonly string[]): Results {
  const all = new Map([...known.cases, ...fresh].map((one) => [one.name, one]))
  return { cases: order.flatMap((name) => all.get(name) ?? []) }
}

/** Whether a row has what was wanted of it; undefined where nothing was. */
export function isMet({ aim, figures, ratios }: RowFigures): boolean | undefined {
  if (aim === undefined) return undefined
  const spread = (aim.ratio ? ratios : figures)[aim.metric]
  if (spread === undefined) return undefined
  return (
    spread.median >= (aim.least ?? Number.NEGATIVE_INFINITY) && spread.median <= (aim.most ?? Number.POSITIVE_INFINITY)
  )
}
