import type { Api } from './apis.ts'
import type { State } from './cells.ts'
import type { CellMember } from './member.ts'
import { PARTITIONS, type Stage } from './stage.ts'

/** How long it may take until something happens that must, in ms: the machine may be busy. */
export const PATIENCE = 30_000
/** A wait for what is in flight that runs out before the join. */
const SHORT = 500
/** One that does not. */
const LONG = 15_000

/** Requests that a member sends only when its group joins. */
const OF_A_JOIN: readonly Api[] = ['JoinGroup', 'SyncGroup', 'OffsetFetch', 'FindCoordinator']

/** Brings a member into a state, has the fault strike there, and lets go of what was held in flight. */
export async function strike(stage: Stage): Promise<CellMember> {
  const member = stage.join('the faulty member', drainTimeoutOf(stage))
  await stage.produce(2 + stage.draw(4))
  await stage.untilCommitted(PATIENCE)
  if (stage.cell.state !== 'idle') await holdSome(stage, member)
  await STRIKES[stage.cell.state](stage, member)
  await pause(stage.draw(300))
  // What comes afterwards has to arrive too.
  await stage.produce(1 + stage.draw(3))
  member.gate.open()
  return member
}

const STRIKES: Readonly<Record<State, (stage: Stage, member: CellMember) => Promise<void>>> = {
  idle: async (stage, member) => {
    const { struck } = member.network.arm(stage.cell.fault)
    await provoke(stage)
    await happens(stage, 'the fault strikes', struck)
  },
  'in flight': async (stage, member) => {
    const { struck } = member.network.arm(stage.cell.fault)
    await provoke(stage, member)
    await happens(stage, 'the fault strikes', struck)
  },
  draining: async (stage, member) => {
    stage.join('the second member', LONG)
    await stage.until('the revoke is under way', () => member.state === 'rebalancing', PATIENCE)
    const { struck } = member.network.arm(stage.cell.fault)
    // Its heartbeats go on meanwhile; all else comes after the drain.
    if (stage.cell.fault.api !== 'Heartbeat') member.gate.open()
    await happens(stage, 'the fault strikes', struck)
  },
  stopping: async (stage, member) => {
    const { api } = stage.cell.fault
    const { sent, struck } = member.network.arm(stage.cell.fault)
    if (OF_A_JOIN.includes(api)) {
      stage.join('the second member', LONG)
      await happens(stage, 'the request is sent', sent)
    }
    member.running.drain().catch(() => {})
    if (api === 'OffsetCommit') member.gate.open()
    await happens(stage, 'the fault strikes', struck)
  },
}

/** Has the member send what the fault waits for. */
async function provoke(stage: Stage, member?: CellMember): Promise<void> {
  const { api } = stage.cell.fault
  if (OF_A_JOIN.includes(api)) stage.join('the second member', LONG)
  else if (api === 'OffsetCommit' && member === undefined) await stage.produce(1)
  else if (api === 'OffsetCommit') member?.gate.release(PARTITIONS)
}

/** Has messages delivered that are not acked. */
async function holdSome(stage: Stage, member: CellMember): Promise<void> {
  member.gate.close()
  const count = 2 + stage.draw(3)
  await stage.produce(count)
  await stage.until('messages are in flight', () => member.gate.size === count * PARTITIONS, PATIENCE)
}

/** While a member holds what is in flight, a join has to come none the less, except where it is to wait. */
function drainTimeoutOf({ cell: { state, fault } }: Stage): number {
  return state === 'draining' || !OF_A_JOIN.includes(fault.api) ? LONG : SHORT
}

async function happens(stage: Stage, what: string, event: Promise<void>): Promise<void> {
  let isThere = false
  event.then(() => {
    isThere = true
  })
  await stage.until(what, () => isThere, PATIENCE)
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
