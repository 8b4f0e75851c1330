import type { Position, TopicPartition } from './broker.ts'
import type { CommitError } from './errors.ts'

/** What a source tells beside its messages. */
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
  | { readonly type: 'committed'; readonly groupId: string; readonly offsets: readonly Position[] }
  | { readonly type: 'commitFailed'; readonly groupId: string; readonly error: CommitError }
  | {
      readonly type: 'nacked'
      readonly groupId: string
      readonly place: Position
      readonly error: unknown
      readonly action: 'stop' | 'skip' | 'send' | 'retry'
    }
  | { readonly type: 'trouble'; readonly groupId: string; readonly error: Error }
  | { readonly type: 'closed'; readonly groupId: string; readonly unsettled: number }

/** How one assigned partition stands. Offsets are next to read. */
export interface PartitionHealth extends TopicPartition {
  readonly committed: number | null
  readonly low: number
  readonly next: number
  readonly highWatermark: number
  /** highWatermark − committed */
  readonly lag: number
  readonly inFlight: number
  /** Fetched and not yet delivered. */
  readonly backlog: number
}

/** How a source stands. */
export interface SourceHealth {
  readonly groupId: string
  readonly state: 'joining' | 'reading' | 'paused' | 'rebalancing' | 'draining' | 'closed'
  readonly partitions: readonly PartitionHealth[]
  /** Messages delivered, with repeats. */
  readonly delivered: number
  readonly nacked: number
  readonly skipped: number
  readonly deadLettered: number
  /** Settlements that came twice or after the assignment. */
  readonly late: number
  readonly commits: number
  /** The broker's last refusal, until it works again. */
  readonly trouble: Error | null
}
