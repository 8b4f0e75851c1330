import { parseArgs } from 'node:util'
import { CELLS, type Cell } from './cells.ts'

export const help = `npm run faults [-- options]

Does every fault of the matrix, api × fault × state, to a member that reads from the launcher's Kafka, which it starts when
it isn't up, and looks whether every message comes through.

options
  --cell NAME    only the cells whose name contains NAME, such as OffsetCommit/NOT_COORDINATOR/idle or draining
  --seed N       repeats the choices of a run, which prints its seed
  --at-once N    cells that run at a time (default 12)
`

export interface Arguments {
  readonly cells: readonly Cell[]
  readonly seed: number
  readonly atOnce: number
  readonly help: boolean
}

/** @throws Error for an option that is wrong, or when no cell is named so */
export function readArguments(): Arguments {
  const { values } = parseArgs({
    options: {
      cell: { type: 'string', multiple: true },
      seed: { type: 'string' },
      'at-once': { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const seed = Number(values.seed ?? Date.now() % 1_000_000)
  const atOnce = Number(values['at-once'] ?? 12)
  if (!Number.isInteger(seed)) throw new Error(`Expected --seed to be an integer, got \`${values.seed}\``)
  if (!Number.isInteger(atOnce) || atOnce < 1)
    throw new Error(`Expected --at-once to be an integer >= 1, got \`${values['at-once']}\``)
  const names = values.cell
  const cells = names === undefined ? CELLS : CELLS.filter(({ name }) => names.some((part) => name.includes(part)))
  if (cells.length === 0) throw new Error(`Expected --cell to name cells, got \`${names}\`; see spec/faults/cells.ts`)
  return { cells, seed, atOnce, help: values.help }
}
