import {
  defer,
  delay,
  from,
  map,
  merge,
  mergeMap,
  type Observable,
  type OperatorFunction,
  of,
  retry as retryStream,
  tap,
  throwError,
  timer,
} from 'rxjs'
import type { TestScheduler } from 'rxjs/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import { ack } from '../../lib/ack.ts'
import { json } from '../../lib/codec.ts'
import { TransientError } from '../../lib/errors.ts'
import type { SourceEvent } from '../../lib/events.ts'
import { fork } from '../../lib/fork.ts'
import { fromTopic } from '../../lib/fromTopic.ts'
import type { Member } from '../../lib/members.ts'
import type { Message } from '../../lib/message.ts'
import { perMessage } from '../../lib/perMessage.ts'
import { rateLimit } from '../../lib/rateLimit.ts'
import { topic } from '../../lib/topic.ts'
import { HandBroker } from '../support/handBroker.ts'
import { HandServer } from '../support/handServer.ts'
import { advance, virtualTime } from '../support/virtualTime.ts'

const numbers = topic('numbers', json<number>())

let clock: TestScheduler
let kafka: HandBroker
let server: HandServer
let events: SourceEvent[]
let done: number[]
let ends: string[]
/** How often the broker heard that a rebalance may go on. */
let revoked: number

beforeEach(() => {
  clock = virtualTime()
  kafka = new HandBroker(clock)
  server = new HandServer()
  events = []
  done = []
  ends = []
  revoked = 0
})

const pass = (ms: number) => advance(clock, clock.now() + ms)
const read = (broker = kafka) => fromTopic(broker, numbers, { groupId: 'group' })
const revoke = () => kafka.revoke(() => revoked++)

/** Subscribes a pipe, and is its member. */
function start(pipe: Observable<number>, broker = kafka): Member {
  const members: Member[] = []
  broker.members.claim(
    (member) => members.push(member),
    () => {
      pipe.subscribe({
        next: (value) => done.push(value),
        error: (error) => ends.push(String(error)),
        complete: () => ends.push('complete'),
      })
    },
  )
  const [member] = members as [Member]
  member.listen((event) => events.push(event))
  return member
}

/** Reads through operators, with partition 0 assigned and so many messages delivered. */
function startWith(count: number, ...operators: OperatorFunction<Message<number>, Message<number>>[]): Member {
  const pipe = operators.reduce((messages, operator) => messages.pipe(operator), read())
  const member = start(pipe.pipe(ack()))
  kafka.assign()
  kafka.deliver(0, count)
  return member
}

const eventOf = (type: SourceEvent['type']) => events.find((event) => event.type === type)

describe('a rebalance', () => {
  it('does not wait for messages that wait for their next try', () => {
    server.isDown = true
    startWith(3, server.operator())
    revoke()
    expect(revoked).toBe(1)
    expect(eventOf('revoked')).toMatchObject({ drainMs: 0, unsettled: 3 })
    expect(kafka.calls).toEqual([])
  })

  it('waits for the request under way, until it has failed too', () => {
    startWith(2, server.operator({ batch: { max: 1 } }))
    server.fail()
    revoke()
    expect(revoked).toBe(0)
    pass(300)
    expect(revoked).toBe(0)
    server.fail()
    expect(revoked).toBe(1)
    expect(eventOf('revoked')).toMatchObject({ drainMs: 300, unsettled: 2 })
  })

  it('waits for the request under way, until it is answered, and commits it', () => {
    startWith(2, server.operator({ batch: { max: 1 } }))
    const [, second] = server.asked
    second?.fail(new TransientError('busy'))
    revoke()
    expect(revoked).toBe(0)
    server.answer()
    expect(kafka.calls).toEqual(['commit 0@1'])
    kafka.answerCommit()
    expect(revoked).toBe(1)
    expect(eventOf('revoked')).toMatchObject({ unsettled: 1 })
  })

  it('waits for the half of a request that is under way, and not for the other', () => {
    startWith(4, server.operator({ batch: { max: 4 } }))
    server.fail(new TransientError('too much', { tooLarge: true }))
    pass(1000)
    revoke()
    expect([server.requests.at(-1), revoked]).toEqual([[0, 1], 0])
    server.answer()
    expect(kafka.calls).toEqual(['commit 0@2'])
    kafka.answerCommit()
    expect(revoked).toBe(1)
    expect(eventOf('revoked')).toMatchObject({ unsettled: 2 })
  })

  it('waits for a batch that it makes go off', () => {
    start(read().pipe(delay(10, clock), server.operator({ batch: { wait: 100 } }), ack()))
    kafka.assign()
    kafka.deliver(0, 1)
    pass(10)
    expect(server.requests).toEqual([])
    revoke()
    expect([server.requests, revoked]).toEqual([[[0]], 0])
    server.fail()
    expect(revoked).toBe(1)
  })

  it('does not wait for what stands behind a message that waits: in its lane, and for a place', () => {
    const lane = new HandServer()
    lane.isDown = true
    server.isDown = true
    startWith(5, lane.operator({ order: 'partition', batch: { max: 2 } }))
    revoke()
    expect([revoked, lane.requests]).toEqual([1, [[0]]])
    kafka = new HandBroker(clock)
    startWith(5, server.operator({ concurrency: 2, batch: { max: 2 } }))
    revoke()
    expect([revoked, server.requests]).toEqual([
      2,
      [
        [0, 1],
        [2, 3],
      ],
    ])
  })

  it('sees at an answer that the rest stands behind what waits', () => {
    start(read().pipe(server.operator({ order: 'partition', batch: { max: 1 } }), ack()))
    kafka.assign(null, [0, 1])
    kafka.deliver(0, 2)
    kafka.deliver(7, 1, 1)
    expect(server.requests).toEqual([[0], [7]])
    server.fail()
    revoke()
    server.answer()
    kafka.answerCommit()
    expect([revoked, done]).toEqual([1, [7]])
  })

  it('sees at an ack that the rest waits', () => {
    const kept: Message<number>[] = []
    start(
      read().pipe(
        server.operator({ batch: { max: 1 } }),
        tap((message) => kept.push(message)),
        map(({ value }) => value),
      ),
    )
    kafka.assign()
    kafka.deliver(0, 2)
    server.answer()
    server.fail()
    revoke()
    expect(revoked).toBe(0)
    kept[0]?.ack()
    kafka.answerCommit()
    expect(revoked).toBe(1)
  })

  it('does not wait for items that failed apart from the rest of their request', () => {
    startWith(2, server.operator())
    server.answer([{ error: new TransientError('busy') }, { value: 1 }])
    revoke()
    expect(revoked).toBe(1)
  })

  it('does not wait for those that the server asked to hold back', () => {
    startWith(3, server.operator({ concurrency: 2, batch: { max: 1 }, holdAll: true }))
    server.fail(new TransientError('later', { retryAfter: 60_000 }))
    server.answer()
    // The third was never tried: its place is free, and the server wants to be left alone.
    expect(server.requests).toEqual([[0], [1]])
    revoke()
    expect(revoked).toBe(1)
  })

  it('waits for the rest of a request whose messages are tried one by one', () => {
    startWith(3, server.operator())
    server.fail(new Error('for good'))
    expect(server.requests).toEqual([[0, 1, 2], [0]])
    revoke()
    server.answer()
    expect(server.requests.at(-1)).toEqual([1])
    expect(revoked).toBe(0)
    server.fail()
    kafka.answerCommit()
    expect(revoked).toBe(1)
    expect(eventOf('revoked')).toMatchObject({ unsettled: 2 })
  })

  it('waits for each of two operators', () => {
    const second = new HandServer()
    startWith(2, server.operator({ batch: { max: 1 } }), second.operator({ batch: { max: 1 } }))
    server.answer()
    pass(5)
    expect(second.requests).toEqual([[0]])
    server.fail()
    revoke()
    expect(revoked).toBe(0)
    second.fail()
    expect(revoked).toBe(1)
  })

  it('waits for a chain of the user that tries again by itself', () => {
    const tries = perMessage<number, number>(
      mergeMap(() =>
        defer(() => throwError(() => new Error('down'))).pipe(retryStream({ delay: () => timer(1000, clock) })),
      ),
    )
    startWith(1, tries)
    revoke()
    pass(19_999)
    expect(revoked).toBe(0)
    pass(1)
    expect(revoked).toBe(1)
  })

  it('counts a message once of which several wait, and waits for another', () => {
    const lines = perMessage<number, number>(mergeMap((value) => from([value * 10, value * 10 + 1, value * 10 + 2])))
    startWith(2, lines, server.operator({ batch: { max: 3 } }))
    server.fail()
    revoke()
    expect(revoked).toBe(0)
    server.answer()
    expect(revoked).toBe(1)
  })

  it('does not wait for a branch of a message of which another branch waits: it will be delivered again anyway', () => {
    const other = new HandServer()
    startWith(1, fork(server.operator(), other.operator()))
    server.fail()
    revoke()
    expect([revoked, other.asked.length]).toEqual([1, 1])
  })

  it('waits until drainTimeout for a server that does not answer', () => {
    startWith(1, server.operator())
    revoke()
    pass(19_999)
    expect(revoked).toBe(0)
    pass(1)
    expect(revoked).toBe(1)
  })
})

describe('what waits for its next try', () => {
  it('is not tried again while the group rebalances, and is when its partition comes back', () => {
    server.isDown = true
    startWith(3, server.operator())
    revoke()
    server.isDown = false
    pass(60_000)
    expect(server.requests).toEqual([[0, 1, 2]])
    kafka.assign()
    expect(server.requests).toEqual([
      [0, 1, 2],
      [0, 1, 2],
    ])
    expect(eventOf('assigned')).toBeDefined()
    server.answer()
    pass(1000)
    expect(done).toEqual([0, 1, 2])
    expect(kafka.calls).toEqual(['seek 0@3', 'commit 0@3'])
  })

  it('waits its time although its partition comes back sooner', () => {
    server.isDown = true
    startWith(1, server.operator())
    revoke()
    kafka.assign()
    pass(999)
    expect(server.requests).toHaveLength(1)
    pass(1)
    expect(server.requests).toHaveLength(2)
  })

  it('is let go, with what stands behind it, when its partition does not come back', () => {
    server.isDown = true
    startWith(3, server.operator({ order: 'partition' }))
    revoke()
    kafka.assign(null, [1])
    server.isDown = false
    kafka.deliver(0, 1, 1)
    pass(60_000)
    expect(server.requests).toEqual([[0], [0]])
    server.answer()
    expect(done).toEqual([0])
  })

  it('is let go at once when its partition is lost, while the others wait on', () => {
    server.isDown = true
    start(read().pipe(server.operator(), ack()))
    kafka.assign(null, [0, 1])
    kafka.deliver(0, 1)
    kafka.deliver(5, 1, 1)
    kafka.revoke(() => revoked++)
    pass(5000)
    kafka.lose()
    expect(server.requests).toEqual([[0], [5]])
    kafka.assign(null, [1])
    expect(server.requests).toEqual([[0], [5], [5]])
  })

  it('is tried again, in place, while the source is paused', () => {
    server.isDown = true
    const member = startWith(1, server.operator())
    member.pause()
    pass(1000)
    expect(server.requests).toHaveLength(2)
  })

  it('of items, is let go when its partition is gone, and the rest is tried in its time', () => {
    const member = start(read().pipe(server.operator(), ack()))
    kafka.assign(null, [0, 1])
    member.pause()
    kafka.deliver(0, 2)
    kafka.deliver(7, 1, 1)
    member.resume()
    pass(0)
    const busy = { error: new TransientError('busy') }
    server.answer([busy, { value: 1 }, busy])
    kafka.lose()
    pass(999)
    expect(server.requests).toEqual([[0, 1, 7]])
    pass(1)
    expect(server.requests).toEqual([[0, 1, 7], [7]])
  })

  it('of items, is not tried again while the group rebalances', () => {
    startWith(2, server.operator())
    server.answer([{ error: new TransientError('busy') }, { value: 1 }])
    revoke()
    pass(5000)
    expect(server.requests).toEqual([[0, 1]])
    kafka.assign()
    expect(server.requests).toEqual([[0, 1], [0]])
  })
})

describe('a drain', () => {
  it('ends at once while the server is down, and says what will be delivered again', () => {
    server.isDown = true
    const member = startWith(3, server.operator())
    member.drain()
    expect(kafka.calls).toEqual(['leave'])
    kafka.answerLeave()
    expect(eventOf('closed')).toMatchObject({ unsettled: 3, workedOn: 0, failure: null })
    expect(ends).toEqual(['complete'])
    expect(clock.actions).toEqual([])
  })

  it('says what somebody still worked on', () => {
    const member = startWith(2, server.operator({ batch: { max: 1 } }))
    server.fail()
    member.drain()
    pass(20_000)
    kafka.answerLeave()
    expect(eventOf('closed')).toMatchObject({ unsettled: 2, workedOn: 1 })
  })

  it('waits for what is under way, and commits it', () => {
    const member = startWith(1, server.operator())
    kafka.deliver(1, 1)
    server.asked[1]?.fail(new TransientError('busy'))
    member.drain()
    expect(kafka.calls).toEqual([])
    server.answer()
    expect(kafka.calls).toEqual(['commit 0@1'])
    kafka.answerCommit()
    expect(kafka.calls).toEqual(['commit 0@1', 'leave'])
  })

  it('lets go of items that failed apart from their request', () => {
    const member = startWith(1, server.operator())
    server.answer([{ error: new TransientError('busy') }])
    member.drain()
    kafka.answerLeave()
    expect([ends, clock.actions]).toEqual([['complete'], []])
  })

  it('of one of two sources does not take the messages of the other for its own', () => {
    const other = new HandBroker(clock)
    const member = start(merge(read(), read(other)).pipe(server.operator({ batch: { max: 1 } }), ack()))
    kafka.assign()
    other.assign()
    other.deliver(5, 1)
    kafka.deliver(0, 1)
    server.fail()
    member.drain()
    expect(kafka.calls).toEqual([])
  })

  it('of one of two sources waits for its own messages only, and the others are tried on', () => {
    const other = new HandBroker(clock)
    server.isDown = true
    const member = start(merge(read(), read(other)).pipe(server.operator({ order: 'none' }), ack()))
    kafka.assign()
    other.assign()
    kafka.deliver(0, 1)
    other.deliver(5, 1)
    member.drain()
    expect([kafka.calls, other.calls]).toEqual([['leave'], []])
    server.isDown = false
    kafka.answerLeave()
    pass(1000)
    expect(server.requests.at(-1)).toEqual([5])
    server.answer()
    expect([done, ends]).toEqual([[5], []])
  })

  it('waits for the other source of a merge when that has messages behind', () => {
    const other = new HandBroker(clock)
    const member = start(merge(read(), read(other)).pipe(server.operator({ concurrency: 1, batch: { max: 1 } }), ack()))
    kafka.assign()
    other.assign()
    other.deliver(5, 1)
    kafka.deliver(0, 1)
    member.drain()
    expect(kafka.calls).toEqual([])
    server.fail()
    expect(kafka.calls).toEqual(['leave'])
  })
})

describe('an operator that is torn down', () => {
  it('is asked no more', () => {
    const holders = new Set<unknown>()
    const pipe = read().pipe(
      mergeMap((message) => {
        holders.add(message.origin.holders)
        return of(message).pipe(server.operator())
      }),
      ack(),
    )
    start(pipe)
    kafka.assign()
    kafka.deliver(0, 3)
    for (let i = 0; i < 3; i++) server.answer()
    const [source] = holders as Set<{ all: Set<unknown> }>
    expect(done).toEqual([0, 1, 2])
    expect([holders.size, source?.all.size]).toEqual([1, 0])
  })
})

describe('health', () => {
  const operators = (member: Member) => member.health().operators

  it('tells of each operator: what it does, what waits, what it is done with, its last failure', () => {
    const member = start(
      read().pipe(
        server.operator({ batch: { max: 1 }, concurrency: 2, name: 'first', timeout: 1e9 }),
        server.operator({ batch: { max: 2 }, name: 'second', timeout: 1e9 }),
        ack(),
      ),
    )
    expect(operators(member)).toEqual([])
    kafka.assign()
    kafka.deliver(0, 4)
    const error = new TransientError('busy')
    server.fail(error)
    expect(operators(member)).toEqual([
      { name: 'first', inFlight: 1, waiting: 2, retrying: 1, done: 0, failed: 0, lastError: error },
    ])
    server.answer()
    expect(operators(member)).toMatchObject([
      { name: 'first', inFlight: 1, waiting: 1, retrying: 1, done: 1, failed: 0 },
      { name: 'second', inFlight: 1, waiting: 0, retrying: 0, done: 0, failed: 0, lastError: null },
    ])
  })

  it('counts the half of a request that waits for the other as retrying', () => {
    const member = startWith(4, server.operator({ batch: { max: 4 } }))
    server.fail(new TransientError('too much', { tooLarge: true }))
    expect(operators(member)).toMatchObject([{ inFlight: 0, waiting: 0, retrying: 4 }])
    pass(1000)
    expect(operators(member)).toMatchObject([{ inFlight: 2, waiting: 0, retrying: 2 }])
  })

  it('counts what was nacked as failed', () => {
    const wrong = new Error('wrong')
    const member = start(read().pipe(server.operator({ batch: { max: 1 } }), ack()))
    kafka.assign()
    kafka.deliver(0, 2)
    server.answer([{ error: wrong }])
    expect(operators(member)).toMatchObject([{ name: 'perBatch', inFlight: 1, done: 0, failed: 1, lastError: wrong }])
  })
})

describe('a rate limit', () => {
  it('does not hold up a rebalance: what waits for its turn has not been sent', () => {
    const rate = rateLimit({ count: 1, interval: 60_000 })
    startWith(3, server.operator({ batch: { max: 1 }, rateLimit: rate }))
    server.answer()
    revoke()
    kafka.answerCommit()
    expect(revoked).toBe(1)
    expect(eventOf('revoked')).toMatchObject({ unsettled: 2 })
    expect(server.requests).toEqual([[0]])
  })

  it('holds the source back: what waits is in flight', () => {
    const rate = rateLimit({ count: 1, interval: 60_000 })
    const source = fromTopic(kafka, numbers, { groupId: 'group', maxInFlight: 2 })
    const member = start(source.pipe(server.operator({ batch: { max: 1 }, rateLimit: rate }), ack()))
    kafka.assign()
    kafka.deliver(0, 5)
    expect(member.health().partitions[0]).toMatchObject({ inFlight: 2, backlog: 3 })
    expect(server.requests).toEqual([[0]])
  })
})
