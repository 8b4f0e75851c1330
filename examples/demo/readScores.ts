/** What is used of a Redis client to look at a sorted set. */
export interface SortedSets {
  zrange(key: string, start: number, stop: number, withScores: 'WITHSCORES'): Promise<string[]>
}

/** Reads a sorted set: its members and their scores, the lowest first. */
export async function readScores(redis: SortedSets, key: string): Promise<readonly (readonly [string, number])[]> {
  const words = await redis.zrange(key, 0, -1, 'WITHSCORES')
  return Array.from({ length: words.length / 2 }, (_, i) => [words[2 * i] ?? '', Number(words[2 * i + 1])] as const)
}
