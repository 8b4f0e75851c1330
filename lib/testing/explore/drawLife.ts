import { drawRows, type Row } from '../drawRows.ts'
import type { Effect } from './effects.ts'
import type { Life } from './life.ts'
import type { Seen } from './world.ts'

/** Draws a life as lanes: what came and what happened, what each server was asked, what was emitted and committed. */
export function drawLife(
  { arrivals, answers }: Life,
  seen: Seen,
  effects: ReadonlyMap<string, readonly Effect[]>,
): string {
  const { calls, control, emissions, kafka } = seen
  const names = new Map([...effects].flatMap(([name, own]) => own.map(({ text }): [string, string] => [text, name])))
  const places = [...new Set(arrivals.map(({ partition }) => partition))].sort()
  const rows: Row[] = places.map((partition) => ({
    label: `${partition}:`,
    marks: arrivals.filter((arrival) => arrival.partition === partition),
  }))
  rows.push({ label: 'ctl:', marks: control })
  for (const [where, log] of calls)
    rows.push({
      label: where,
      marks: log.map(({ at, name, isServed }) => ({ at, name: isServed ? (names.get(name) ?? '?') : '#' })),
    })
  const emitted = emissions.flatMap((one) =>
    one.kind === 'next'
      ? [{ at: one.at, name: names.get(JSON.stringify(one.value)) ?? '?' }]
      : [{ at: one.at, name: one.kind === 'error' ? '#' : '|' }],
  )
  rows.push({ label: 'output', marks: emitted })
  for (const partition of places) {
    const committed = kafka.journal.of(['committed']).filter(({ place }) => place.partition === partition)
    rows.push({
      label: `commits ${partition}:`,
      marks: committed.map(({ at, place }) => ({ at, name: String(place.offset) })),
    })
  }
  const { lines } = drawRows(rows.filter(({ marks }) => marks.length > 0))
  const answered = answers.map(({ ms, fails }) => `${fails ? 'none' : 'one'} after ${ms} ms`).join(', ')
  return [...lines, ...(answers.length === 0 ? [] : [`answers of each server: ${answered}`])].join('\n')
}
