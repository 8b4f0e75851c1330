import { setTimeout as sleep } from 'node:timers/promises'
import { type Load, totalOf } from './load.ts'
import type { Topic, Topics } from './topics.ts'

/** How often the committed offsets are asked for, in ms. */
const LOOK = 200

/**
 * Sends a load while a group reads it, until `read` is settled. Gives the most messages that were sent and not committed
 * at any look after the warm-up.
 *
 * @param groupId undefined where nobody wants to know
 */
export async function sendWhile(
  read: Promise<unknown>,
  topics: Topics,
  topic: Topic,
  load: Load,
  groupId: string | undefined,
): Promise<number> {
  const end = new AbortController()
  let sent = 0
  let most = 0
  const sending = topics.pace(topic, load, end.signal, (count) => {
    sent = count
  })
  const looking = async () => {
    while (groupId !== undefined && !end.signal.aborted) {
      await sleep(LOOK)
      const before = sent
      const committed = await topics.committed(groupId, topic)
      if (before > load.warmUp && before < totalOf(load)) most = Math.max(most, before - committed)
    }
  }
  const all = Promise.all([sending, looking()])
  try {
    await Promise.race([read, all.then(() => read)])
  } finally {
    end.abort()
    await all
  }
  return most
}
