import type { PartitionHealth } from '../../../lib/events.ts'
import type { Lot } from './lot.ts'
import type { World } from './world.ts'

const COMMIT_INTERVAL = 1000
/** What was tried again while the time went by may have become committable as late as this. */
const RETRY = 300
/** When a commit that a rebalance or the end waits for is tried again. */
const TRY_AGAIN = 200

/** Looks whether all is as it should be, once something has happened and `passed` ms have gone by. */
export function check(world: World, passed = 0): void {
  const { ledger, reading } = world
  ledger.expectNone()
  if (reading === undefined) return
  const { partitions, late } = reading.health()
  if (late !== ledger.lateCount) ledger.fails(`${ledger.lateCount} settlements came late, but it counts ${late}`)
  for (const one of partitions) {
    const lot = ledger.lots.get(one.partition)
    if (lot === undefined) return ledger.fails(`it counts ${one.partition} as assigned, which is not`)
    if (lot.isLive) checkPartition(world, lot, one)
  }
  checkCommitted(world, passed)
  checkRebalance(world)
  checkEnd(world)
}

function checkPartition({ ledger, setup }: World, lot: Lot, one: PartitionHealth): void {
  const place = `of ${lot.partition}`
  const { oldest, inFlight, open } = lot
  if (one.next < lot.delivered) ledger.fails(`next ${place} is ${one.next}, but ${lot.delivered - 1} was delivered`)
  if (one.next > (lot.queue[0] ?? lot.fetched)) ledger.fails(`next ${place} is ${one.next}, past what is not delivered`)
  const low = Math.min(oldest, one.next)
  if (one.low !== low) ledger.fails(`I3: the low watermark ${place} is ${one.low}, and should be ${low}`)
  if (low < lot.low) ledger.fails(`I2: the low watermark ${place} went back from ${lot.low} to ${low}`)
  if (one.inFlight !== inFlight) ledger.fails(`in flight ${place} are ${inFlight}, but it counts ${one.inFlight}`)
  if (open.size > setup.maxInFlight) ledger.fails(`I7: ${open.size} in flight ${place}`)
  if (one.committed !== lot.known) ledger.fails(`${lot.known} is committed ${place}, but it counts ${one.committed}`)
  if (!lot.isSought && (one.committed ?? 0) > low)
    ledger.fails(`I1: ${one.committed} is committed ${place}, above ${low}`)
  lot.low = low
}

/** I8: whatever may be committed is, after a while. */
function checkCommitted(world: World, passed: number): void {
  const { ledger, member } = world
  if (
    member?.phase !== 'assigned' ||
    ledger.isEnding ||
    passed < COMMIT_INTERVAL + RETRY ||
    member.pending !== undefined
  )
    return
  for (const lot of ledger.lots.values())
    if (lot.isDirty) ledger.fails(`I8: ${lot.partition}@${lot.low} is not committed after ${passed} ms`)
}

/** A rebalance waits for what is in flight and for its commit, for so long and not longer. */
function checkRebalance(world: World): void {
  const { ledger, member, clock, setup } = world
  if (member?.phase !== 'revoking' || member.pending !== undefined) return
  const isLate = clock.now() >= ledger.revokedAt + setup.drainTimeout
  const isSettled = isQuiet(world)
  if ((isSettled || isLate) && !isTriedAgain(world))
    ledger.fails(`the rebalance waits, with ${isSettled ? 'nothing in flight' : 'its time up'}`)
}

/** So does the end. */
function checkEnd(world: World): void {
  const { ledger, member } = world
  if (!ledger.isEnding || ledger.hasLeft || member?.pending !== undefined || member?.phase === 'left') return
  if (isQuiet(world) && !isTriedAgain(world)) ledger.fails('it does not leave, with nothing in flight')
}

/** What a rebalance or the end waits for is tried once more where the broker could not take it. */
function isTriedAgain({ ledger, clock }: World): boolean {
  return clock.now() < ledger.refusedAt + TRY_AGAIN
}

function isQuiet({ ledger }: World): boolean {
  for (const lot of ledger.lots.values()) if (lot.isLive && lot.inFlight > 0) return false
  return true
}
