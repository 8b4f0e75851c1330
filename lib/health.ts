import type { SourceHealth } from './events.ts'
import type { Partition } from './partition.ts'

/** What a source has counted, beyond its present assignment. */
export interface DeliveryTotals {
  delivered: number
  nacked: number
  skipped: number
  deadLettered: number
  late: number
  commits: number
}

/** Tells how a source stands. */
export function healthOf(source: {
  readonly groupId: string
  readonly state: SourceHealth['state']
  readonly totals: DeliveryTotals
  readonly lastTrouble: Error | null
  partitions(): Iterable<Partition<unknown>>
}): SourceHealth {
  const partitions = [...source.partitions()]
  const sum = (of: (partition: Partition<unknown>) => number) => partitions.reduce((all, one) => all + of(one), 0)
  return {
    groupId: source.groupId,
    state: source.state,
    ...source.totals,
    delivered: source.totals.delivered + sum(({ tracker }) => tracker.delivered),
    late: source.totals.late + sum(({ tracker }) => tracker.late),
    trouble: source.lastTrouble,
    partitions: partitions.map((one) => ({
      topic: one.topic,
      partition: one.partition,
      committed: one.committed,
      low: one.tracker.low,
      next: one.tracker.next,
      highWatermark: one.highWatermark,
      lag: Math.max(0, one.highWatermark - (one.committed ?? one.tracker.low)),
      inFlight: one.inFlight,
      backlog: one.backlog,
    })),
  }
}
