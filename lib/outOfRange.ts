import type { LogRange, Position } from './broker.ts'
import { FatalError } from './errors.ts'

/**
 * Where a source goes on when the next offset to read is not in the log: because retention, or somebody, deleted it
 * before it was read, or because the topic was deleted and created again, or lost its end.
 *
 * - `fail`: nowhere; the stream errors with what was lost
 * - `earliest`: at the oldest message, so that none that can still be read is skipped
 * - `latest`: at the next message
 */
export type OnOutOfRange = 'fail' | 'earliest' | 'latest'

/** Where reading goes on. */
export function placeIn({ logStart, highWatermark }: LogRange, policy: 'earliest' | 'latest'): number {
  return policy === 'earliest' ? logStart : highWatermark
}

/** Of the offsets from a place to where reading goes on, how many were never read; null when the log is another one. */
export function missedFrom({ offset }: Position, { logStart }: LogRange, to: number): number | null {
  return offset < logStart ? to - offset : null
}

/** What a source errors with that has to fail. */
export function outOfRangeError(groupId: string, place: Position, { logStart, highWatermark }: LogRange): FatalError {
  const { topic, partition, offset } = place
  const what =
    offset < logStart
      ? `${logStart - offset} messages were deleted before they were read`
      : 'the topic was recreated or truncated, and what it holds now may be unread'
  return new FatalError(
    `Cannot read ${topic}[${partition}] as group ${groupId}: the next offset to read is ${offset}, but the log begins at ${logStart} and ends at ${highWatermark}: ${what}; ${ADVICE}`,
  )
}

const ADVICE =
  "say with onOutOfRange where to go on, set the group's offset (kafka-consumer-groups --reset-offsets), or use a new groupId"
