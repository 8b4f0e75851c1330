import type { Lane } from './lanes.ts'

/** Counts the entries of each lane that an operator holds, so that it can tell which lanes have none. */
export class OpenLanes {
  private readonly counts = new Map<Lane, number>()

  has(lane: Lane | undefined): boolean {
    return lane !== undefined && this.counts.has(lane)
  }

  enter(lane: Lane | undefined): void {
    if (lane !== undefined) this.counts.set(lane, (this.counts.get(lane) ?? 0) + 1)
  }

  leave(lane: Lane | undefined): void {
    if (lane === undefined) return
    const left = (this.counts.get(lane) ?? 0) - 1
    if (left > 0) this.counts.set(lane, left)
    else this.counts.delete(lane)
  }
}
