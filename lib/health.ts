import type { Delivery } from './delivery.ts'
import type { SourceHealth } from './events.ts'
import type { Partition } from './partition.ts'

/** Tells how a source stands. */
export function healthOf(
  source: Pick<SourceHealth, 'groupId' | 'state' | 'trouble'>,
  {
    assignment,
    counts,
    backPressure,
    watch,
    holders,
  }: Pick<Delivery<unknown>, 'assignment' | 'counts' | 'backPressure' | 'watch' | 'holders'>,
): SourceHealth {
  const partitions = [...assignment]
  const sum = (of: (partition: Partition<unknown>) => number) => partitions.reduce((all, one) => all + of(one), 0)
  return {
    ...source,
    ...counts,
    delivered: assignment.past.delivered + sum(({ tracker }) => tracker.delivered),
    skippedAcked: assignment.past.skippedAcked + sum((partition) => partition.skippedAcked),
    operators: holders.health(),
    bytes: backPressure.bytes,
    isStuck: watch.isStuck,
    isStalled: watch.isStalled,
    partitions: partitions.map((one) => ({
      topic: one.topic,
      partition: one.partition,
      committed: one.commits.committed,
      low: one.tracker.low,
      next: one.tracker.next,
      highWatermark: one.highWatermark,
      lag: Math.max(0, one.highWatermark - (one.commits.committed ?? one.tracker.low)),
      inFlight: one.inFlight,
      oldestMs: watch.ageOf(one),
      backlog: one.feed.backlog,
    })),
  }
}
