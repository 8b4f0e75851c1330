import type { CommitPosition, TopicPartition } from '../broker.ts'
import type { Clock, Timer } from '../clock.ts'
import { assignSticky } from '../sticky.ts'
import type { MemoryFaults } from './memoryFaults.ts'
import type { MemoryLog } from './memoryLog.ts'
import type { MemoryTopics } from './memoryTopics.ts'

/** What a group needs of its members. */
export interface GroupMember {
  readonly topics: readonly (string | RegExp)[]
  readonly rebalanceTimeout: number
  /** What it was assigned last, unless it was expelled since. */
  readonly places: readonly TopicPartition[]
  /** Has the member give up its partitions; it calls `rejoin` when it is ready. */
  revoke(rejoin: () => void): void
  assign(partitions: readonly MemoryLog[]): void
  /** Tells the member, after so many ms, that it is one no more. */
  expire(ms: number): void
  /** Has the member go without news of its membership, until it is confirmed or expires. */
  silence(): void
  confirm(): void
}

/** What all groups of a broker share. */
export interface GroupHost {
  readonly clock: Clock
  readonly topics: MemoryTopics
  readonly faults: MemoryFaults
}

/**
 * A consumer group with Kafka's eager protocol: whoever comes or goes has every member give up its partitions and join
 * again; once all have, the partitions are dealt out, to whoever had them as far as the shares are equal, and a new
 * generation begins. The committed offsets outlive the
 * members.
 */
export class MemoryGroup {
  readonly id: string
  /** Counts the assignments. */
  generation = 0
  private readonly host: GroupHost
  private readonly offsets = new Map<MemoryLog, CommitPosition>()
  /** In the order of joining; the first is the leader, whose topics are dealt out, as with kafkajs. */
  private members: readonly GroupMember[] = []
  private readonly joined = new Set<GroupMember>()
  /** Whether a member outside has all the partitions. */
  private isOccupied = false
  /** Those that it has, when it has some. */
  private readonly occupied = new Set<MemoryLog>()
  private preparing = false
  private due = false
  private deadline: Timer | undefined
  private completion: Timer | undefined

  constructor(id: string, host: GroupHost) {
    this.id = id
    this.host = host
  }

  /** The committed offsets of a topic, by partition. */
  committed(topic: string): ReadonlyMap<number, number> {
    const own = [...this.offsets].filter(([log]) => log.topic === topic)
    return new Map(own.map(([log, { offset }]): [number, number] => [log.partition, offset]).sort(([a], [b]) => a - b))
  }

  committedOf(log: MemoryLog): number | null {
    return this.offsets.get(log)?.offset ?? null
  }

  /** What was committed beside that offset. */
  metadataOf(log: MemoryLog): string {
    return this.offsets.get(log)?.metadata ?? ''
  }

  commit(offsets: readonly CommitPosition[]): void {
    for (const position of offsets) {
      const log = this.host.topics.partitions(position.topic)[position.partition]
      if (log !== undefined) this.offsets.set(log, position)
    }
  }

  /** Forgets what was committed of partitions that are gone, and has the members find those in their place. */
  forget(logs: readonly MemoryLog[]): void {
    for (const log of logs) this.offsets.delete(log)
    this.rebalance()
  }

  join(member: GroupMember): void {
    if (!this.members.includes(member)) this.members = [...this.members, member]
    this.joined.add(member)
    this.rebalance()
    this.proceed()
  }

  leave(member: GroupMember): void {
    if (!this.members.includes(member)) return
    this.members = this.members.filter((other) => other !== member)
    this.joined.delete(member)
    this.rebalance()
    this.proceed()
  }

  /** Ends a membership as an expired session does: the member hears of it only afterwards, and joins again. */
  expel(member: GroupMember, ms = 0): void {
    if (!this.members.includes(member)) return
    member.expire(ms)
    this.leave(member)
  }

  /** Ends one membership, by its place in the order of joining, or all. */
  expelAt(index: number | undefined, ms: number): void {
    for (const member of this.membersAt(index)) this.expel(member, ms)
  }

  /** One member, by its place in the order of joining, or all. */
  membersAt(index: number | undefined): readonly GroupMember[] {
    return index === undefined ? this.members : this.members.slice(index, index + 1)
  }

  /** Has a member outside take all partitions, or one. */
  occupy(log?: MemoryLog): void {
    if (log === undefined) this.isOccupied = true
    else this.occupied.add(log)
    this.rebalance()
  }

  /** Has it give back all that it has, or one. */
  vacate(log?: MemoryLog): void {
    if (log !== undefined) this.occupied.delete(log)
    else {
      this.isOccupied = false
      this.occupied.clear()
    }
    this.rebalance()
  }

  rebalance(): void {
    if (this.preparing || this.members.length === 0) return
    // Who can't be reached can't be told.
    this.due = this.host.faults.isDown
    if (this.due) return
    this.preparing = true
    this.awaitJoins()
    for (const member of this.members) if (!this.joined.has(member)) member.revoke(() => this.join(member))
    this.proceed()
  }

  /** The broker is down: nobody is expelled for not joining meanwhile. */
  suspend(): void {
    this.deadline?.unsubscribe()
  }

  /** The broker is up again. */
  resume(): void {
    if (this.due) this.rebalance()
    else if (this.preparing) {
      this.awaitJoins()
      this.proceed()
    }
  }

  /** Expels, after the longest time that a member asks for, who has not joined by then. */
  private awaitJoins(): void {
    const timeout = Math.max(...this.members.map(({ rebalanceTimeout }) => rebalanceTimeout))
    this.deadline = this.host.clock.schedule(() => {
      for (const member of this.members) if (!this.joined.has(member)) this.expel(member)
    }, timeout)
  }

  /** Completes the join soon, when nobody is missing: who asks at the same moment takes part. */
  private proceed(): void {
    if (!this.isComplete || this.completion !== undefined) return
    this.completion = this.host.clock.schedule(() => {
      this.completion = undefined
      if (this.isComplete) this.complete()
    }, 0)
  }

  private get isComplete(): boolean {
    return this.preparing && !this.host.faults.isDown && this.joined.size === this.members.length
  }

  private complete(): void {
    this.deadline?.unsubscribe()
    this.preparing = false
    this.joined.clear()
    this.generation++
    const { members, generation } = this
    const leader = this.isOccupied ? undefined : members[0]
    const all = leader === undefined ? [] : this.host.topics.resolve(leader.topics, this.id)
    const partitions = all.filter((log) => !this.occupied.has(log))
    const topics = [...new Set(partitions.map(({ topic }) => topic))]
    const shares = assignSticky(
      partitions,
      members.map(({ places }) => ({ topics, owned: places, generation })),
    )
    members.forEach((member, i) => {
      member.assign(shares[i] ?? [])
    })
  }
}
