/** One row of an answer: its columns by name. Times are RFC 3339 text with up to nine digits of a second. */
export type FluxRow = Readonly<Record<string, unknown>>

type Read = (cell: string) => unknown

/**
 * Reads annotated CSV, with `datatype` as its one annotation.
 *
 * @see https://docs.influxdata.com/influxdb/v2/reference/syntax/annotated-csv/
 */
export function fluxRows(csv: string): FluxRow[] {
  const tables = new Tables()
  if (csv.includes('"')) readQuoted(csv, tables)
  else readPlain(csv, tables)
  return tables.rows
}

/** The tables of an answer, line by line. */
class Tables {
  readonly rows: FluxRow[] = []
  private reads: Read[] = []
  private names: readonly string[] | undefined

  /** @param cells of a line; whoever calls may fill them anew */
  add(cells: readonly string[]): void {
    const [first] = cells
    if (first === '' && cells.length === 1) {
      // The end of a table. That of a late error has no annotations of its own: its columns are text.
      this.names = undefined
      this.reads = []
    } else if (first === '#datatype') this.reads = cells.map(readOf)
    else if (first?.startsWith('#')) return
    else if (this.names === undefined) this.names = [...cells]
    else this.rows.push(rowOf(this.names, this.reads, cells))
  }
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

/** Cuts at the places of the commas: `split` of whole lines, with an array each, took twice as long. */
function readPlain(csv: string, tables: Tables): void {
  const cells: string[] = []
  let begin = 0
  while (begin < csv.length) {
    const end = placeOf('\n', csv, begin)
    const stop = csv[end - 1] === '\r' ? end - 1 : end
    let count = 0
    for (let from = begin; from <= stop; ) {
      const to = Math.min(placeOf(',', csv, from), stop)
      cells[count++] = csv.slice(from, to)
      from = to + 1
    }
    cells.length = count
    tables.add(cells)
    begin = end + 1
  }
}

/** Where a character comes next, or the end. */
function placeOf(char: string, csv: string, from: number): number {
  const place = csv.indexOf(char, from)
  return place < 0 ? csv.length : place
}

function readQuoted(csv: string, tables: Tables): void {
  const cell = /(?:"((?:[^"]|"")*)"|([^,"\r\n]*))(,|\r?\n|$)/gy
  let line: string[] = []
  for (let match = cell.exec(csv); match !== null; match = cell.exec(csv)) {
    line.push(match[1]?.replaceAll('""', '"') ?? (match[2] as string))
    if (match[3] !== ',') {
      tables.add(line)
      line = []
    }
    if (cell.lastIndex === csv.length && match[3] === '') return
  }
}
