import { TestScheduler } from 'rxjs/testing'
import { expect } from 'vitest'

/** Runs a test in virtual time; `scheduler` is also the clock. */
export function marbles(test: (helpers: TestHelpers) => void): () => void {
  return () => {
    const scheduler = new TestScheduler((actual, expected) => expect(actual).toEqual(expected))
    scheduler.run((helpers) => test({ ...helpers, scheduler }))
  }
}

type RunHelpers = Parameters<Parameters<TestScheduler['run']>[0]>[0]

/** RxJS's own helpers, and the scheduler. */
export interface TestHelpers extends RunHelpers {
  readonly scheduler: TestScheduler
}
