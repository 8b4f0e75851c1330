import { evaluate, isOfRows, type Row } from './evaluate.ts'
import { type Expression, type Flux, FluxError, type Given, type Pipe } from './flux.ts'
import { type Bucket, firstAfter, type Series } from './points.ts'

/** Rows that have the values of their key in common. */
export interface Table {
  readonly key: readonly string[]
  readonly rows: readonly Row[]
}

/** What a pipe yields. */
export interface Result {
  readonly name: string
  readonly tables: readonly Table[]
}

/** A bucket that is not there. */
export class NoBucket extends Error {}

/** The part of Flux that the fake has, call by call. */
const STEPS: Readonly<Record<string, (tables: readonly Table[], given: Given, flux: Flux) => readonly Table[]>> = {
  filter: (tables, { fn }, flux) => {
    const isTrue = functionOf(fn, flux)
    return each(tables, (rows) => rows.filter((row) => evaluate(isTrue, row) === true))
  },
  last: (tables) => each(tables, (rows) => rows.slice(-1)),
  first: (tables) => each(tables, (rows) => rows.slice(0, 1)),
  keep: (tables, { columns }) => keep(tables, (name) => textsOf(columns).includes(name)),
  drop: (tables, { columns }) => keep(tables, (name) => !textsOf(columns).includes(name)),
  group: (tables, { columns }) => regroup(tables, columns === undefined ? [] : textsOf(columns)),
  sort: (tables, { columns, desc }) => each(tables, (rows) => sorted(rows, columns, desc)),
  limit: (tables, { n }) => each(tables, (rows) => rows.slice(0, Number(evaluate(n, {})))),
}

/**
 * Runs a query over buckets.
 *
 * @throws FluxError, NoBucket
 */
export function runFlux(flux: Flux, buckets: ReadonlyMap<string, Bucket>): readonly Result[] {
  return flux.pipes.map((pipe) => resultOf(pipe, flux, buckets))
}

function resultOf([source, range, ...steps]: Pipe, flux: Flux, buckets: ReadonlyMap<string, Bucket>): Result {
  if (source?.name !== 'from' || range?.name !== 'range')
    throw new FluxError('a pipe of from() |> range() was expected')
  const name = String(evaluate(source.given.bucket, {}))
  const bucket = buckets.get(name)
  if (bucket === undefined) throw new NoBucket(name)
  const [first, ...others] = steps
  const condition = first?.name === 'filter' ? functionOf(first.given.fn, flux) : undefined
  // A first condition that is only about series chooses them before any row of theirs is made, as in InfluxDB.
  const isPushedDown = condition !== undefined && !isOfRows(condition)
  const series = bucket.all.filter(({ key }) => !isPushedDown || evaluate(condition, key) === true)
  let tables = tablesOf(series, range.given, isPushedDown && others[0]?.name === 'last')
  let yielded = '_result'
  for (const { name, given } of isPushedDown ? others : steps) {
    const step = STEPS[name]
    if (name === 'yield') yielded = String(evaluate(given.name, {}))
    else if (step === undefined) throw new FluxError(`undefined identifier ${name}, to the fake InfluxDB at least`)
    else tables = step(tables, given, flux)
  }
  return { name: yielded, tables: tables.filter(({ rows }) => rows.length > 0) }
}

/** Each series is a table. `stop` is not included. */
function tablesOf(all: readonly Series[], { start, stop }: Given, isLast: boolean): readonly Table[] {
  const [_start, _stop] = [instant(start), instant(stop)]
  if (_start >= _stop) throw new FluxError('cannot query an empty range')
  return all.map(({ key, points }) => {
    const end = firstAfter(points, _stop - 1n)
    const begin = firstAfter(points, _start - 1n)
    const found = points.slice(isLast ? Math.max(begin, end - 1) : begin, end)
    const rows = found.map(({ time, value }) => ({ _start, _stop, _time: time, _value: value, ...key }))
    return { key: ['_start', '_stop', ...Object.keys(key)], rows }
  })
}

function instant(expression: Expression | undefined): bigint {
  const value = evaluate(expression, {})
  if (typeof value !== 'bigint') throw new FluxError('an instant was expected: time(v: …)')
  return value
}

function functionOf(expression: Expression | undefined, { functions }: Flux): Expression {
  const found = expression?.kind === 'name' ? functions.get(expression.name) : expression
  if (found?.kind !== 'function') throw new FluxError('a function (r) => … was expected')
  return found.body
}

function each(tables: readonly Table[], change: (rows: readonly Row[]) => readonly Row[]): readonly Table[] {
  return tables.map(({ key, rows }) => ({ key, rows: change(rows) })).filter(({ rows }) => rows.length > 0)
}

/** Tables that are then of one key become one. */
function keep(tables: readonly Table[], isKept: (column: string) => boolean): readonly Table[] {
  const kept = new Map<string, readonly Table[]>()
  for (const { key, rows } of tables) {
    const own = key.filter(isKept)
    const cut = rows.map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => isKept(name))))
    const id = JSON.stringify(own)
    kept.set(id, [...(kept.get(id) ?? []), { key: own, rows: cut }])
  }
  return [...kept.values()].flatMap((alike) => regroup(alike, alike[0]?.key ?? []))
}

/** Parts rows anew, by the columns of a key. */
function regroup(tables: readonly Table[], key: readonly string[]): readonly Table[] {
  const grouped = new Map<string, Row[]>()
  for (const row of tables.flatMap(({ rows }) => rows)) {
    const id = JSON.stringify(key.map((name) => String(row[name])))
    const rows = grouped.get(id) ?? []
    grouped.set(id, rows)
    rows.push(row)
  }
  return [...grouped.values()].map((rows) => ({ key, rows }))
}

function sorted(rows: readonly Row[], columns: Expression | undefined, desc: Expression | undefined): readonly Row[] {
  const names = columns === undefined ? ['_value'] : textsOf(columns)
  const sign = desc !== undefined && evaluate(desc, {}) === true ? -1 : 1
  return [...rows].sort((a, b) => {
    for (const name of names) {
      const [left, right] = [a[name] as number, b[name] as number]
      if (left !== right) return left < right ? -sign : sign
    }
    return 0
  })
}

function textsOf(expression: Expression | undefined): readonly string[] {
  if (expression?.kind !== 'list') throw new FluxError('a list of columns was expected')
  return expression.items.map((item) => String(evaluate(item, {})))
}
