import { parseArgs } from 'node:util'
import type { RunOptions } from '../services/run.ts'
import type { Case } from './cases/case.ts'
import { cases } from './cases/cases.ts'

const named = (isShort: boolean) =>
  cases
    .filter((one) => (one.isShort ?? false) === isShort)
    .map(({ name }) => name)
    .join(' ')

export const help = `npm run bench [-- case ...] [options]

Compares the toolkit with the same work by hand and with other libraries, on the launcher's servers, which it starts
when they aren't up. Puts what it measured into results.json and RESULTS.md; the other cases there stay as they are.

cases       ${named(true)}
            and, with --full or by name: ${named(false)}

options
  --full            all cases, and the other libraries in them
  --rounds N        how often each variant runs (default 3; with fewer nothing is written)
  --quick           a tenth of the messages; writes nothing
  --profile         leaves a .cpuprofile of each run in this folder; writes nothing else
  --name NAME       the launcher's run (default dev)
  --port-base N     as the launcher's
`

export interface Arguments {
  readonly cases: readonly Case[]
  readonly isFull: boolean
  readonly rounds: number
  readonly isQuick: boolean
  readonly profile: boolean
  readonly servers: RunOptions
  /** Whether what is found is kept. */
  readonly isKept: boolean
  readonly help: boolean
}

/** @throws Error for an unknown case or option */
export function readArguments(args: readonly string[]): Arguments {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      full: { type: 'boolean', default: false },
      rounds: { type: 'string', default: '3' },
      quick: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
      name: { type: 'string' },
      'port-base': { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const { full, quick, profile } = values
  const rounds = Number(values.rounds)
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`Expected --rounds N, N >= 1, got \`${values.rounds}\``)
  const portBase = values['port-base']
  return {
    cases: positionals.length > 0 ? chosen(positionals) : cases.filter(({ isShort }) => full || isShort),
    isFull: full,
    rounds,
    isQuick: quick,
    profile,
    servers: { name: values.name, portBase: portBase === undefined ? undefined : Number(portBase) },
    isKept: !quick && !profile && rounds >= 3,
    help: values.help,
  }
}

/** In the order of the page, whatever the order of the names. */
function chosen(names: readonly string[]): Case[] {
  const unknown = names.find((name) => !cases.some((one) => one.name === name))
  if (unknown !== undefined)
    throw new Error(`Expected one of ${cases.map(({ name }) => name).join(', ')}, got \`${unknown}\``)
  return cases.filter(({ name }) => names.includes(name))
}
