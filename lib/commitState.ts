import { encodeAcks } from './ackMap.ts'
import type { AssignedPartition, CommitPosition, Position, RawMessage } from './broker.ts'
import { type KeptAcks, keptAcks } from './keptAcks.ts'
import type { Tracker } from './tracker.ts'

const UNCOMMITTED = -1

/** What the commits of a partition depend on. */
export interface CommitStateHost {
  /** Whether the acks above the low watermark are committed with it. */
  readonly keepAcks: boolean
  /** The metadata that was committed is not used. */
  metadataIgnored(place: Position, metadata: string, reason: string): void
}

/** What a partition has committed, as far as we know, and what is to be committed now: an offset, and the acks above it. */
export class CommitState {
  /** What the group has committed, as far as we know. */
  committed: number | null
  private readonly host: CommitStateHost
  private readonly tracker: Tracker
  /** What counts as committed while nothing is. */
  private start: number
  /** The offset that was sent last: when its answer is lost, the broker may have it. */
  private sent = UNCOMMITTED
  /** How many were acked when a commit was sent, and how many the broker has confirmed. */
  private acksSent = 0
  private acksConfirmed = 0
  /** Acks of the assignment before, until the messages are passed that they are of. */
  private kept: KeptAcks | undefined

  constructor(host: CommitStateHost, tracker: Tracker, assigned: Omit<AssignedPartition, 'logStart'>) {
    this.host = host
    this.tracker = tracker
    const { topic, partition, position } = assigned
    this.committed = assigned.committed
    // Where no message may come for long, the start is committed: a message that comes while no member runs is after it.
    const isEmpty = position === assigned.highWatermark
    this.start = isEmpty ? UNCOMMITTED : position
    if (host.keepAcks)
      this.kept = keptAcks(assigned, (reason) =>
        host.metadataIgnored({ topic, partition, offset: position }, assigned.metadata ?? '', reason),
      )
  }

  /** Whether something is to be committed. */
  get isDirty(): boolean {
    const { committed, sent } = this
    const isBehind = this.tracker.low !== (committed ?? this.start)
    const isInDoubt = sent !== UNCOMMITTED && sent !== committed
    return isBehind || isInDoubt || (this.host.keepAcks && this.acks !== this.acksConfirmed)
  }

  /** Whether this is the same assignment gone on: nobody else has committed meanwhile. */
  isContinuedBy({ committed }: Pick<AssignedPartition, 'committed'>): boolean {
    if (committed === this.committed) return true
    // A commit whose answer was lost may have arrived.
    return committed !== null && committed >= (this.committed ?? this.start) && committed <= this.tracker.low
  }

  /** Takes the place of a partition that was read elsewhere, and has its own place committed. */
  follow({ sent }: CommitState): void {
    this.sent = sent
    this.start = UNCOMMITTED
    // With it, that nothing behind it is acked.
    this.acksConfirmed = UNCOMMITTED
  }

  /** Those of fetched messages that were not acked in the assignment before. */
  unacked(messages: readonly RawMessage[]): readonly RawMessage[] {
    return this.kept === undefined ? messages : this.kept.unacked(messages)
  }

  /** What may be committed now. */
  toCommit(): CommitPosition {
    const { tracker, kept } = this
    const { topic, partition } = tracker.origin
    const position = { topic, partition, offset: tracker.low }
    this.sent = tracker.low
    if (!this.host.keepAcks) return position
    this.acksSent = this.acks
    const ranges = tracker.ackedRanges
    if (kept !== undefined && kept.end <= tracker.next) this.kept = undefined
    else kept?.addTo(ranges, tracker.next)
    const metadata = encodeAcks({ low: tracker.low, ranges })
    return metadata === '' ? position : { ...position, metadata }
  }

  /** The broker has taken what {@link toCommit} gave last. */
  confirm(offset: number): void {
    this.committed = offset
    this.acksConfirmed = this.acksSent
  }

  private get acks(): number {
    return this.tracker.delivered - this.tracker.pending
  }
}
