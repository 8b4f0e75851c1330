import type { Timer } from './clock.ts'
import type { Origin } from './message.ts'

/** Sees that what waits for its batch to fill does not wait for ever: until the source is quiet, or for a while. */
export class Due {
  private readonly wait: number
  private readonly flush: () => void
  private timer: Timer | undefined
  private isArmed = false

  /**
   * @param wait in ms, from the first message on, where the source is quiet already
   * @param flush called once after each {@link Due.arm}
   */
  constructor(wait: number, flush: () => void) {
    this.wait = wait
    this.flush = flush
  }

  arm(origin: Origin): void {
    if (this.isArmed) return
    this.isArmed = true
    if (!origin.onQuiet(this.end)) this.timer = origin.clock.schedule(this.end, this.wait)
  }

  /** Whom the timer was for is on its way. A source that will be quiet has no timer, and calls anyway. */
  taken(): void {
    if (this.timer !== undefined) this.disarm()
  }

  disarm(): void {
    this.timer?.unsubscribe()
    this.timer = undefined
    this.isArmed = false
  }

  /** One function for all calls, so that the source has it once. */
  private readonly end = (): void => {
    this.disarm()
    this.flush()
  }
}
