import { TestScheduler } from 'rxjs/testing'

/** Without a horizon, virtual time ends here, after a day: what goes on for so long goes on for ever. */
const ENDLESS = 24 * 3_600_000
/** So many actions at one instant are a loop. */
const LOOP = 10_000

/** RxJS's `TestScheduler`, one action at a time: after each, whoever watches can look at what has changed. */
export class VirtualTime extends TestScheduler {
  /** Called after each action. */
  looked: () => void = () => {}
  /** Actions at the present instant, so far. */
  private count = 0

  constructor() {
    super(() => {
      throw new Error('Expected expectations of kafkaTest, got some of its scheduler')
    })
  }

  /** Does the next thing that is due by an instant; false when there is none. */
  step(until: number): boolean {
    const [action] = this.actions
    const end = until === Number.POSITIVE_INFINITY ? ENDLESS : until
    if (action === undefined || action.delay > end) return false
    this.actions.shift()
    this.count = action.delay === this.frame ? this.count + 1 : 0
    if (this.count > LOOP)
      throw new Error(`Expected ${this.frame} ms to end, got ${LOOP} actions at that instant: a loop`)
    this.frame = action.delay
    const error: unknown = action.execute(action.state, action.delay)
    if (error) throw error
    this.looked()
    return true
  }

  /** Forgets all that is still to be done. */
  clear(): void {
    for (const action of [...this.actions]) action.unsubscribe()
  }
}
