import { answer, fetch, join, take } from './commands.ts'
import { PARTITIONS, type World } from './world.ts'

/** Rounds in which all must have come right. */
const ROUNDS = 40

/** Lets all go well from now on: everything has to be delivered, acked and committed in the end, and the source to end. */
export function finish(world: World): void {
  world.say('From here on all goes well.')
  world.isHealed = true
  for (let round = 0; round < ROUNDS && !isDone(world); round++) goWell(world)
  const { ledger, clock } = world
  world.logs.forEach(({ offsets, end, committed }, partition) => {
    const lost = offsets.find((offset) => !ledger.done[partition]?.has(offset))
    if (lost !== undefined) ledger.fails(`${partition}@${lost} is lost: it was never acked`)
    if (committed !== end) ledger.fails(`I8: committed of ${partition} is ${committed}, and its end ${end}`)
  })
  const held = PARTITIONS.find((partition) => !isFree(world, partition))
  if (held !== undefined) ledger.fails(`the credit of ${held} has not come back`)
  take(world, ['drain', 0, 0])
  for (let i = 0; i < 3; i++) settle(world)
  if (world.reading !== undefined) ledger.fails('it does not end')
  if (clock.pending > 0) ledger.fails(`it leaves ${clock.pending} timers behind`)
}

function goWell(world: World): void {
  take(world, ['subscribe', 0, 0])
  if (world.member?.isExpelled) take(world, ['lose', 0, 0])
  if (world.ledger.lots.size < PARTITIONS.length) take(world, ['revoke', 0, 0])
  settle(world)
  join(world, PARTITIONS)
  take(world, ['resume', 0, 0])
  for (const partition of PARTITIONS) if (!world.logs[partition]?.isPaused) fetch(world, partition, 4)
  settle(world)
}

/** All that waits for an answer has it, and all that is held is acked. */
function settle(world: World): void {
  take(world, ['ackAll', 0, 0])
  answer(world, 'answered')
  for (let i = world.ledger.letters.length; i > 0; i--) take(world, ['answerSend', 0, 0])
  take(world, ['answerLeave', 0, 0])
  // 1000 ms.
  take(world, ['pass', 5, 0])
}

function isDone(world: World): boolean {
  const { logs, ledger, member } = world
  if (ledger.isEnding || member?.phase !== 'assigned' || member.isExpelled) return false
  return logs.every(({ committed, end }) => committed === end) && PARTITIONS.every((one) => isFree(world, one))
}

/** Whether a partition is read, and nothing of it is held or held back. */
function isFree({ reading, logs }: World, partition: number): boolean {
  const one = reading?.health().partitions.find((other) => other.partition === partition)
  return one !== undefined && one.inFlight + one.backlog === 0 && !logs[partition]?.isPaused
}
