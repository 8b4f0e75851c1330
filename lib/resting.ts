import type { Clock, Timer } from './clock.ts'
import { Queue } from './queue.ts'

/** Groups of entries whose last try failed: each waits its time, then for its turn. */
export class Resting<E> {
  private readonly timers = new Map<readonly E[], Timer>()
  /** Groups whose wait is over. */
  private readonly ready = new Queue<readonly E[]>()

  get isEmpty(): boolean {
    return this.timers.size === 0 && this.ready.length === 0
  }

  /** Keeps a group for `ms`, then calls `wake`. */
  add(group: readonly E[], ms: number, clock: Clock, wake: () => void): void {
    const timer = clock.schedule(() => {
      this.timers.delete(group)
      this.ready.push(group)
      wake()
    }, ms)
    this.timers.set(group, timer)
  }

  /** The next group whose wait is over. */
  shift(): readonly E[] | undefined {
    return this.ready.shift()
  }

  /** Empties it, and stops the timers. */
  clear(): E[] {
    const all = [...this.timers.keys()].flat()
    for (const timer of this.timers.values()) timer.unsubscribe()
    this.timers.clear()
    for (let group = this.shift(); group !== undefined; group = this.shift()) all.push(...group)
    return all
  }
}
