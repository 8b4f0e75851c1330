import { redisClient } from '../clients.ts'
import { counted } from '../counted.ts'
import type { RealKafka } from '../kafka.ts'
import { type Draw, pick } from '../seeded.ts'
import type { UseCase, UseCaseOptions } from '../useCase.ts'

const NAMES = [
  'ada',
  'Łukasz',
  'o"neil',
  "d'arc",
  'new\nline',
  'dollar$\x7b1}',
  '") |> drop()',
  '日本',
  '{slot}',
  'a b',
]
const DEEDS = ['liked a photo', 'said "hello"', 'moved\r\nhouse', 'wrote *3 $3', '', '😀']
const START = Date.UTC(2026, 2, 1)

/** 200 feeds. Some activities come again, later or earlier than before: the one that was written last counts. */
export async function saveActivitiesCase(real: RealKafka, draw: Draw, options: UseCaseOptions): Promise<UseCase> {
  const prefix = `${real.uniqueName('rkt')}-`
  const input = `${prefix}feed_activities`
  await real.createTopic(input, options.partitions)
  const redis = redisClient()
  const activities = Array.from({ length: options.count }, (_, i) => activity(draw, i))
  const keys = [...new Set(activities.map(({ user }) => `${prefix}${user}`))]
  return {
    prefix,
    input,
    groupId: `${prefix}save-activities`,
    place: {},
    messages: activities.map((one) => ({ key: one.user, value: JSON.stringify(one) })),
    expected: feeds(prefix, activities),
    actual: async () => {
      const replies = await Promise.all(keys.map((key) => redis.zrange(key, 0, -1, 'WITHSCORES')))
      return new Map(keys.map((key, i) => [key, pairs(replies[i] as string[])]))
    },
    effects: async (sent) => counted(sent),
    close: async () => {
      await redis.del(keys)
      await redis.quit()
    },
  }
}

interface Activity {
  readonly user: string
  readonly message: string
  readonly timestamp: string
}

function activity(draw: Draw, i: number): Activity {
  const message = `${pick(draw, DEEDS)} ${draw(40)}`
  // Unique, so that an effect tells its message; not in the order of the topic.
  const at = START + (draw(2) === 0 ? i : -i) * 1000 + draw(1000)
  return { user: `${pick(draw, NAMES)}-${draw(20)}`, message, timestamp: new Date(at).toISOString() }
}

/** Each feed as its members and scores. */
function feeds(prefix: string, activities: readonly Activity[]): ReadonlyMap<string, ReadonlyMap<string, number>> {
  const all = new Map<string, Map<string, number>>()
  for (const { user, message, timestamp } of activities) {
    const key = `${prefix}${user}`
    const feed = all.get(key) ?? new Map<string, number>()
    all.set(key, feed.set(message, Date.parse(timestamp)))
  }
  return all
}

function pairs(reply: readonly string[]): ReadonlyMap<string, number> {
  const found = new Map<string, number>()
  for (let i = 0; i < reply.length; i += 2) found.set(reply[i] as string, Number(reply[i + 1]))
  return found
}
