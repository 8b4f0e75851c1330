import type { TopicPartition } from '../broker.ts'
import { refuse } from '../expect.ts'
import type { Mark } from './marbles.ts'
import type { Stage } from './stage.ts'

type Control = (stage: Stage, partition?: TopicPartition) => void

/** What a character of the control lane does to the process or its broker. */
const OF_PROCESS: Readonly<Record<string, Control>> = {
  X: (stage) => stage.crash(),
  S: ({ kafka }) => kafka.drain(),
  P: ({ kafka }) => kafka.down(),
  B: ({ kafka }) => kafka.up(),
}

/** What it does to partitions: to all, or in a lane of its own to one. */
const OF_PARTITIONS: Readonly<Record<string, Control>> = {
  R: ({ kafka }, partition) => kafka.revoke(partition),
  L: ({ kafka }, partition) => kafka.lose(partition),
  A: ({ kafka }, partition) => kafka.assign(partition),
}

const ALL = { ...OF_PROCESS, ...OF_PARTITIONS }

/**
 * Has a control lane happen in its time.
 *
 * @param partition the one that it is of; else it is of all
 * @throws TypeError when a character has no meaning there
 */
export function playControl(stage: Stage, marks: readonly Mark[], partition?: TopicPartition): void {
  const controls = partition === undefined ? ALL : OF_PARTITIONS
  for (const { at, name } of marks) {
    const control = controls[name]
    const lane = partition === undefined ? 'ctl' : `ctl[${partition.partition}]`
    if (control === undefined) refuse(lane, `marbles of ${Object.keys(controls).join(' ')}`, name)
    stage.later(() => control(stage, partition), at)
  }
}
