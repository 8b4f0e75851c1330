import { fakeRedis } from 'rxjs-kafka-toolkit/testing'
import { describe, expect, it } from 'vitest'
import { saveActivities } from '../../examples/saveActivities.ts'
import { marbles } from '../support/marbles.ts'
import { exampleKafka } from './exampleKafka.ts'

const activity = (message: string, second: number) => ({
  user: 'ada',
  message,
  timestamp: `2026-01-05T14:30:0${second}.000Z`,
})
const time = (second: number) => new Date(activity('', second).timestamp)
const values = { a: activity('hello', 1), b: activity('bye', 2) }
const saved = { a: { ...values.a, timestamp: time(1) }, b: { ...values.b, timestamp: time(2) } }

describe('saveActivities', () => {
  it(
    'adds each activity to the feed of its user, and commits it after Redis has answered',
    marbles((helpers) => {
      const { kafka, commits, write } = exampleKafka(helpers, ['feed_activities'])
      const redis = fakeRedis(helpers.scheduler).takes(2)
      write('feed_activities', ' -a 299ms b', values)
      const expected = '         ---a 299ms b'
      const committed = '       ---1 299ms 2'
      helpers.expectObservable(saveActivities(kafka, redis), '^ 500ms !').toBe(expected, saved)
      helpers.expectObservable(commits).toBe(committed, [0, 1, 2])
      helpers.flush()
      expect([...redis.scores('ada')]).toEqual([
        ['hello', time(1).getTime()],
        ['bye', time(2).getTime()],
      ])
    }),
  )

  it(
    'stops at a key that holds something else, and commits what was before it',
    marbles((helpers) => {
      const { kafka, memory, write } = exampleKafka(helpers, ['feed_activities'])
      const redis = fakeRedis(helpers.scheduler)
      redis.run('set', 'ada', 'no feed')
      write('feed_activities', ' -a', values)
      let failure: unknown
      saveActivities(kafka, redis).subscribe({ error: (error) => (failure = error) })
      helpers.flush()
      expect(failure).toMatchObject({ topic: 'feed_activities', partition: 0, offset: 0 })
      expect(String(failure)).toContain('feed_activities[0]@0: Redis refused ZADD of "ada": WRONGTYPE')
      expect(memory.committed('save-activities', 'feed_activities')).toEqual(new Map([[0, 0]]))
    }),
  )

  it(
    'puts its prefix before the names of its topic, its group and its keys',
    marbles((helpers) => {
      const { kafka, memory, write } = exampleKafka(helpers, ['test-feed_activities'])
      const redis = fakeRedis(helpers.scheduler).takes(2)
      write('test-feed_activities', ' -a', values)
      helpers.expectObservable(saveActivities(kafka, redis, { prefix: 'test-' }), '^ 10ms !').toBe('---a', saved)
      helpers.flush()
      expect(redis.scores('test-ada').size).toBe(1)
      expect(memory.committed('test-save-activities', 'test-feed_activities')).toEqual(new Map([[0, 1]]))
    }),
  )
})
