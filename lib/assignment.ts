import type { AssignedPartition, Position, TopicPartition } from './broker.ts'
import { Partition, type PartitionHost } from './partition.ts'

/** The partitions that a member has now, and what it counted in those it had before. */
export class Assignment<A> {
  /** In partitions that are gone. */
  readonly past = { delivered: 0, settled: 0, skippedAcked: 0 }
  private readonly host: PartitionHost<A>
  private partitions = new Map<string, Partition<A>>()

  constructor(host: PartitionHost<A>) {
    this.host = host
  }

  [Symbol.iterator](): IterableIterator<Partition<A>> {
    return this.partitions.values()
  }

  get isEmpty(): boolean {
    return this.partitions.size === 0
  }

  /** Messages somebody works on. */
  get inFlight(): number {
    let sum = 0
    for (const partition of this) sum += partition.inFlight
    return sum
  }

  /** Messages delivered and not settled, also those that wait for a next try. */
  get unsettled(): number {
    let sum = 0
    for (const { tracker } of this) sum += tracker.pending
    return sum
  }

  /** Grows with each delivery and with each settlement. */
  get moves(): number {
    let sum = 0
    for (const { tracker } of this) sum += 2 * tracker.delivered - tracker.pending
    return sum
  }

  get(place: TopicPartition): Partition<A> | undefined {
    return this.partitions.get(keyOf(place))
  }

  /** Takes the place of what was assigned before; gives the partitions that go on as they are. */
  replace(assigned: readonly AssignedPartition[]): readonly Partition<A>[] {
    const before = this.partitions
    this.partitions = new Map()
    for (const one of assigned) {
      const old = before.get(keyOf(one))
      this.partitions.set(keyOf(one), this.goesOn(old, one) ? old : new Partition(this.host, one))
    }
    const retained: Partition<A>[] = []
    for (const [key, partition] of before) {
      if (this.partitions.get(key) === partition) retained.push(partition)
      else this.retire(partition)
    }
    return retained
  }

  /**
   * Those of an assignment that had something committed before and have nothing now, and where they stood: of a group
   * that has members Kafka deletes offsets with their topic only, so it was deleted and created again.
   */
  recreated(assigned: readonly AssignedPartition[]): { readonly place: Position; readonly log: AssignedPartition }[] {
    return assigned.flatMap((log) => {
      const old = this.get(log)
      if (old === undefined || old.commits.committed === null || log.committed !== null) return []
      return [{ place: { topic: log.topic, partition: log.partition, offset: old.tracker.next }, log }]
    })
  }

  /** Takes partitions away. */
  remove(places: readonly TopicPartition[]): void {
    for (const place of places) {
      const partition = this.get(place)
      if (partition !== undefined) this.retire(partition)
      this.partitions.delete(keyOf(place))
    }
  }

  /** Reads a partition on from another place, as another assignment. @throws Error when it is not assigned */
  seek({ topic, partition, offset }: Position, highWatermark?: number): Partition<A> {
    const old = this.get({ topic, partition })
    if (old === undefined) throw new Error(`Cannot seek ${topic}[${partition}]: it is not assigned to this member`)
    this.retire(old)
    const { committed } = old.commits
    const end = highWatermark ?? old.highWatermark
    const moved = new Partition(this.host, { topic, partition, committed, highWatermark: end, position: offset })
    moved.follow(old, offset)
    this.partitions.set(keyOf(old), moved)
    return moved
  }

  /** Reads a partition again whose transaction failed. */
  repeat(assigned: AssignedPartition): Partition<A> | undefined {
    const old = this.get(assigned)
    if (old === undefined) return undefined
    this.retire(old)
    const next = new Partition(this.host, assigned)
    next.repeat(old)
    this.partitions.set(keyOf(old), next)
    return next
  }

  /** What is open in a transaction is taken back at the end of its assignment, so that nothing is in flight after it. */
  private goesOn(old: Partition<A> | undefined, assigned: AssignedPartition): old is Partition<A> {
    return old !== undefined && old.barrier === undefined && old.commits.isContinuedBy(assigned)
  }

  private retire(partition: Partition<A>): void {
    const { delivered, pending } = partition.tracker
    this.past.delivered += delivered
    this.past.settled += partition.barrier?.committedCount ?? delivered - pending
    this.past.skippedAcked += partition.skippedAcked
    partition.barrier?.end()
    partition.end()
  }
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}
