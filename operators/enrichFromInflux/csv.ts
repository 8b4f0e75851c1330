/** One row of an answer: its columns by name. Times are RFC 3339 text with up to nine digits of a second. */
export type FluxRow = Readonly<Record<string, unknown>>

type Read = (cell: string) => unknown

/**
 * Reads annotated CSV, with `datatype` as its one annotation.
 *
 * @see https://docs.influxdata.com/influxdb/v2/reference/syntax/annotated-csv/
 */
export function fluxRows(csv: string): FluxRow[] {
  const rows: FluxRow[] = []
  let reads: Read[] = []
  let names: readonly string[] | undefined
  for (const cells of csv.includes('"') ? quotedLines(csv) : plainLines(csv)) {
    if (cells.length === 1 && cells[0] === '') {
      // The end of a table. That of a late error has no annotations of its own: its columns are text.
      names = undefined
      reads = []
    } else if (cells[0] === '#datatype') reads = cells.map(readOf)
    else if (cells[0]?.startsWith('#')) continue
    else if (names === undefined) names = cells
    else rows.push(rowOf(names, reads, cells))
  }
  return rows
}

function rowOf(names: readonly string[], reads: readonly Read[], cells: readonly string[]): FluxRow {
  const row: Record<string, unknown> = {}
  for (let i = 0; i < names.length; i++) {
    const name = names[i] as string
    if (name !== '') row[name] = (reads[i] ?? text)(cells[i] ?? '')
  }
  return row
}

function readOf(datatype: string): Read {
  if (datatype === 'double' || datatype === 'long' || datatype === 'unsignedLong') return number
  return datatype === 'boolean' ? boolean : text
}

const number: Read = (cell) => (cell === '' ? null : Number(cell))
const boolean: Read = (cell) => cell === 'true'
const text: Read = (cell) => cell

function* plainLines(csv: string): Generator<string[]> {
  for (const line of csv.split(/\r?\n/)) yield line.split(',')
}

function* quotedLines(csv: string): Generator<string[]> {
  const cell = /(?:"((?:[^"]|"")*)"|([^,"\r\n]*))(,|\r?\n|$)/gy
  let line: string[] = []
  for (let match = cell.exec(csv); match !== null; match = cell.exec(csv)) {
    line.push(match[1]?.replaceAll('""', '"') ?? (match[2] as string))
    if (match[3] !== ',') {
      yield line
      line = []
    }
    if (cell.lastIndex === csv.length && match[3] === '') return
  }
}
