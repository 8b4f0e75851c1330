import { kafkaClient, RealKafka } from '../services/support/kafka.ts'
import type { Cell } from './cells.ts'
import { type Outcome, runCell } from './runCell.ts'

/** Runs cells, so many at a time. */
export async function runCells(
  cells: readonly Cell[],
  { seed, atOnce }: { readonly seed: number; readonly atOnce: number },
  tell: (outcome: Outcome) => void,
): Promise<readonly Outcome[]> {
  const real = await RealKafka.connect()
  const producer = kafkaClient().producer()
  await producer.connect()
  const outcomes: Outcome[] = []
  const queue = [...cells]
  const work = async () => {
    for (let cell = queue.shift(); cell !== undefined; cell = queue.shift()) {
      const outcome = await runCell({ real, producer }, cell, seedOf(cell, seed))
      outcomes.push(outcome)
      tell(outcome)
    }
  }
  try {
    await Promise.all(Array.from({ length: atOnce }, work))
  } finally {
    await producer.disconnect()
    await real.close()
  }
  return outcomes
}

/** A cell's own, so that it goes the same way alone. */
function seedOf({ name }: Cell, seed: number): number {
  let mixed = seed
  for (const letter of name) mixed = (Math.imul(mixed, 31) + letter.charCodeAt(0)) | 0
  return mixed
}
