import { ack, deadLetter, fromTopic, json, topic as topicOf } from 'rxjs-kafka-toolkit'
import { zaddTo } from 'rxjs-kafka-toolkit/operators'
import { kafkaTest, res } from 'rxjs-kafka-toolkit/testing'
import { describe, it } from 'vitest'
import { confirmOrders } from '../../examples/confirmOrders.ts'
import { saveActivities } from '../../examples/saveActivities.ts'

/** A Redis knows the activities by their messages: one character each, so that they are their own marbles. */
const activity = (message: string, user = message) => ({ user, message, timestamp: '2026-01-05T14:30:00.000Z' })
const activities = Object.fromEntries([...'abcxy'].map((name) => [name, activity(name)]))
const shares = { id: '1', symbol: 'ACME', quantity: 1, timestamp: '2026-01-05T14:30:00.000Z' }
const orders = { a: { ...shares, user_id: 'ann' }, b: { ...shares, user_id: 'bob' } }
const mail = (user: string) => JSON.stringify({ user, subject: 'Order Confirmation', body: 'Order: 1 shares of ACME' })

describe('ten tests of pipelines, worked out:', () => {
  it(
    'one message, one commit',
    kafkaTest(({ topic, kafka, redis, expectOutput, expectCalls, expectCommits }) => {
      topic('feed_activities', '0: a', activities)
      expectOutput(saveActivities(kafka, redis.takes(2)))
      expectCalls(redis).toBe('a')
      expectCommits('0: --1')
    }),
  )

  it(
    'a slow message holds back the commit of its own partition only',
    kafkaTest(({ topic, kafka, redis, expectOutput, expectCalls, expectCommittable }) => {
      topic(
        'feed_activities',
        `
          0: a-b
          1: -x-y
        `,
        activities,
      )
      redis.replies({ a: '-----(r|)', '*': '-(r|)' })
      expectOutput(saveActivities(kafka, redis))
      expectCalls(redis).toBe('axby')
      expectCommittable(`
        0: -----2
        1: --1-2
      `)
    }),
  )

  it(
    'the messages of a key keep their order, while those of another go on',
    kafkaTest(({ topic, kafka, redis, expectOutput, expectCalls }) => {
      const feed = topicOf('feed', json<{ user: string; message: string }>())
      const values = { a: activity('a', 'ann'), b: activity('b', 'ann'), c: activity('c', 'bob') }
      topic(feed, '0: abc', values, { key: ({ user }) => user })
      redis.replies({ a: '-----(r|)', '*': '-(r|)' })
      const result = fromTopic(kafka, feed, { groupId: 'save' }).pipe(
        zaddTo(redis, ({ user, message }) => ({ key: user, score: 0, member: message })),
        ack(),
      )
      expectOutput(result).toBe('---c-ab')
      expectCalls(redis).toBe('a-c--b')
    }),
  )

  it(
    'a message that can not be decoded becomes a dead letter, and what is behind it goes on',
    kafkaTest(({ topic, kafka, redis, expectOutput, expectDeadLetters, expectCommits }) => {
      topic('failed', '0:')
      topic('feed_activities', '0: abc', { ...activities, b: Buffer.from('no JSON') })
      expectOutput(saveActivities(kafka, redis, { onNack: deadLetter('failed') }))
      expectDeadLetters('feed_activities[0]: -b')
      expectCommits('feed_activities[0]: 1 199ms 3')
    }),
  )

  it(
    'a crash before the ack: delivered again, the effect twice, committed once',
    kafkaTest(({ topic, kafka, redis, expectOutput, expectCalls, expectRedeliveries, expectCommits }) => {
      topic(
        'feed_activities',
        `
          0:   a-b
          ctl: ---X
        `,
        activities,
      )
      expectOutput(saveActivities(kafka, redis.takes(2)))
      expectCalls(redis).toBe('a-bb')
      expectRedeliveries('0: ---b')
      expectCommits('0: --1--2')
    }),
  )

  it(
    'SIGTERM: what is in flight settles and commits, then the group is left',
    kafkaTest(({ topic, kafka, redis, expectOutput, expectCommits, expectState }) => {
      topic(
        'feed_activities',
        `
          0:   ab-c
          ctl: --S
        `,
        activities,
      )
      expectOutput(saveActivities(kafka, redis.takes(4)))
      expectState('r-d--c')
      expectCommits('0: -----2')
    }),
  )

  it(
    'lost: nothing is committed any more, and all that is in flight is delivered again',
    kafkaTest(({ topic, kafka, redis, expectOutput, expectCommits, expectRedeliveries }) => {
      topic(
        'feed_activities',
        `
          0:   ab
          ctl: --L--A
        `,
        activities,
      )
      expectOutput(saveActivities(kafka, redis.takes(4)))
      expectRedeliveries('0: -----(ab)')
      expectCommits('     0: ---------2')
    }),
  )

  it(
    'revoked: work that outlives drainTimeout is fenced, and the next owner does it again',
    kafkaTest(({ topic, kafka, redis, expectOutput, expectCommits, expectLate, expectRedeliveries }) => {
      topic(
        'feed_activities',
        `
          0:   ab
          ctl: --R 20ms A
        `,
        activities,
      )
      redis.replies({ a: '-(r|)', b: '---------(r|)' })
      expectOutput(saveActivities(kafka, redis, { drainTimeout: 5 }))
      expectLate('        0: ----------b')
      expectRedeliveries('0: --- 20ms b')
      expectCommits('     0: -1 199ms 2')
    }),
  )

  it(
    'the broker is away: work goes on with what is fetched, and commits when it is back',
    kafkaTest(({ topic, kafka, redis, expectOutput, expectCalls, expectCommits }) => {
      topic(
        'feed_activities',
        `
          0:   a--b
          ctl: -P 2s B
        `,
        activities,
      )
      expectOutput(saveActivities(kafka, redis.takes(2)))
      expectCalls(redis).toBe('a 2s -b')
      expectCommits('0: -- 2s 1 199ms 2')
    }),
  )

  it(
    'Retry-After holds the host while a rebalance drains: what is under way commits, what waits is delivered again',
    kafkaTest(({ topic, kafka, http, expectOutput, expectCalls, expectState, expectRedeliveries, expectCommits }) => {
      topic(
        'orders',
        `
          0:   a
          1:   -b
          ctl: ---R---A
        `,
        orders,
      )
      http.replies('-----(2|)', '-(1|)', '-(2|)', { 1: res(429, { 'retry-after': '3' }), 2: res(200) })
      expectOutput(confirmOrders(kafka, 'http://mailer', { fetch: http.fetch }))
      expectCalls(http).toBe('ab 3s b', { a: mail('ann'), b: mail('bob') })
      expectState('r--b-r')
      expectRedeliveries('1: -------b')
      expectCommits(`
        0: -----1
        1: -----0 2997ms 1
      `)
    }),
  )
})
