import { expectCommand } from './commands.ts'
import { replyError } from './replyError.ts'

/** What is done as one: a command, or all from a MULTI to its EXEC. */
export interface RedisUnit {
  /** The words of each command. */
  readonly commands: readonly (readonly string[])[]
}

/** The reply to a command of a pipeline, as ioredis has it: its error, or null and what it gives. */
export type RedisReply = readonly [error: Error | null, reply?: unknown]

/** Parts a pipeline. */
export function unitsOf(commands: readonly (readonly string[])[]): RedisUnit[] {
  const units: (readonly string[])[][] = []
  let isOpen = false
  for (const words of commands) {
    if (isOpen) units.at(-1)?.push(words)
    else units.push([words])
    isOpen = is('multi', words) || (isOpen && !is('exec', words))
  }
  return units.map((unit) => ({ commands: unit }))
}

/** Does a unit; gives the reply to each of its commands. */
export function repliesTo(unit: RedisUnit, run: (words: readonly string[]) => unknown): readonly RedisReply[] {
  const { commands } = unit
  if (!isTransaction(unit)) return commands.map((words) => attempt(() => run(words)))
  const queued = commands.slice(1, -1).map((words) => attempt(() => queue(words)))
  const isWrong = queued.some(([error]) => error !== null)
  const done = isWrong ? [] : commands.slice(1, -1).map((words) => attempt(() => run(words)))
  const end: RedisReply = isWrong
    ? [replyError('EXECABORT Transaction discarded because of previous errors.')]
    : [null, done.map(([error, reply]) => error ?? reply)]
  return [[null, 'OK'], ...queued, end]
}

/** Shows an error or a reply of a drawing as that of a whole unit. */
export function drawnAs(drawn: unknown, unit: RedisUnit): readonly RedisReply[] {
  const { commands } = unit
  const isReply = !(drawn instanceof Error)
  if (!isTransaction(unit)) return commands.map(() => (isReply ? [null, drawn] : [drawn]))
  // A server that can't be asked says so to each command; of what it was asked it speaks when it does it.
  if (!isReply && !/^(WRONGTYPE|ERR) /.test(drawn.message)) return commands.map(() => [drawn])
  const queued: RedisReply[] = commands.slice(1, -1).map(() => [null, 'QUEUED'])
  return [[null, 'OK'], ...queued, [null, isReply ? drawn : queued.map(() => drawn)]]
}

function isTransaction({ commands: [first = []] }: RedisUnit): boolean {
  return is('multi', first)
}

function is(name: string, [word = '']: readonly string[]): boolean {
  return word.toLowerCase() === name
}

function queue(words: readonly string[]): 'QUEUED' {
  expectCommand(words)
  return 'QUEUED'
}

function attempt(work: () => unknown): RedisReply {
  try {
    return [null, work()]
  } catch (error) {
    return [error as Error]
  }
}
