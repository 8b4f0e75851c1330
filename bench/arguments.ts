import { parseArgs } from 'node:util'
import { type Case, cases } from './cases.ts'
import type { Size } from './rounds.ts'

export const help = `npm run bench [-- case ...] [options]

Compares the toolkit with KafkaJS by hand, on the launcher's Kafka, which it starts when it isn't up.

cases       ${cases.map(({ name }) => name).join(' ')}; all when none is named. Only a run of all writes results.json and RESULTS.md

options
  --rounds N   how often each variant runs (default 5, with --quick 3)
  --quick      fewer messages, fewer rounds; writes nothing
  --profile    leaves a .cpuprofile of each run in this folder; writes nothing else
`

export interface Arguments {
  readonly cases: readonly Case[]
  readonly size: Size
  readonly profile: boolean
  /** Whether the run measures all there is, as results that are kept must. */
  readonly isWhole: boolean
  readonly help: boolean
}

/** @throws Error for an unknown case or option */
export function readArguments(): Arguments {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      profile: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const { quick, profile } = values
  const rounds = Number(values.rounds ?? (quick ? 3 : 5))
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`Expected --rounds N, N >= 1, got \`${values.rounds}\``)
  const size = quick ? { warmUp: 20_000, messages: 60_000, rounds } : { warmUp: 50_000, messages: 200_000, rounds }
  const chosen = positionals.length === 0 ? cases : positionals.map(caseNamed)
  const isWhole = positionals.length === 0 && !quick && !profile && rounds >= 3
  return { cases: chosen, size, profile, isWhole, help: values.help }
}

function caseNamed(name: string): Case {
  const found = cases.find((candidate) => candidate.name === name)
  if (found === undefined)
    throw new Error(`Expected one of ${cases.map((one) => one.name).join(', ')}, got \`${name}\``)
  return found
}
