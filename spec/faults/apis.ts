/** The requests that a member lives by, and their keys in the protocol. */
export const APIS = {
  OffsetCommit: 8,
  Heartbeat: 12,
  JoinGroup: 11,
  SyncGroup: 14,
  Fetch: 1,
  OffsetFetch: 9,
  FindCoordinator: 10,
} as const

export type Api = keyof typeof APIS

const NAMES = new Map<number, Api>(Object.entries(APIS).map(([name, key]) => [key, name as Api]))

/** The name of an api by its key; undefined for those that are left alone. */
export function apiOf(key: number): Api | undefined {
  return NAMES.get(key)
}
