import type { Target } from './lookup.ts'
import { FIRST } from './nanoseconds.ts'
import type { Run } from './runs.ts'

/**
 * Writes the query of a batch. Each run asks for the last value up to its first instant, which InfluxDB finds without
 * reading what lies before it, and for all values from there to its last instant.
 *
 * All rows of all runs are one pool to the reader: their own columns tell what they answer. Of those with many, only
 * the columns that do so are kept; for one row a series that would cost InfluxDB more than it saves.
 *
 * @param lookback how far back values count, in ns
 */
export function fluxOf(bucket: string, runs: readonly Run[], lookback: bigint): string {
  const names = new Set(runs.flatMap(({ targets }) => targets.flatMap(({ tags }) => tags.map(([name]) => name))))
  const columns = ['_time', '_value', '_measurement', '_field', ...names].map(literal).join(', ')
  return runs.map((run, i) => runText(run, i, { bucket: literal(bucket), columns, lookback })).join('\n')
}

interface Common {
  readonly bucket: string
  readonly columns: string
  readonly lookback: bigint
}

function runText({ first, last, targets }: Run, i: number, { bucket, columns, lookback }: Common): string {
  // `stop` is exclusive, and an instant is to be found itself.
  const after = first + 1n
  const begin = first > FIRST + lookback ? first - lookback : FIRST
  const from = (start: bigint, stop: bigint) =>
    `from(bucket: ${bucket}) |> range(start: time(v: ${start}), stop: time(v: ${stop})) |> filter(fn: f${i})`
  const lines = [`f${i} = (r) => ${predicate(targets)}`, `${from(begin, after)} |> last() |> yield(name: "last${i}")`]
  if (last > first) lines.push(`${from(after, last + 1n)} |> keep(columns: [${columns}]) |> yield(name: "then${i}")`)
  return lines.join('\n')
}

/**
 * `or` of comparisons, never `contains()`: that one is not pushed down, and took a thousand times as long.
 */
function predicate(targets: readonly Target[]): string {
  const fields = new Map<string, string[]>()
  for (const { measurement, field, tags } of targets) {
    const key = and([equal('_measurement', measurement), equal('_field', field)])
    const found = fields.get(key) ?? []
    fields.set(key, found)
    found.push(and(tags.map(([name, value]) => equal(name, value))))
  }
  return or([...fields].map(([field, series]) => (series.includes('') ? field : and([field, `(${or(series)})`]))))
}

const and = (terms: readonly string[]) => terms.join(' and ')
const or = (terms: readonly string[]) =>
  terms.length === 1 ? (terms[0] as string) : terms.map((t) => `(${t})`).join(' or ')
const equal = (column: string, value: string) => `r[${literal(column)}] == ${literal(value)}`

/**
 * A Flux string that is these characters and nothing else. Every byte but plain ones becomes `\xHH`: quotes and
 * backslashes alone would not do, because Flux reads `$\` and `$"` as pairs, so that a `$` before the closing quote
 * swallows it and what follows runs as code. The client's `flux` template has that hole.
 */
function literal(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`
  let written = ''
  for (const byte of Buffer.from(text)) {
    const char = String.fromCharCode(byte)
    written += PLAIN.test(char) ? char : `\\x${byte.toString(16).padStart(2, '0')}`
  }
  return `"${written}"`
}

const PLAIN = /^[A-Za-z0-9_.:/ -]*$/
