/** What Kafka answers when it refuses. */
export function refusal(type: string): Error {
  return Object.assign(new Error(type), { name: 'KafkaJSProtocolError', type })
}

export interface GroupRequest {
  readonly groupId: string
  readonly memberId: string
  readonly groupGenerationId: number
}

export interface CommitRequest extends GroupRequest {
  readonly topics: readonly { partitions: readonly { partition: number; offset: string }[] }[]
}

/** The broker's side of a group: who is its member, of which generation, and what it has committed. */
export class FakeGroup {
  generation = 0
  memberId: string | undefined
  /** The group waits for its members to join. */
  isRebalancing = false
  /** What the next join gives to the member under test; another has the rest. */
  share: readonly number[]
  assigned: readonly number[] = []
  readonly committed: (number | null)[]
  readonly ends: number[]
  private names = 0
  private readonly onCommit: (partition: number, offset: number, before: number | null) => void

  constructor(partitions: number, onCommit: (partition: number, offset: number, before: number | null) => void) {
    this.onCommit = onCommit
    this.committed = Array(partitions).fill(null)
    this.ends = Array(partitions).fill(0)
    this.share = this.ends.map((_, partition) => partition)
  }

  join(memberId: string): { generationId: number; memberId: string } {
    if (memberId !== '' && memberId !== this.memberId) throw refusal('UNKNOWN_MEMBER_ID')
    this.memberId = memberId === '' ? `member-${++this.names}` : memberId
    this.generation++
    this.isRebalancing = false
    this.assigned = this.share
    return { generationId: this.generation, memberId: this.memberId }
  }

  sync(request: GroupRequest): readonly number[] {
    this.expectMember(request)
    if (this.isRebalancing) throw refusal('REBALANCE_IN_PROGRESS')
    return this.assigned
  }

  heartbeat(request: GroupRequest): void {
    this.expectMember(request)
    if (this.isRebalancing) throw refusal('REBALANCE_IN_PROGRESS')
  }

  leave(memberId: string): void {
    if (memberId === this.memberId) this.memberId = undefined
  }

  /** Kafka looks at member and generation, not at who has the partition. */
  commit({ topics, ...request }: CommitRequest): void {
    this.expectMember(request)
    for (const { partition, offset } of topics.flatMap(({ partitions }) => partitions)) {
      this.onCommit(partition, Number(offset), this.committed[partition] ?? null)
      this.committed[partition] = Number(offset)
    }
  }

  private expectMember({ memberId, groupGenerationId }: GroupRequest): void {
    if (memberId !== this.memberId) throw refusal('UNKNOWN_MEMBER_ID')
    if (groupGenerationId !== this.generation) throw refusal('ILLEGAL_GENERATION')
  }
}
