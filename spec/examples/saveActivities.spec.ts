import { kafkaTest } from 'rxjs-kafka-toolkit/testing'
import { describe, expect, it } from 'vitest'
import { saveActivities } from '../../examples/saveActivities.ts'

const activity = (message: string, second: number, user = 'ada') => ({
  user,
  message,
  timestamp: `2026-01-05T14:30:0${second}.000Z`,
})
const time = (second: number) => Date.parse(activity('', second).timestamp)
const values = { a: activity('hello', 1), b: activity('bye', 2), c: activity('hi', 3, 'bob') }
const saved = Object.fromEntries(
  Object.entries(values).map(([name, value]) => [name, { ...value, timestamp: new Date(value.timestamp) }]),
)
const names = { a: 'hello', b: 'bye', c: 'hi' }
const byUser = { key: ({ user }: { user: string }) => user }

describe('saveActivities', () => {
  it(
    'adds each activity to the feed of its user, and commits it after Redis has answered',
    kafkaTest(({ topic, kafka, redis, expectOutput, expectCalls, expectCommits, flush }) => {
      topic('feed_activities', '-a 299ms b', values)
      expectOutput(saveActivities(kafka, redis.takes(2))).toBe('---a 299ms b', saved)
      expectCalls(redis).toBe('-a 299ms b', names)
      expectCommits('          ---1 299ms 2')
      flush()
      expect(redis.log.map(({ item }) => item.commands)).toEqual([
        [['zadd', 'ada', `${time(1)}`, 'hello']],
        [['zadd', 'ada', `${time(2)}`, 'bye']],
      ])
      expect([...redis.scores('ada')]).toEqual([
        ['hello', time(1)],
        ['bye', time(2)],
      ])
    }),
  )

  it(
    'keeps the order of a user’s activities, while those of another go on',
    kafkaTest(({ topic, kafka, redis, expectOutput, expectCommittable }) => {
      topic('feed_activities', '0: abc', values, byUser)
      redis.replies({ hello: '-----(r|)', '*': '-(r|)' })
      expectOutput(saveActivities(kafka, redis)).toBe('---c-ab', saved)
      expectCommittable('                          0: -----13')
    }),
  )

  it(
    'stops at a key that holds something else, and commits what was before it',
    kafkaTest(({ topic, kafka, redis, expectOutput, expectCommits }) => {
      topic('feed_activities', '0: c-a-b', values)
      redis.run('set', 'ada', 'no feed')
      const text = 'feed_activities[0]@1: Redis refused ZADD of "ada": WRONGTYPE'
      expectOutput(saveActivities(kafka, redis)).toBe('c-#', saved, text)
      expectCommits('                              0: 1')
    }),
  )

  it(
    'waits while Redis is loading: nothing is lost, and nothing behind it commits',
    kafkaTest(({ topic, kafka, redis, expectOutput, expectCalls, expectCommittable }) => {
      topic('feed_activities', '0: ac', values)
      redis.replies({ hello: ['-#', '-(r|)'], '*': '(r|)' })
      // The jitter of the first try is 126 ms here, each time.
      expectOutput(saveActivities(kafka, redis)).toBe('-c 126ms a', saved)
      expectCalls(redis).toBe('                        ac 125ms a', names)
      expectCommittable('                           0: -- 126ms 2')
    }),
  )

  it(
    'adds an activity again whose reply a crash loses, and the feed has it once',
    kafkaTest(({ topic, kafka, redis, expectOutput, expectCalls, expectRedeliveries, expectCommits, flush }) => {
      topic(
        'feed_activities',
        `
          0:   a-b
          ctl: ---X
        `,
        values,
      )
      expectOutput(saveActivities(kafka, redis.takes(2))).toBe('--a--b', saved)
      expectCalls(redis).toBe('                                 a-bb', names)
      expectRedeliveries('                                  0: ---b')
      expectCommits('                                       0: --1--2')
      flush()
      expect(redis.log.map(({ isServed }) => isServed)).toEqual([true, true, true])
      expect([...redis.scores('ada').keys()]).toEqual(['hello', 'bye'])
    }),
  )

  it(
    'finishes and commits what is under way before its partitions go to another, and goes on when they are back',
    kafkaTest(({ topic, kafka, redis, expectOutput, expectCalls, expectCommits }) => {
      topic(
        'feed_activities',
        `
          0:   a--b
          1:   -c
          ctl: --R 10ms A
        `,
        values,
      )
      expectOutput(saveActivities(kafka, redis.takes(4))).toBe('----ac 7ms ----b', saved)
      expectCalls(redis).toBe('                                 ac 11ms b', names)
      expectCommits(`
        0: -----1 199ms 2
        1: -----1
      `)
    }),
  )

  it(
    'finishes and commits what is under way at SIGTERM, and adds nothing more',
    kafkaTest(({ topic, kafka, redis, expectOutput, expectCalls, expectCommits }) => {
      topic(
        'feed_activities',
        `
          0:   ac-b
          ctl: --S
        `,
        values,
      )
      expectOutput(saveActivities(kafka, redis.takes(4))).toBe('----a(c|)', saved)
      expectCalls(redis).toBe('                                 ac', names)
      expectCommits('                                       0: -----2')
    }),
  )

  it(
    'puts its prefix before the names of its topic, its group and its keys',
    kafkaTest(({ topic, kafka, redis, expectOutput, flush }) => {
      topic('test-feed_activities', '0: -a', values)
      expectOutput(saveActivities(kafka, redis.takes(2), { prefix: 'test-' })).toBe('---a', saved)
      flush()
      expect(redis.scores('test-ada').size).toBe(1)
      expect(kafka.committed('test-save-activities', 'test-feed_activities')).toEqual(new Map([[0, 1]]))
    }),
  )
})
