import type { Clock, Timer } from './clock.ts'
import { Queue } from './queue.ts'

/** Groups of entries whose last try failed: each waits its time, then for its turn. */
export class Resting<E> {
  private readonly timers = new Map<E[], Timer>()
  /** Groups whose wait is over. */
  private readonly ready = new Queue<readonly E[]>()

  get isEmpty(): boolean {
    return this.timers.size === 0 && this.ready.length === 0
  }

  /** All entries of all groups. */
  *[Symbol.iterator](): IterableIterator<E> {
    for (const group of this.timers.keys()) yield* group
    for (const group of this.ready) yield* group
  }

  /** Keeps a group for `ms`, then calls `wake`. */
  add(group: E[], ms: number, clock: Clock, wake: () => void): void {
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

  /** Takes out the entries that `isGone`, of those that wait their time. */
  remove(isGone: (entry: E) => boolean): E[] {
    const gone: E[] = []
    for (const [group, timer] of [...this.timers]) {
      const left = group.filter((entry) => !isGone(entry))
      if (left.length === group.length) continue
      gone.push(...group.filter(isGone))
      group.splice(0, group.length, ...left)
      if (left.length > 0) continue
      timer.unsubscribe()
      this.timers.delete(group)
    }
    return gone
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
