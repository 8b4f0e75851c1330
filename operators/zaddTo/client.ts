import type { ObservableInput } from 'rxjs'

/**
 * What `zaddTo` uses of a Redis client. An instance of ioredis (5 or 6) is one, with Sentinel and `Cluster` too; for
 * node-redis see {@link nodeRedis}. It is used as it is: neither configured nor closed.
 */
export interface RedisLike {
  pipeline(commands: (string | number)[][]): { exec(): ObservableInput<RedisReplies | null> }
  /** Whether the keys of one pipeline must share a hash slot; a `Cluster` of ioredis says so itself. @default false */
  readonly isCluster?: boolean
}

/** The replies of a pipeline: for each command its error, or null and its reply. */
export type RedisReplies = readonly (readonly [error: Error | null, reply?: unknown])[]
