import * as t from 'io-ts'
import { ack, type Broker, fromTopic, topic } from 'rxjs-kafka-toolkit'
import { type RedisLike, zaddTo } from 'rxjs-kafka-toolkit/operators'
import { DateFromISO } from './DateFromISO.ts'
import type { PipelineOptions } from './PipelineOptions.ts'

const Activity = t.type({ user: t.string, message: t.string, timestamp: DateFromISO })

/** Keeps each user's feed in Redis: a sorted set under the user's name, in the order of time. */
export function saveActivities(kafka: Broker, redis: RedisLike, { prefix = '', ...options }: PipelineOptions = {}) {
  const activities = topic(`${prefix}feed_activities`, Activity)
  return fromTopic(kafka, activities, { groupId: `${prefix}save-activities`, ...options }).pipe(
    zaddTo(redis, (a) => ({ key: `${prefix}${a.user}`, score: a.timestamp.getTime(), member: a.message })),
    ack(),
  )
}
