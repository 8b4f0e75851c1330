import type { RedisLike, RedisReplies } from './client.ts'

/** What {@link nodeRedis} uses of a client of node-redis (5 or 6). */
export interface NodeRedisClient {
  sendCommand(words: string[]): Promise<unknown>
}

/** What {@link nodeRedis} uses of a cluster of node-redis. */
export interface NodeRedisCluster {
  readonly masters: unknown
  sendCommand(firstKey: string | undefined, isReadonly: boolean, words: string[]): Promise<unknown>
}

/**
 * Makes a client of node-redis one that `zaddTo` takes. Commands of one moment go out together, as node-redis does it.
 *
 * ```ts
 * zaddTo(nodeRedis(client), (a) => ({ key: a.user, score: a.at, member: a.text }))
 * ```
 *
 * Its Sentinel client asks for more words: `nodeRedis({ sendCommand: (words) => sentinel.sendCommand(false, words) })`.
 */
export function nodeRedis(client: NodeRedisClient | NodeRedisCluster): RedisLike {
  const send =
    'masters' in client
      ? (words: string[]) => client.sendCommand(keyOf(words), false, words)
      : (words: string[]) => client.sendCommand(words)
  return {
    pipeline: (commands) => ({ exec: () => Promise.all(commands.map((words) => paired(send, words.map(String)))) }),
  }
}

/** A script says how many keys there are before it names them. WAIT has none: nobody knows which node is meant. */
function keyOf(words: readonly string[]): string | undefined {
  if (words[0] === 'wait') throw new TypeError('node-redis can not `waitReplicas` in a cluster; leave it out')
  return words[0] === 'eval' ? words[3] : words[1]
}

function paired(send: (words: string[]) => Promise<unknown>, words: string[]): Promise<RedisReplies[number]> {
  return new Promise<unknown>((resolve) => resolve(send(words))).then(
    (reply) => [null, reply] as const,
    (error: unknown) => [named(error)] as const,
  )
}

/** What the server said begins with its code; node-redis gives such errors no name of their own. */
function named(error: unknown): Error {
  const isReply = error instanceof Error && /^[A-Z]{2,} /.test(error.message)
  return isReply ? Object.assign(new Error(error.message, { cause: error }), { name: 'ReplyError' }) : (error as Error)
}
