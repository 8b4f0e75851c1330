import { parseArgs } from 'node:util'

/** What the demo was asked to do. */
export interface DemoArguments {
  /** Messages in each of the three input topics. */
  readonly messages: number
  /** How long they take to arrive, in seconds. */
  readonly seconds: number
  /** Equal seeds give equal messages. */
  readonly seed: number
  /** Whether to use the real servers rather than those in this process. */
  readonly services: boolean
  /** Whether the last line is one JSON object. */
  readonly json: boolean
  /** Whether to print a line a second even on a terminal. */
  readonly plain: boolean
  readonly help: boolean
}

/** A command line that can't be followed. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

export const usage = `npm start -- [options]

Runs the four example pipelines on servers inside this process, and proves that nothing was lost.

  --messages N   messages in each input topic (10000)
  --seconds N    how long they take to arrive (10)
  --seed N       other messages (1)
  --services     on the real servers of KAFKA_BROKERS, REDIS_URL, INFLUX_URL, ES_URL (npm run services -- up)
  --json         the last line is one JSON object
  --plain        a line a second, even on a terminal
  --help`

/** Reads the command line. @throws UsageError that says what was expected */
export function demoArguments(words: readonly string[]): DemoArguments {
  const { messages, seconds, seed, ...flags } = parsed(words)
  return {
    messages: wholeNumber('--messages', messages, 1, 1_000_000),
    seconds: wholeNumber('--seconds', seconds, 0, 3600),
    seed: wholeNumber('--seed', seed, 0, 2 ** 31),
    ...flags,
  }
}

function parsed(words: readonly string[]) {
  try {
    return parseArgs({ args: [...words], options: OPTIONS }).values
  } catch (error) {
    const [sentence] = (error as Error).message.split('. ')
    throw new UsageError(`${sentence}; see npm start -- --help`)
  }
}

const OPTIONS = {
  messages: { type: 'string', default: '10000' },
  seconds: { type: 'string', default: '10' },
  seed: { type: 'string', default: '1' },
  services: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  plain: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

function wholeNumber(option: string, text: string, from: number, to: number): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= from && value <= to) return value
  throw new UsageError(`Expected ${option} to be a whole number from ${from} to ${to}, got ${JSON.stringify(text)}`)
}
