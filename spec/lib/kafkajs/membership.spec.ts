import type { TestScheduler } from 'rxjs/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import { type CommitError, errorClassOf } from '../../../lib/errors.ts'
import { Admin } from '../../../lib/kafkajs/admin.ts'
import { Membership } from '../../../lib/kafkajs/membership.ts'
import { HandKafka, settled, Told } from '../../support/handKafka.ts'
import { advance, virtualTime } from '../../support/virtualTime.ts'

const OPTIONS = {
  ...{ groupId: 'group', topics: ['numbers'], fromBeginning: true },
  ...{ maxWaitTimeInMs: 100, fetchInterval: 0, sessionTimeout: 30_000, rebalanceTimeout: 60_000 },
}

let kafka: HandKafka
let told: Told
let ends: unknown[]
let clock: TestScheduler

beforeEach(() => {
  kafka = new HandKafka()
  told = new Told()
  ends = []
  clock = virtualTime()
})

async function open(): Promise<Membership> {
  const host = {
    kafka,
    clock,
    admin: new Admin(kafka),
    producers: { take: async () => {}, end: async () => {} },
    joined: () => {},
    ended: (error: unknown) => void ends.push(error),
  }
  const membership = new Membership(host, OPTIONS, told, undefined)
  await settled()
  return membership
}

const commit = (membership: Membership, partition: number, offset: number) =>
  new Promise<CommitError | null>((resolve) => membership.commit([{ topic: 'numbers', partition, offset }], resolve))

describe('a membership', () => {
  it('tells of each assignment once, although the group rebalances before it is known where to read', async () => {
    kafka.holdsAnswers = true
    await open()
    await kafka.join([0])
    await kafka.join([1])
    const [first, second] = kafka.answers
    first?.()
    await settled()
    expect(told.words).toEqual([])
    second?.()
    await settled()
    expect(told.words).toEqual(['assigned 1@0'])
  })

  it('commits by the function of a fetched batch, which tries once', async () => {
    const membership = await open()
    await kafka.join()
    await kafka.batch(0, 3)
    expect(await commit(membership, 0, 3)).toBeNull()
    expect(kafka.calls).toContain('commitOffsetsIfNecessary 3')
  })

  it('refuses to commit what is not assigned to it', async () => {
    const membership = await open()
    await kafka.join([0])
    await kafka.batch(0, 3)
    expect(await commit(membership, 1, 3)).toMatchObject({ kind: 'fenced' })
    expect(kafka.calls.filter((call) => call.startsWith('commit'))).toEqual([])
  })

  it('commits nothing between a join and its news', async () => {
    const membership = await open()
    await kafka.join()
    await kafka.batch(0, 3)
    kafka.holdsAnswers = true
    await kafka.join()
    expect(await commit(membership, 0, 3)).toMatchObject({ kind: 'rebalancing' })
    expect(kafka.calls.filter((call) => call.startsWith('commit'))).toEqual([])
  })

  it('counts what only another member has now as lost, when it comes back under another name', async () => {
    await open()
    await kafka.join([0], 'one')
    await kafka.join([0], 'two')
    expect(told.words).toEqual(['assigned 0@0', 'revoking 0', 'lost 0', 'assigned 0@0'])
  })

  it('keeps its membership by heartbeats while it drains', async () => {
    await open()
    await kafka.join()
    await kafka.batch(0, 3)
    told.holds = true
    kafka.calls.length = 0
    kafka.join()
    await settled()
    advance(clock, 10_000)
    expect(kafka.calls).toEqual(['heartbeat', 'heartbeat', 'heartbeat'])
    expect(told.words.at(-1)).toBe('revoking 0')
  })

  it('drains no more once the broker has given its membership up', async () => {
    await open()
    await kafka.join()
    await kafka.batch(0, 3)
    told.holds = true
    kafka.isUnknown = true
    kafka.join()
    await settled()
    advance(clock, 3000)
    await settled()
    expect(told.words.slice(2)).toEqual(['revoking 0', 'lost 0', 'assigned 0@0'])
  })

  it('passes over what has nothing to see: control records, or aborted messages', async () => {
    await open()
    await kafka.join()
    await kafka.batch(0, 3)
    await kafka.fetchNothing(3, 3)
    expect(told.words).toEqual(['assigned 0@0', 'batch 0,1,2 next 3', 'batch  next 6'])
  })

  it('passes over nothing that lies before: a late answer may be from far ahead of where it stands', async () => {
    const membership = await open()
    await kafka.join()
    await kafka.batch(0, 3)
    membership.reader.seek({ topic: 'numbers', partition: 0, offset: 1 })
    await kafka.fetchNothing(3, 3)
    await kafka.batch(1, 3)
    expect(told.words.slice(2)).toEqual(['batch 1,2,3 next 4'])
  })

  it('reads on after a join from partitions that were paused before it, where it stood', async () => {
    const membership = await open()
    await kafka.join()
    membership.reader.pause({ topic: 'numbers', partition: 0 })
    kafka.calls.length = 0
    await kafka.join()
    expect(kafka.calls).toEqual(['seek 0@0', 'resume 0'])
  })

  it('hands over nothing while the group rebalances', async () => {
    await open()
    await kafka.join()
    kafka.holdsAnswers = true
    await kafka.join()
    await kafka.batch(0, 3)
    expect(told.words).toEqual(['assigned 0@0', 'revoking 0'])
  })

  it('hands over nothing twice, though it is fetched twice', async () => {
    await open()
    await kafka.join()
    await kafka.batch(0, 3)
    await kafka.batch(0, 3)
    await kafka.batch(1, 4)
    expect(told.words).toEqual(['assigned 0@0', 'batch 0,1,2 next 3', 'batch 3,4 next 5'])
  })

  it('has the handler say where to go on in the place of KafkaJS, which would commit another offset', async () => {
    await open()
    await kafka.join()
    kafka.log = { low: 20, high: 30 }
    await kafka.reset()
    await settled()
    expect(told.words).toEqual(['assigned 0@0', 'outOfRange 0@0 of 20 to 30'])
    expect(kafka.calls.filter((call) => call.startsWith('offsetCommit'))).toEqual([])
  })

  it('fetches once more, and tells of no loss, where it may be a member no more: its successor may have gone on', async () => {
    await open()
    await kafka.join()
    kafka.log = { low: 20, high: 30 }
    advance(clock, 30_001)
    const before = kafka.calls.length
    await kafka.reset()
    await settled()
    expect(told.words).toEqual(['assigned 0@0'])
    expect(kafka.calls.slice(before)).toEqual(['seek 0@0'])
  })

  it('asks again where to read, and for the coordinator, when the broker cannot say now', async () => {
    await open()
    kafka.refusals.push(new Error('loading'))
    const joined = kafka.join()
    await settled()
    advance(clock, clock.now() + 100)
    await settled()
    kafka.refusals.push(new Error('loading'), new Error('loading'))
    await joined
    for (let tries = 0; tries < 5; tries++) {
      advance(clock, clock.now() + 400)
      await settled()
    }
    expect(told.words).toEqual(['assigned 0@0'])
    expect(ends).toEqual([])
  })

  it('ends when the broker still cannot say after half a session, and at once when it may not ask', async () => {
    await open()
    kafka.refusals.push(...Array.from({ length: 100 }, () => new Error('loading')))
    const joined = kafka.join().catch((error: Error) => error)
    for (let seconds = 0; seconds < 16; seconds++) {
      advance(clock, clock.now() + 1000)
      await settled()
    }
    expect(await joined).toEqual(new Error('loading'))
    kafka.refusals.length = 0
    const refusal = Object.assign(new Error('no'), { type: 'GROUP_AUTHORIZATION_FAILED' })
    kafka.refusals.push(refusal)
    expect(await kafka.join().catch((error: Error) => error)).toBe(refusal)
  })

  it('has KafkaJS join again when it goes on fetching without having been told its partitions', async () => {
    await open()
    await kafka.join()
    await kafka.failSync()
    await expect(kafka.cluster.refreshMetadataIfNecessary()).rejects.toMatchObject({ type: 'REBALANCE_IN_PROGRESS' })
    await kafka.join()
    await expect(kafka.cluster.refreshMetadataIfNecessary()).resolves.toBeUndefined()
  })

  it('does not let KafkaJS restart by itself', async () => {
    await open()
    expect(await kafka.config.retry.restartOnFailure()).toBe(false)
  })

  it('closes nothing before it is opened: KafkaJS would join none the less', async () => {
    let connect = () => {}
    kafka.connected = new Promise((resolve) => {
      connect = resolve
    })
    const membership = await open()
    const leaving = membership.leave()
    await settled()
    expect(kafka.calls).toEqual([])
    connect()
    await leaving
    expect(kafka.calls).toEqual(['disconnect'])
  })

  describe('that gives no sign of life', () => {
    const SILENCE = 120_000
    const silent = expect.objectContaining({ message: expect.stringContaining('no sign of life for 120000 ms') })

    it('ends itself, so that a new one takes its place', async () => {
      await open()
      await kafka.join()
      advance(clock, SILENCE - 1)
      expect(ends).toEqual([])
      advance(clock, SILENCE)
      await settled()
      expect(ends).toEqual([silent])
      expect(errorClassOf(ends[0])).toBe('transient')
      expect(kafka.calls.at(-1)).toBe('disconnect')
      await kafka.batch(0, 3)
      expect(told.words).toEqual(['assigned 0@0'])
    })

    it('does so although it was never opened', async () => {
      kafka.connected = new Promise(() => {})
      await open()
      advance(clock, SILENCE)
      expect(ends).toEqual([silent])
    })

    it('does so although it waits for where to read', async () => {
      kafka.holdsAnswers = true
      await open()
      await kafka.join()
      advance(clock, SILENCE)
      expect(ends).toEqual([silent])
    })

    it.each([
      ['a batch', () => kafka.batch(0, 3)],
      ['a fetch', () => kafka.cluster.refreshMetadataIfNecessary()],
      ['a heartbeat', () => kafka.emit('heartbeat', {})],
      ['a join', () => kafka.join()],
    ])('lives on from %s', async (_, give) => {
      await open()
      await kafka.join()
      advance(clock, 100_000)
      await give()
      advance(clock, 100_000 + SILENCE - 1)
      expect(ends).toEqual([])
      advance(clock, 100_000 + SILENCE)
      expect(ends).toEqual([silent])
    })

    it('lives on while the broker answers the heartbeats of a long drain', async () => {
      await open()
      await kafka.join()
      await kafka.batch(0, 3)
      told.holds = true
      kafka.join()
      for (let minute = 1; minute < 10; minute++) {
        await settled()
        for (let second = 0; second < 60; second += 3) {
          advance(clock, (minute * 60 + second) * 1000)
          await settled()
        }
      }
      expect(ends).toEqual([])
    })

    it('is watched no more once it has left', async () => {
      const membership = await open()
      await kafka.join()
      expect(clock.actions).toHaveLength(1)
      await membership.leave()
      expect(clock.actions).toEqual([])
    })
  })

  it('tells which topics nobody reads when the group has a member that reads others', async () => {
    await open()
    kafka.emit('unsubscribed', { topicsNotSubscribed: ['letters'] })
    await kafka.join()
    expect(told.words).toEqual([
      'assigned 0@0',
      expect.stringMatching(
        /^trouble Group group was assigned letters, which this member does not read.*groupId of its own$/,
      ),
    ])
    await kafka.join()
    expect(told.words.filter((word) => word.startsWith('trouble'))).toHaveLength(1)
  })

  it('tells of its end once, and hands over nothing more', async () => {
    await open()
    await kafka.join()
    kafka.emit('crash', { error: new Error('gone') })
    await settled()
    await kafka.batch(0, 3)
    expect(ends).toEqual([new Error('gone')])
    expect(told.words).toEqual(['assigned 0@0'])
  })
})
