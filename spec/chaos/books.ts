/** A message that the broker has confirmed. */
export interface Produced {
  readonly key: string
  /** When it was confirmed, in ms since 1970. */
  readonly at: number
}

/** Once that a message was worked on. */
export interface Handling {
  /** Which process. */
  readonly member: string
  readonly startedAt: number
  /** undefined while it is not done */
  endedAt: number | undefined
}

/** What is known of one partition: what was written to it, and what became of each message. By offset. */
export class PartitionBook {
  readonly topic: string
  readonly partition: number
  readonly produced = new Map<number, Produced>()
  /** Written in transactions that were aborted. */
  readonly aborted = new Set<number>()
  readonly handled = new Map<number, Handling[]>()
  /** Those before it were deleted on purpose. */
  deletedBelow = 0
  /** When a message was last done, in ms since 1970. */
  lastEndAt = 0

  constructor(topic: string, partition: number) {
    this.topic = topic
    this.partition = partition
  }

  get place(): string {
    return `${this.topic}[${this.partition}]`
  }

  isDone(offset: number): boolean {
    return this.firstEnd(offset) !== undefined
  }

  /** When it was done first. */
  firstEnd(offset: number): number | undefined {
    const ends = (this.handled.get(offset) ?? []).flatMap(({ endedAt }) => endedAt ?? [])
    return ends.length === 0 ? undefined : Math.min(...ends)
  }
}

/** All that was written, and what became of it. */
export class Books {
  private readonly partitions = new Map<string, PartitionBook>()

  of(topic: string, partition: number): PartitionBook {
    const key = `${topic}/${partition}`
    const found = this.partitions.get(key)
    if (found !== undefined) return found
    const made = new PartitionBook(topic, partition)
    this.partitions.set(key, made)
    return made
  }

  [Symbol.iterator](): Iterator<PartitionBook> {
    return this.partitions.values()
  }

  get messages(): number {
    return [...this].reduce((sum, { produced }) => sum + produced.size, 0)
  }
}
