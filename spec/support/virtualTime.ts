import { TestScheduler } from 'rxjs/testing'
import { expect } from 'vitest'

/** A clock of virtual time, which goes on only when it is told. */
export function virtualTime(): TestScheduler {
  const scheduler = new TestScheduler((actual, expected) => expect(actual).toEqual(expected))
  scheduler.maxFrames = Number.POSITIVE_INFINITY
  return scheduler
}

/** Lets virtual time go on, frame by frame, until the condition holds. */
export async function until(scheduler: TestScheduler, condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) {
    const [next] = scheduler.actions
    if (next === undefined) throw new Error(`Cannot wait any longer at ${scheduler.now()} ms: nothing is scheduled`)
    advance(scheduler, next.delay)
  }
}

/** Lets virtual time go on to a moment, in ms, and does all that is due by then. */
export function advance(scheduler: TestScheduler, to: number): void {
  scheduler.maxFrames = to
  scheduler.flush()
  scheduler.maxFrames = Number.POSITIVE_INFINITY
  // Time goes by although nothing happens in it.
  scheduler.frame = to
}
