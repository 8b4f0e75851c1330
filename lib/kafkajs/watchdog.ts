import type { Clock, Timer } from '../clock.ts'

/**
 * Notices that a consumer gives no sign of life for too long: a connection that swallows everything, a promise that is
 * never settled. KafkaJS's own time-outs see most of these sooner; this sees the rest.
 */
export class Watchdog {
  private readonly clock: Clock
  private readonly limit: number
  private readonly onSilent: () => void
  private lastAt: number
  private timer: Timer | undefined

  /** @param limit in ms */
  constructor(clock: Clock, limit: number, onSilent: () => void) {
    this.clock = clock
    this.limit = limit
    this.onSilent = onSilent
    this.lastAt = clock.now()
    this.wait(limit)
  }

  /** Something has happened. */
  readonly sign = (): void => {
    this.lastAt = this.clock.now()
  }

  end(): void {
    this.timer?.unsubscribe()
  }

  private wait(ms: number): void {
    this.timer = this.clock.schedule(() => {
      const left = this.lastAt + this.limit - this.clock.now()
      if (left > 0) this.wait(left)
      else this.onSilent()
    }, ms)
  }
}
