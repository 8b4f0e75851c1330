import type { Api } from './apis.ts'

/**
 * What an error code in an answer may do to a member. *none*: it goes on as if nothing had happened. *fence*: its
 * membership may end, and what it had not committed be delivered again. *fatal*: its stream errors, in words.
 */
export type Effect = 'none' | 'fence' | 'fatal'

interface Code {
  readonly code: number
  readonly name: string
  readonly effect: Effect
  /** Why a broker answers so. */
  readonly reason: string
}

const code = (number: number, name: string, effect: Effect, reason: string): Code => ({
  code: number,
  name,
  effect,
  reason,
})

/** Each error code that a broker can answer to an api with, as far as it is not one of an older or a newer protocol. */
export const CODES: Readonly<Record<Api, readonly Code[]>> = {
  OffsetCommit: [
    code(3, 'UNKNOWN_TOPIC_OR_PARTITION', 'fatal', 'the topic was deleted'),
    code(7, 'REQUEST_TIMED_OUT', 'none', 'the offsets topic did not replicate it in time'),
    code(12, 'OFFSET_METADATA_TOO_LARGE', 'none', 'the metadata is longer than the broker keeps'),
    code(14, 'COORDINATOR_LOAD_IN_PROGRESS', 'none', 'the coordinator has just moved here'),
    code(15, 'COORDINATOR_NOT_AVAILABLE', 'none', 'the offsets topic has too few replicas'),
    code(16, 'NOT_COORDINATOR', 'none', 'the coordinator has moved away'),
    code(22, 'ILLEGAL_GENERATION', 'fence', 'the group has joined without this member'),
    code(25, 'UNKNOWN_MEMBER_ID', 'fence', 'the session of the member has run out'),
    code(27, 'REBALANCE_IN_PROGRESS', 'none', 'the group waits for the assignment of its leader'),
    code(28, 'INVALID_COMMIT_OFFSET_SIZE', 'fatal', 'the commit is larger than a message may be'),
    code(29, 'TOPIC_AUTHORIZATION_FAILED', 'fatal', 'the right to read the topic was taken away'),
    code(30, 'GROUP_AUTHORIZATION_FAILED', 'fatal', 'the right to use the group was taken away'),
  ],
  Heartbeat: [
    code(15, 'COORDINATOR_NOT_AVAILABLE', 'none', 'the coordinator is being elected'),
    code(16, 'NOT_COORDINATOR', 'none', 'the coordinator has moved away'),
    code(22, 'ILLEGAL_GENERATION', 'fence', 'the group has joined without this member'),
    code(25, 'UNKNOWN_MEMBER_ID', 'fence', 'the session of the member has run out'),
    code(27, 'REBALANCE_IN_PROGRESS', 'none', 'a member has come or gone'),
    code(30, 'GROUP_AUTHORIZATION_FAILED', 'fatal', 'the right to use the group was taken away'),
  ],
  JoinGroup: [
    code(14, 'COORDINATOR_LOAD_IN_PROGRESS', 'fence', 'the coordinator has just moved here'),
    code(15, 'COORDINATOR_NOT_AVAILABLE', 'fence', 'the coordinator is being elected'),
    code(16, 'NOT_COORDINATOR', 'none', 'the coordinator has moved away'),
    code(23, 'INCONSISTENT_GROUP_PROTOCOL', 'fatal', 'the other members assign in another way'),
    code(25, 'UNKNOWN_MEMBER_ID', 'fence', 'the session of the member has run out'),
    code(26, 'INVALID_SESSION_TIMEOUT', 'fatal', 'the broker does not allow the sessionTimeout'),
    code(27, 'REBALANCE_IN_PROGRESS', 'none', 'the coordinator has begun another rebalance'),
    code(30, 'GROUP_AUTHORIZATION_FAILED', 'fatal', 'the right to use the group was taken away'),
    code(81, 'GROUP_MAX_SIZE_REACHED', 'fence', 'the group has as many members as it may'),
  ],
  SyncGroup: [
    code(14, 'COORDINATOR_LOAD_IN_PROGRESS', 'fence', 'the coordinator has just moved here'),
    code(15, 'COORDINATOR_NOT_AVAILABLE', 'fence', 'the coordinator is being elected'),
    code(16, 'NOT_COORDINATOR', 'none', 'the coordinator has moved away'),
    code(22, 'ILLEGAL_GENERATION', 'fence', 'the group has joined without this member'),
    code(25, 'UNKNOWN_MEMBER_ID', 'fence', 'the session of the member has run out'),
    code(27, 'REBALANCE_IN_PROGRESS', 'none', 'another member has come meanwhile'),
    code(30, 'GROUP_AUTHORIZATION_FAILED', 'fatal', 'the right to use the group was taken away'),
  ],
  Fetch: [
    code(-1, 'UNKNOWN', 'fence', 'the broker met an error of its own'),
    code(1, 'OFFSET_OUT_OF_RANGE', 'fence', 'a leader that lags behind, or a log that is gone'),
    code(2, 'CORRUPT_MESSAGE', 'none', 'the broker read a message that has a wrong checksum'),
    code(3, 'UNKNOWN_TOPIC_OR_PARTITION', 'none', 'the broker has not heard of the topic yet'),
    code(6, 'NOT_LEADER_OR_FOLLOWER', 'none', 'the leader has moved away'),
    code(9, 'REPLICA_NOT_AVAILABLE', 'none', 'the replica is being moved'),
    code(29, 'TOPIC_AUTHORIZATION_FAILED', 'fatal', 'the right to read the topic was taken away'),
    code(56, 'KAFKA_STORAGE_ERROR', 'none', 'a disk of the broker failed'),
    code(74, 'FENCED_LEADER_EPOCH', 'none', 'the leader was elected anew'),
    code(75, 'UNKNOWN_LEADER_EPOCH', 'none', 'the broker has not heard of its election yet'),
    code(78, 'OFFSET_NOT_AVAILABLE', 'none', 'the new leader has not caught up with itself'),
  ],
  OffsetFetch: [
    code(14, 'COORDINATOR_LOAD_IN_PROGRESS', 'none', 'the coordinator has just moved here'),
    code(15, 'COORDINATOR_NOT_AVAILABLE', 'none', 'the coordinator is being elected'),
    code(16, 'NOT_COORDINATOR', 'none', 'the coordinator has moved away'),
    code(30, 'GROUP_AUTHORIZATION_FAILED', 'fatal', 'the right to use the group was taken away'),
  ],
  FindCoordinator: [
    code(-1, 'UNKNOWN', 'none', 'the broker met an error of its own'),
    code(14, 'COORDINATOR_LOAD_IN_PROGRESS', 'none', 'the offsets topic is being loaded'),
    code(15, 'COORDINATOR_NOT_AVAILABLE', 'none', 'the offsets topic is being made, or has no leader'),
    code(30, 'GROUP_AUTHORIZATION_FAILED', 'fatal', 'the right to use the group was taken away'),
  ],
}
