import { setTimeout as sleep } from 'node:timers/promises'
import { type Load, totalOf } from './load.ts'
import type { Topic, Topics } from './topics.ts'

/** How often the group is asked for, in ms. */
const LOOK = 200

/** A run that reads what is sent meanwhile. */
export interface Live {
  readonly topics: Topics
  readonly topic: Topic
  readonly load: Load
  readonly groupId: string
  /** Whether somebody wants to know how far behind the commits are; asking costs the broker something. */
  readonly isWatched: boolean
}

/**
 * Sends a load from the moment that the group has joined, until `read` is settled. Gives the most messages that were sent
 * and not committed at any look after the warm-up.
 */
export async function sendWhile(read: Promise<unknown>, live: Live): Promise<number> {
  const end = new AbortController()
  const all = sendAll(live, end.signal)
  try {
    await Promise.race([read, all.then(() => read)])
  } finally {
    end.abort()
  }
  return all
}

async function sendAll({ topics, topic, load, groupId, isWatched }: Live, signal: AbortSignal): Promise<number> {
  while (!signal.aborted && !(await topics.isJoined(groupId))) await sleep(LOOK)
  let sent = 0
  let most = 0
  const look = async () => {
    while (isWatched && !signal.aborted && sent < totalOf(load)) {
      await sleep(LOOK)
      const before = sent
      const committed = await topics.committed(groupId, topic)
      if (before > load.warmUp) most = Math.max(most, before - committed)
    }
  }
  const tell = (count: number) => {
    sent = count
  }
  await Promise.all([topics.pace(topic, load, signal, tell), look()])
  return most
}
