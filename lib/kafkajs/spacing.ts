import type { Clock } from '../clock.ts'

/**
 * Keeps fetches apart while the consumer keeps up. A broker answers a fetch as soon as it has one message, so that a
 * thousand messages a second would be nearly as many fetches, each as dear as a hundred messages. A fetch that waited
 * that long for its first message is followed at once: a lone message is never late.
 */
export class Spacing {
  private readonly clock: Clock
  private readonly interval: number
  /** When the latest fetch from each broker began. */
  private readonly begun = new Map<number, number>()

  /** @param interval from the start of a fetch to that of the next, in ms */
  constructor(clock: Clock, interval: number) {
    this.clock = clock
    this.interval = interval
  }

  /** Resolves when the next fetch from a broker may begin; at once for one who has more to catch up with. */
  async turn(broker: number, isBehind: boolean): Promise<void> {
    const wait = this.interval - (this.clock.now() - (this.begun.get(broker) ?? Number.NEGATIVE_INFINITY))
    // A clock that was set back must not hold a fetch for longer.
    if (wait > 0 && !isBehind) await this.pause(Math.min(wait, this.interval))
    this.begun.set(broker, this.clock.now())
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.clock.schedule(resolve, ms))
  }
}
