import { refuse } from '../expect.ts'
import type { Mark } from './marbles.ts'
import type { Stage } from './stage.ts'

/** What a character of the control lane does to the process and its group. */
const CONTROLS: Readonly<Record<string, (stage: Stage) => void>> = {
  X: (stage) => stage.crash(),
  S: ({ kafka }) => kafka.drain(),
  P: ({ kafka }) => kafka.down(),
  B: ({ kafka }) => kafka.up(),
  R: ({ kafka }) => kafka.revokeAll(),
  L: ({ kafka }) => kafka.loseAll(),
  A: ({ kafka }) => kafka.assignAll(),
}

/** Has the control lane happen in its time. @throws TypeError when a character has no meaning there */
export function playControl(stage: Stage, marks: readonly Mark[]): void {
  for (const { at, name } of marks) {
    const control = CONTROLS[name]
    if (control === undefined) refuse('ctl', `marbles of ${Object.keys(CONTROLS).join(' ')}`, name)
    stage.later(() => control(stage), at)
  }
}
