import type { Position } from './broker.ts'
import type { SourceEvent, SourceHealth } from './events.ts'
import type { Message } from './message.ts'

/** One subscription that reads from a broker: what `run` acts on. */
export interface Member {
  readonly groupId: string
  /** What it reads, in words: two members of a group must read the same. */
  readonly reads: string
  /** The same object for all subscriptions of one `fromTopic`. */
  readonly source: object
  /** Delivers no more, lets what is in flight settle, commits, leaves the group; completes the stream. */
  drain(): void
  /** Delivers nothing until `resume`; stays in the group. */
  pause(): void
  /** Goes on after `pause`. */
  resume(): void
  /** Goes on reading a partition at another offset. */
  seek(position: Position): void
  /** Says how it stands. */
  health(): SourceHealth
  /** Hears of every event from now on. */
  listen(listener: (event: SourceEvent) => void): void
  /** Has every message pass through a function on its way down the pipe: for the test kit, which watches it settle. */
  through(pass: <A>(message: Message<A>) => Message<A>): void
}

/**
 * The members that read from a broker in this process.
 *
 * A group whose members ask for different topics leaves partitions that nobody reads (kafkajs assigns by the
 * leader's topics alone), so a second reading of a group has to ask for the same.
 */
export class Members {
  private readonly live = new Set<Member>()
  private claiming: ((member: Member) => void) | undefined
  /** Who has claimed the first member of a source hears of those that follow it. */
  private readonly claims = new WeakMap<object, (member: Member) => void>()

  /** @throws Error when the group is read from with other topics */
  expectFree(member: Pick<Member, 'groupId' | 'reads'>): void {
    for (const other of this.live) {
      if (other.groupId === member.groupId && other.reads !== member.reads) throw new Error(conflictText(member, other))
    }
  }

  add(member: Member): void {
    this.live.add(member)
    const claim = this.claiming ?? this.claims.get(member.source)
    if (claim === undefined) return
    this.claims.set(member.source, claim)
    claim(member)
  }

  /** Forgets a member that has left. */
  remove(member: Member): void {
    this.live.delete(member)
  }

  /** Tells of the members that `subscribe` adds, and of those that follow when their sources are subscribed again. */
  claim(take: (member: Member) => void, subscribe: () => void): void {
    const outer = this.claiming
    this.claiming = take
    try {
      subscribe()
    } finally {
      this.claiming = outer
    }
  }
}

function conflictText({ groupId, reads }: Pick<Member, 'groupId' | 'reads'>, other: Member): string {
  return `Cannot read ${reads} as group ${groupId}: this process reads ${other.reads} as that group already, and Kafka would leave partitions without a reader; give each pipeline a groupId of its own`
}
