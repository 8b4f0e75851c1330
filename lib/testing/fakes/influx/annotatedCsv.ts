import type { Row } from './evaluate.ts'
import type { Result, Table } from './query.ts'

/**
 * Writes an answer as InfluxDB does, with `datatype` as its one annotation.
 *
 * @see https://docs.influxdata.com/influxdb/v2/reference/syntax/annotated-csv/
 */
export function annotatedCsv(results: readonly Result[]): string {
  return results.flatMap(({ name, tables }) => tables.map((table, i) => tableText(name, i, table))).join('\r\n')
}

/** Writes rows as an answer. */
export function csvOfRows(rows: readonly Row[]): string {
  return annotatedCsv([{ name: '_result', tables: rows.map((row) => ({ key: [], rows: [row] })) }])
}

/** RFC 3339, without the zeros that end a fraction. */
export function timeText(ns: bigint): string {
  const fraction = ((ns % SECOND) + SECOND) % SECOND
  const seconds = new Date(Number((ns - fraction) / 1_000_000n)).toISOString().replace('.000Z', '')
  return fraction === 0n ? `${seconds}Z` : `${seconds}.${String(fraction).padStart(9, '0').replace(/0+$/, '')}Z`
}

const SECOND = 1_000_000_000n
const TIMES = ['_start', '_stop', '_time']

function tableText(result: string, number: number, { rows }: Table): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  const types = columns.map((name) => typeOf(name, rows.find((row) => row[name] !== undefined)?.[name]))
  const lines = [
    ['#datatype', 'string', 'long', ...types],
    ['', 'result', 'table', ...columns.map(cell)],
    ...rows.map((row) => ['', cell(result), String(number), ...columns.map((name) => cell(shown(name, row[name])))]),
  ]
  return lines.map((line) => `${line.join(',')}\r\n`).join('')
}

function typeOf(column: string, value: unknown): string {
  if (TIMES.includes(column)) return 'dateTime:RFC3339'
  return { number: 'double', bigint: 'long', boolean: 'boolean' }[typeof value as 'number'] ?? 'string'
}

function shown(column: string, value: unknown): string {
  if (TIMES.includes(column) && typeof value === 'bigint') return timeText(value)
  return value === undefined ? '' : String(value)
}

function cell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
