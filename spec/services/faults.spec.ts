import { expect, it } from 'vitest'
import { CELLS } from '../faults/cells.ts'
import { failureText, tableOf } from '../faults/report.ts'
import { runCells } from '../faults/runCells.ts'
import { drawFrom, printedSeed } from './support/seeded.ts'

const COUNT = 40
const AT_ONCE = 12

it(`loses nothing and repeats nothing without need in ${COUNT} cells of the protocol's faults`, async () => {
  const seed = printedSeed()
  const outcomes = await runCells(chosen(seed), { seed, atOnce: AT_ONCE }, () => {})
  console.log(tableOf(outcomes))
  const failed = outcomes.filter(({ failures }) => failures.length > 0)
  expect(failed.map((outcome) => failureText(outcome, seed)).join('\n')).toBe('')
})

function chosen(seed: number) {
  const draw = drawFrom(seed)
  const left = [...CELLS]
  return Array.from({ length: COUNT }, () => left.splice(draw(left.length), 1)).flat()
}
