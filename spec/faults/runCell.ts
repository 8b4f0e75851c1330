import { CommitError, FatalError } from 'rxjs-kafka-toolkit'
import type { Cell } from './cells.ts'
import type { CellMember } from './member.ts'
import { type Servers, Stage } from './stage.ts'
import { PATIENCE, strike } from './states.ts'

/** How a cell went. */
export interface Outcome {
  readonly cell: Cell
  /** What was wrong; empty when all was right. */
  readonly failures: readonly string[]
  /** Messages delivered more than once, where that is allowed. */
  readonly repeats: number
  readonly ms: number
  /** What its members told. */
  readonly story: string
}

/** Strikes one cell's fault, and looks whether every message comes through. */
export async function runCell(servers: Servers, cell: Cell, seed: number): Promise<Outcome> {
  const since = Date.now()
  const stage = await Stage.make(servers, cell, seed)
  const failures: string[] = []
  try {
    const member = await strike(stage)
    await settle(stage, member)
    await endAll(stage)
    await expectCommitted(stage)
  } catch (error) {
    failures.push(error instanceof Error ? error.message : String(error))
  }
  failures.push(...stage.ledger.violations)
  const story = stage.members.map((member) => member.story).join('\n')
  stage.close()
  return { cell, failures, repeats: stage.ledger.repeats, ms: Date.now() - since, story }
}

/** Progress: all is acked and committed, by the member itself or, where it ends, by a successor. */
async function settle(stage: Stage, member: CellMember): Promise<void> {
  const { effect, state } = stage.cell
  const ends = state === 'stopping' || effect === 'fatal'
  if (ends) {
    await stage.until(`${member.name} has ended`, () => member.end !== undefined, PATIENCE)
    expectEnd(stage, member)
    if (!stage.members.some(({ end }) => end === undefined)) stage.join('the successor', PATIENCE)
  }
  await stage.untilAcked(PATIENCE)
  await stage.untilCommitted(PATIENCE)
}

function expectEnd({ cell: { effect, state } }: Stage, { end }: CellMember): void {
  const error = end?.error
  // What it tells while it drains is an event: the stream has completed.
  const isTyped = error instanceof FatalError || (error instanceof CommitError && error.kind === 'fatal')
  if (effect === 'fatal' && state !== 'stopping' && !isTyped) throw new Error(`Expected a fatal error, got ${error}`)
  if (effect !== 'fatal' && error !== undefined) throw new Error(`Expected an end in order, got ${error}`)
}

/** Nobody has died on the way, and everybody leaves in order. */
async function endAll(stage: Stage): Promise<void> {
  const alive = stage.members.filter(({ end }) => end === undefined)
  for (const member of alive) member.running.drain().catch(() => {})
  await stage.until('all have left', () => alive.every(({ end }) => end !== undefined), PATIENCE)
  for (const { name, end } of alive) {
    if (end?.error !== undefined) throw new Error(`Expected ${name} to end in order, got ${end.error}`)
  }
  // With an open connection a process would not end.
  const areClosed = () => stage.members.every(({ network }) => network.open === 0)
  await stage.until('all connections are closed', areClosed, PATIENCE)
}

async function expectCommitted(stage: Stage): Promise<void> {
  for (const [partition, offset] of await stage.committed()) {
    if (offset !== stage.produced)
      throw new Error(`Expected [${partition}] to be committed at ${stage.produced}, got ${offset}`)
  }
}
