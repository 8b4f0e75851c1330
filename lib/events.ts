import type { LogRange, Position, TopicPartition } from './broker.ts'
import type { CommitError } from './errors.ts'

/**
 * What a source tells beside its messages.
 *
 * - `assigned`: it joined, and `partitions` is all it has; `retained` are those that it had before
 * - `revoked`: the group rebalances; what was in flight was waited for `drainMs`; `unsettled` messages are
 *   left over, with those that wait for a next try
 * - `lost`: the membership is gone; what was in flight there is delivered again, to whoever has the partitions now
 * - `outOfRange`: the offset to read next was not in the log, and `onOutOfRange` said where to go on: log this
 * - `committed`, `commitFailed`: what became of a commit; one that failed is due again by itself, unless it was fenced
 * - `metadataIgnored`: with `keepAcks`, what was committed beside an offset says nothing of its acks; the next commit
 *   replaces it
 * - `nacked`: a message failed for good, and what `onNack` does with it; log this
 * - `leaked`: nobody holds a message any more, and nobody has settled it; `onLeak` says what is done with it
 * - `stuck`: a message is the oldest in flight for `maxProcessing`; `onStuck` says what is done with it
 * - `stalled`: there is no room for more messages, and for long none was settled: a buffer waits for more
 * - `trouble`: the broker can't be reached or refused, and is tried again; or, as an `UnreadTopicsError`, another member
 *   of the group reads other topics
 * - `closed`: it left the group; `unsettled` messages will be delivered again, with those that wait for a next try
 */
export type SourceEvent =
  | {
      readonly type: 'assigned'
      readonly groupId: string
      readonly partitions: readonly TopicPartition[]
      readonly retained: readonly TopicPartition[]
    }
  | {
      readonly type: 'revoked'
      readonly groupId: string
      readonly partitions: readonly TopicPartition[]
      readonly drainMs: number
      readonly unsettled: number
    }
  | { readonly type: 'lost'; readonly groupId: string; readonly partitions: readonly TopicPartition[] }
  | {
      readonly type: 'outOfRange'
      readonly groupId: string
      /** What was to be read next. */
      readonly place: Position
      /** What the log holds. */
      readonly log: LogRange
      /** Where reading goes on. */
      readonly to: number
      /**
       * Offsets from there on that were not read and never will be; null where the log is another one (recreated or
       * truncated), and nobody can say.
       */
      readonly missed: number | null
    }
  | { readonly type: 'committed'; readonly groupId: string; readonly offsets: readonly Position[] }
  | { readonly type: 'commitFailed'; readonly groupId: string; readonly error: CommitError }
  | {
      readonly type: 'metadataIgnored'
      readonly groupId: string
      readonly place: Position
      readonly metadata: string
      readonly reason: string
    }
  | {
      readonly type: 'nacked'
      readonly groupId: string
      readonly place: Position
      readonly error: unknown
      readonly action: 'stop' | 'skip' | 'send' | 'retry'
    }
  | {
      readonly type: 'leaked'
      readonly groupId: string
      readonly place: Position
      readonly error: Error
      /** In development, the stack of the call of `fromTopic` that made the stream. */
      readonly stack: string | undefined
    }
  | {
      readonly type: 'stuck'
      readonly groupId: string
      readonly place: Position
      readonly ageMs: number
      /** Whether it only waits for its next try, because a server is away or refuses. */
      readonly isWaiting: boolean
      readonly error: Error
    }
  | {
      readonly type: 'stalled'
      readonly groupId: string
      /** The oldest message in flight of a partition that has no room. */
      readonly place: Position
      /** How long nothing was delivered or settled. */
      readonly sinceMs: number
      /** Messages in flight, of all partitions. */
      readonly inFlight: number
      readonly maxInFlight: number
      readonly bytes: number
      readonly maxBytes: number
      readonly error: Error
    }
  | { readonly type: 'trouble'; readonly groupId: string; readonly error: Error }
  | {
      readonly type: 'closed'
      readonly groupId: string
      /** Messages that were given up; they will be delivered again. */
      readonly unsettled: number
      /** Of these, those that somebody still worked on when `drainTimeout` was over. */
      readonly workedOn: number
      /** Why it ended, when not because it was asked to; its stream errors with it, unless it has completed. */
      readonly failure: Error | null
    }

/** How one assigned partition stands. Offsets are next to read. */
export interface PartitionHealth extends TopicPartition {
  /** What the group has committed; null when it has committed nothing. */
  readonly committed: number | null
  /** The low watermark: all before it is acked, so it may be committed. */
  readonly low: number
  /** The next to deliver. */
  readonly next: number
  /** The end of the log, as the last fetch saw it. */
  readonly highWatermark: number
  /** highWatermark − committed */
  readonly lag: number
  /** Messages delivered and not yet settled. */
  readonly inFlight: number
  /**
   * For how long the oldest message in flight has been the oldest, in ms, by a look once a second: 0 when nothing is in
   * flight, or when it only waits for its next delivery or for its dead letter.
   */
  readonly oldestMs: number
  /** Messages fetched and not yet delivered. */
  readonly backlog: number
}

/** How an operator made by `perBatch` stands, as all that ask a server are. */
export interface OperatorHealth {
  /** Its `name`. */
  readonly name: string
  /** Messages in requests that are under way. */
  readonly inFlight: number
  /** Messages that wait: for their batch, their lane, a place, or the `rateLimit`. */
  readonly waiting: number
  /** Messages that failed, and wait for their next try. */
  readonly retrying: number
  /** Messages passed on, or acked as there was nothing to pass on. */
  readonly done: number
  /** Messages nacked here. */
  readonly failed: number
  /** The last failure, of a request or of a message; null when there was none. */
  readonly lastError: unknown
}

/** How a source stands. */
export interface SourceHealth {
  readonly groupId: string
  /** `paused`: by `pause()`, not by back-pressure. `draining`: settles, commits and leaves. */
  readonly state: 'joining' | 'reading' | 'paused' | 'rebalancing' | 'draining' | 'closed'
  /** Those assigned now. */
  readonly partitions: readonly PartitionHealth[]
  /** The operators that its messages have come to, from their first message on; one that several sources share is told of by each. */
  readonly operators: readonly OperatorHealth[]
  /** Bytes of messages fetched and not settled, by fetched batch; see `maxBytes`. */
  readonly bytes: number
  /** Messages delivered, with repeats. */
  readonly delivered: number
  /** Messages that were not delivered again, because `keepAcks` knew of their acks. */
  readonly skippedAcked: number
  /** Messages that failed for good, at each delivery. */
  readonly nacked: number
  /** Of these, those that `onNack` skipped. */
  readonly skipped: number
  /** Of these, those that were sent to a dead-letter topic. */
  readonly deadLettered: number
  /** Messages that nobody held any more before they were settled. */
  readonly leaked: number
  /**
   * Whether a message is the oldest in flight for more than `maxProcessing`, and does not only wait for its next try: a
   * sign that the process is not well.
   */
  readonly isStuck: boolean
  /** Whether the source can't go on, because nothing that is in flight settles. */
  readonly isStalled: boolean
  /** Acks and nacks that came twice or after the assignment. */
  readonly late: number
  /** Commits that the broker took. */
  readonly commits: number
  /** The broker's last refusal, until it works again. */
  readonly trouble: Error | null
}
