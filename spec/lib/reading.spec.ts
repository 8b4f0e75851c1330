import { bufferCount, mergeAll, type Subscription } from 'rxjs'
import type { TestScheduler } from 'rxjs/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import { json } from '../../lib/codec.ts'
import { FatalError, TransientError } from '../../lib/errors.ts'
import type { SourceEvent } from '../../lib/events.ts'
import { fromTopic } from '../../lib/fromTopic.ts'
import type { Member } from '../../lib/members.ts'
import type { Message } from '../../lib/message.ts'
import { deadLetter, retry } from '../../lib/onNack.ts'
import type { SourceOptions } from '../../lib/sourceOptions.ts'
import { topic } from '../../lib/topic.ts'
import { tapValue } from '../../lib/values.ts'
import { HandBroker } from '../support/handBroker.ts'
import { advance, virtualTime } from '../support/virtualTime.ts'

const numbers = topic('numbers', json<number>())

let clock: TestScheduler
let kafka: HandBroker
let events: SourceEvent[]
let errors: unknown[]
let open: Message<number>[]
let subscription: Subscription

beforeEach(() => {
  clock = virtualTime()
  kafka = new HandBroker(clock)
  events = []
  errors = []
  open = []
})

const pass = (ms: number) => advance(clock, clock.now() + ms)
const read = (options: Partial<SourceOptions> = {}) => fromTopic(kafka, numbers, { groupId: 'group', ...options })

/** Subscribes, and keeps what is delivered in `open`. */
function start(options: Partial<SourceOptions> = {}, source = read(options)): Member {
  const members: Member[] = []
  const take = (member: Member) => members.push(member)
  kafka.members.claim(take, () => {
    subscription = source.subscribe({ next: (message) => open.push(message), error: (error) => errors.push(error) })
  })
  const [member] = members
  member?.listen((event) => events.push(event))
  return member as Member
}

const typesOf = () => events.map(({ type }) => type)
const ackAll = () => {
  for (const message of open.splice(0)) message.ack()
}

describe('a reading', () => {
  it('has one commit under way, also when its own news of a commit ends it', () => {
    const member = start()
    member.listen((event) => event.type === 'committed' && member.drain())
    kafka.assign()
    kafka.deliver(0, 2)
    open[0]?.ack()
    pass(1000)
    open[1]?.ack()
    kafka.answerCommit()
    expect(kafka.commits).toHaveLength(1)
    kafka.answerCommit()
    expect(kafka.calls).toEqual(['commit 0@1', 'commit 0@2', 'leave'])
  })

  it('ends after a commit refused for good, with no commit under way', () => {
    start()
    kafka.assign()
    kafka.deliver(0, 1)
    ackAll()
    pass(1000)
    kafka.answerCommit('fatal')
    kafka.answerLeave()
    expect(kafka.calls).toEqual(['commit 0@1', 'leave'])
    expect(String(errors)).toBe('CommitError: fatal, as told')
  })

  it('commits what the next assignment acks while a commit of the last one is under way', () => {
    start()
    kafka.assign()
    kafka.deliver(0, 1)
    ackAll()
    pass(1000)
    kafka.lose()
    kafka.assign()
    kafka.deliver(0, 1)
    ackAll()
    kafka.answerCommit('fenced')
    pass(1000)
    expect(kafka.calls).toEqual(['commit 0@1', 'commit 0@1'])
  })

  it('goes on committing when the answer that a rebalance waits for comes after the next assignment', () => {
    start()
    kafka.assign()
    kafka.deliver(0, 1)
    ackAll()
    pass(1000)
    kafka.revoke()
    kafka.lose()
    kafka.assign()
    kafka.answerCommit('fenced')
    kafka.deliver(0, 1)
    ackAll()
    pass(1000)
    expect(kafka.calls).toEqual(['commit 0@1', 'commit 0@1'])
  })

  it('waits for what is in flight and commits it when the group rebalances while it drains', () => {
    let done = 0
    const member = start()
    kafka.assign()
    kafka.deliver(0, 1)
    member.drain()
    kafka.revoke(() => done++)
    expect(done).toBe(0)
    ackAll()
    kafka.answerCommit()
    expect(done).toBe(1)
    expect(kafka.calls).toEqual(['commit 0@1', 'leave'])
  })

  it('calls each of two rebalances done, and commits once', () => {
    let done = 0
    start()
    kafka.assign()
    kafka.deliver(0, 1)
    kafka.revoke(() => done++)
    kafka.revoke(() => done++)
    ackAll()
    kafka.answerCommit()
    expect(done).toBe(2)
    expect(kafka.calls).toEqual(['commit 0@1'])
  })

  it('tells of a failure that comes after its stream has completed', () => {
    const member = start()
    kafka.assign()
    kafka.deliver(0, 1)
    member.drain()
    kafka.handler.failed(new Error('expelled'))
    expect(events).toContainEqual({ type: 'trouble', groupId: 'group', error: new Error('expelled') })
    expect(typesOf().at(-1)).toBe('closed')
  })

  it('errors with the message that made it stop, also when the consumer fails before it has left', () => {
    start()
    kafka.assign()
    kafka.deliver(0, 2)
    open[0]?.nack(new Error('boom'))
    kafka.handler.failed(new Error('expelled'))
    expect(String(errors)).toContain('Cannot process numbers[0]@0: boom')
  })
})

describe('a reading, while it commits', () => {
  it('commits what is acked while a commit is under way, though nothing comes after it', () => {
    start()
    kafka.assign()
    kafka.deliver(0, 2)
    open[0]?.ack()
    pass(1000)
    open[1]?.ack()
    kafka.answerCommit()
    pass(1000)
    expect(kafka.calls).toEqual(['commit 0@1', 'commit 0@2'])
  })

  it('commits again what was refused because the group rebalances', () => {
    const member = start()
    kafka.assign()
    kafka.deliver(0, 1)
    ackAll()
    pass(1000)
    kafka.answerCommit('rebalancing')
    pass(1000)
    expect(kafka.calls).toEqual(['commit 0@1', 'commit 0@1'])
    expect(member.health().state).toBe('reading')
    expect(errors).toEqual([])
  })
})

describe('a reading, when the broker cannot take its last commit now', () => {
  const ack = () => {
    kafka.assign()
    kafka.deliver(0, 1)
    ackAll()
  }

  for (const kind of ['retriable', 'rebalancing'] as const) {
    it(`commits again before it leaves (${kind})`, () => {
      const member = start({ commitInterval: 10_000 })
      ack()
      member.drain()
      kafka.answerCommit(kind)
      pass(200)
      kafka.answerCommit()
      expect(kafka.calls).toEqual(['commit 0@1', 'commit 0@1', 'leave'])
    })
  }

  it('commits again before it gives its partitions up', () => {
    start({ commitInterval: 10_000 })
    ack()
    let isDone = false
    kafka.revoke(() => {
      isDone = true
    })
    kafka.answerCommit('retriable')
    expect(isDone).toBe(false)
    pass(200)
    kafka.answerCommit()
    expect(isDone).toBe(true)
    expect(kafka.calls).toEqual(['commit 0@1', 'commit 0@1'])
  })

  it('leaves after five seconds of it', () => {
    const member = start({ commitInterval: 10_000 })
    ack()
    member.drain()
    for (let ms = 0; ms <= 5000; ms += 200) {
      expect(kafka.calls).not.toContain('leave')
      kafka.answerCommit('retriable')
      pass(200)
    }
    expect(kafka.calls.slice(-2)).toEqual(['commit 0@1', 'leave'])
  })

  it('leaves at once when it was fenced, or refused for good', () => {
    for (const kind of ['fenced', 'fatal'] as const) {
      kafka = new HandBroker(clock)
      const member = start({ commitInterval: 10_000 })
      ack()
      member.drain()
      kafka.answerCommit(kind)
      expect(kafka.calls).toEqual(['commit 0@1', 'leave'])
    }
  })
})

describe('a reading, in a rebalance', () => {
  it('goes on where it stood when a commit whose answer was lost turns out to have arrived', () => {
    start({ drainTimeout: 10 })
    kafka.assign()
    kafka.deliver(0, 2)
    open.shift()?.ack()
    pass(1000)
    kafka.revoke()
    kafka.answerCommit('retriable')
    pass(10)
    kafka.answerCommit('retriable')
    kafka.assign(1)
    ackAll()
    pass(1000)
    expect(kafka.calls).toEqual(['commit 0@1', 'commit 0@1', 'seek 0@2', 'commit 0@2'])
  })

  it('commits nothing of what is fetched and not delivered', () => {
    const member = start()
    kafka.assign()
    member.pause()
    kafka.deliver(0, 3)
    kafka.revoke()
    pass(1000)
    expect(kafka.calls).toEqual([])
  })

  it('holds up no rebalance when nothing is in flight', () => {
    let done = 0
    start()
    kafka.assign()
    kafka.revoke(() => done++)
    expect(done).toBe(1)
    expect(kafka.calls).toEqual([])
  })

  it('delivers once, and commits forwards, what it had fetched before a rebalance and fetches again', () => {
    const seen: number[] = []
    start({ maxInFlight: 2, drainTimeout: 10 })
    kafka.assign()
    kafka.deliver(0, 6)
    kafka.revoke()
    pass(10)
    kafka.assign()
    kafka.deliver(2, 4)
    while (open.length > 0) {
      seen.push(...open.map(({ offset }) => offset))
      ackAll()
      pass(1000)
      kafka.answerCommit()
    }
    expect(seen).toEqual([0, 1, 2, 3, 4, 5])
    expect(kafka.calls.filter((call) => !call.includes('pause') && !call.includes('resume'))).toEqual([
      'seek 0@2',
      'commit 0@2',
      'commit 0@4',
      'commit 0@6',
    ])
  })

  it('moves nothing and harms nothing by acks of a partition that another member has now', () => {
    const member = start({ drainTimeout: 10 })
    kafka.assign(null, [0, 1])
    kafka.deliver(0, 2)
    kafka.revoke()
    pass(10)
    kafka.assign(null, [1])
    expect(ackAll).not.toThrow()
    pass(1000)
    expect(kafka.calls).toEqual(['seek 1@0'])
    expect(member.health()).toMatchObject({ state: 'reading', trouble: null })
  })

  it('commits of the others what is acked when one partition is lost', () => {
    start()
    kafka.assign(null, [0, 1])
    kafka.deliver(0, 1)
    kafka.deliver(0, 1, 1)
    kafka.lose()
    ackAll()
    pass(1000)
    expect(kafka.calls).toEqual(['commit 1@1'])
  })

  it('does not wait for what is lost', () => {
    const member = start()
    kafka.assign()
    kafka.deliver(0, 1)
    member.drain()
    expect(kafka.calls).toEqual([])
    kafka.lose()
    expect(kafka.calls).toEqual(['leave'])
  })

  it('has all its credit back after a hundred rebalances with messages in flight, half of them acked late', () => {
    const member = start({ maxInFlight: 4, drainTimeout: 10 })
    for (let round = 0; round < 100; round++) {
      const partition = round % 2
      kafka.assign(null, [partition])
      kafka.deliver(0, 10, partition)
      expect(open).toHaveLength(4)
      const late = open.splice(2)
      ackAll()
      kafka.revoke()
      pass(10)
      kafka.answerCommit()
      kafka.assign(null, [])
      for (const message of late) message.ack()
    }
    expect(member.health()).toMatchObject({ delivered: 400, nacked: 0, commits: 100, partitions: [] })
  })
})

describe('a reading, when its partition comes back', () => {
  it('counts no bytes of what it had fetched before and fetches again', () => {
    const member = start({ maxInFlight: 2, drainTimeout: 10 })
    kafka.assign()
    kafka.deliver(0, 2)
    kafka.deliver(2, 2)
    kafka.deliver(4, 2)
    expect(member.health().bytes).toBe(6)
    kafka.revoke()
    pass(10)
    kafka.assign()
    ackAll()
    expect(member.health().bytes).toBe(0)
  })
})

describe('a reading, when it seeks', () => {
  it('fetches again a partition that was held back', () => {
    const member = start({ maxInFlight: 2 })
    kafka.assign()
    kafka.deliver(0, 10)
    member.seek({ topic: 'numbers', partition: 0, offset: 5 })
    expect(kafka.calls).toEqual(['pause 0', 'seek 0@5', 'resume 0', 'commit 0@5'])
  })

  it('fetches again after a pause a partition that was held back', () => {
    const member = start({ maxInFlight: 2 })
    kafka.assign()
    kafka.deliver(0, 10)
    member.pause()
    member.seek({ topic: 'numbers', partition: 0, offset: 5 })
    member.resume()
    pass(1)
    expect(kafka.calls).toEqual(['pause 0', 'seek 0@5', 'commit 0@5', 'resume 0'])
  })

  it('commits the new place, although a commit of the old one is under way', () => {
    const member = start()
    kafka.assign(5)
    kafka.deliver(5, 5)
    ackAll()
    pass(1000)
    member.seek({ topic: 'numbers', partition: 0, offset: 5 })
    kafka.answerCommit()
    pass(1000)
    expect(kafka.calls).toEqual(['commit 0@10', 'seek 0@5', 'commit 0@5'])
  })

  it('commits the new place of a partition of which nothing was committed', () => {
    const member = start()
    kafka.assign()
    member.seek({ topic: 'numbers', partition: 0, offset: 5 })
    expect(kafka.calls).toEqual(['seek 0@5', 'commit 0@5'])
  })

  it('refuses an offset that is none', () => {
    const member = start()
    kafka.assign()
    expect(() => member.seek({ topic: 'numbers', partition: 0, offset: -1 })).toThrow('Expected `offset` to be')
  })
})

describe('a reading, when it pauses', () => {
  it('commits past a gap that came meanwhile', () => {
    const member = start()
    kafka.assign(5)
    member.pause()
    kafka.handler.batch({ topic: 'numbers', partition: 0 }, [], 9, 9)
    member.resume()
    pass(1000)
    expect(kafka.calls).toEqual(['commit 0@9'])
  })
})

describe('a reading, when it drains', () => {
  it('lets a message through that is on its way down when an operator asks for the end', () => {
    let member: Member | undefined
    const source = read().pipe(tapValue(() => member?.drain()))
    member = start({}, source)
    kafka.assign()
    kafka.deliver(0, 3)
    expect(open.map(({ value }) => value)).toEqual([0])
    ackAll()
    expect(kafka.calls).toEqual(['commit 0@1'])
  })

  it('empties the buffers downstream', () => {
    const member = start({}, read().pipe(bufferCount(10), mergeAll()))
    kafka.assign()
    kafka.deliver(0, 3)
    expect(open).toHaveLength(0)
    member.drain()
    expect(open).toHaveLength(3)
  })

  it('skips what fails meanwhile, and commits what is behind it', () => {
    const member = start({ onNack: 'skip' })
    kafka.assign()
    kafka.deliver(0, 2)
    member.drain()
    open[0]?.nack(new Error('boom'))
    open[1]?.ack()
    expect(kafka.calls).toEqual(['commit 0@2'])
    expect(member.health()).toMatchObject({ nacked: 1, skipped: 1 })
  })

  it('waits for a dead letter, and commits it', () => {
    const member = start({ onNack: deadLetter('failed') })
    kafka.assign()
    kafka.deliver(0, 1)
    open[0]?.nack(new Error('boom'))
    member.drain()
    expect(kafka.calls).toEqual([])
    kafka.sends[0]?.done(null)
    expect(kafka.calls).toEqual(['commit 0@1'])
  })

  it('gives up a dead letter that is never answered after drainTimeout', () => {
    const member = start({ onNack: deadLetter('failed'), drainTimeout: 500 })
    kafka.assign()
    kafka.deliver(0, 1)
    open[0]?.nack(new Error('boom'))
    member.drain()
    pass(499)
    expect(kafka.calls).toEqual([])
    pass(1)
    expect(kafka.calls).toEqual(['leave'])
  })

  it('tells what the broker refuses for good while it drains: as trouble, and when it has left', () => {
    const member = start({ onNack: deadLetter('failed') })
    kafka.assign()
    kafka.deliver(0, 1)
    open[0]?.nack(new Error('boom'))
    member.drain()
    kafka.sends[0]?.done(new FatalError('the topic does not exist'))
    expect(member.health().trouble?.message).toBe('Cannot process numbers[0]@0: the topic does not exist')
    kafka.answerLeave()
    expect(events.at(-1)).toMatchObject({ type: 'closed', unsettled: 1, workedOn: 0, failure: { errorClass: 'fatal' } })
    expect(kafka.calls).toEqual(['leave'])
  })

  it('does not wait for a message that waits for its next try', () => {
    const member = start({ onNack: retry({ delay: 10_000, jitter: 'none' }) })
    kafka.assign()
    kafka.deliver(0, 1)
    open[0]?.nack(new Error('boom'))
    member.drain()
    expect(kafka.calls).toEqual(['leave'])
  })
})

describe('a reading, when it has ended', () => {
  const closed = () => {
    kafka.answerCommit()
    kafka.answerLeave()
    pass(0)
    expect(typesOf()).toContain('closed')
  }

  it('leaves no timer of a rebalance that it was waiting in', () => {
    start()
    kafka.assign()
    kafka.deliver(0, 1)
    kafka.revoke()
    subscription.unsubscribe()
    closed()
    expect(clock.actions).toEqual([])
    expect(typesOf().at(-1)).toBe('closed')
  })

  it('leaves no timer of a retry or of a dead letter', () => {
    const member = start({ onNack: retry({ attempts: 2, delay: 9e6, jitter: 'none' }).then(deadLetter('failed')) })
    kafka.assign()
    kafka.deliver(0, 1)
    open[0]?.nack(new Error('boom'))
    member.drain()
    closed()
    expect(clock.actions).toEqual([])
  })

  it('leaves no timer when the consumer fails', () => {
    const member = start()
    kafka.assign()
    kafka.deliver(0, 1)
    member.drain()
    kafka.handler.failed(new Error('expelled'))
    pass(0)
    expect(clock.actions).toEqual([])
  })

  it('leaves no timer when it is unsubscribed', () => {
    start()
    kafka.assign()
    kafka.deliver(0, 2)
    open[0]?.ack()
    subscription.unsubscribe()
    closed()
    expect(clock.actions).toEqual([])
  })
})

describe('a reading, when a message fails', () => {
  it('tells of a dead letter that gets no answer for long, once', () => {
    const member = start({ onNack: deadLetter('failed') })
    kafka.assign()
    kafka.deliver(0, 1)
    open[0]?.nack(new Error('boom'))
    pass(4999)
    expect(member.health().trouble).toBe(null)
    pass(1)
    expect(member.health().trouble?.message).toContain('Cannot send numbers[0]@0 to failed yet')
    expect(clock.actions).toEqual([])
  })

  it('tells of no dead letter that was answered', () => {
    start({ onNack: deadLetter('failed') })
    kafka.assign()
    kafka.deliver(0, 1)
    open[0]?.nack(new Error('boom'))
    kafka.sends[0]?.done(null)
    pass(60_000)
    expect(typesOf()).not.toContain('trouble')
  })

  it('delivers it again only once a pause is over, and has no timer meanwhile', () => {
    const member = start({ onNack: retry({ delay: 1000, jitter: 'none' }) })
    kafka.assign()
    kafka.deliver(0, 1)
    open[0]?.nack(new Error('boom'))
    member.pause()
    pass(9000)
    expect(clock.actions).toEqual([])
    member.resume()
    pass(0)
    expect(open.map(({ attempt }) => attempt)).toEqual([1, 2])
  })

  it('sends a dead letter again only once a rebalance is over', () => {
    start({ onNack: deadLetter('failed') })
    kafka.assign()
    kafka.deliver(0, 1)
    open[0]?.nack(new Error('boom'))
    kafka.sends.shift()?.done(new TransientError('no leader'))
    kafka.revoke()
    pass(9000)
    expect(kafka.sends).toEqual([])
    kafka.assign()
    pass(0)
    expect(kafka.sends).toHaveLength(1)
  })

  it('does not have a rebalance wait for a message that fails meanwhile and waits for its next try', () => {
    let done = 0
    start({ onNack: retry({ delay: 10_000, jitter: 'none' }) })
    kafka.assign()
    kafka.deliver(0, 1)
    kafka.revoke(() => done++)
    expect(done).toBe(0)
    open[0]?.nack(new Error('boom'))
    expect(done).toBe(1)
  })
})

describe('fromTopic, refused', () => {
  it('can be subscribed again once the group is free', () => {
    const texts = topic('texts', json<number>())
    const refused = fromTopic(kafka, texts, { groupId: 'group' })
    start()
    refused.subscribe({ error: (error) => errors.push(error) })
    expect(String(errors.pop())).toContain('this process reads numbers as that group already')
    subscription.unsubscribe()
    kafka.answerLeave()
    refused.subscribe({ error: (error) => errors.push(error) })
    expect(errors).toEqual([])
  })

  it('errors when its turn comes after another has taken the group', () => {
    const source = read()
    start({}, source)
    subscription.unsubscribe()
    source.subscribe({ error: (error) => errors.push(error) })
    const { remove } = kafka.members
    kafka.members.remove = (member) => {
      remove.call(kafka.members, member)
      kafka.members.remove = remove
      fromTopic(kafka, topic('texts', json()), { groupId: 'group' }).subscribe()
    }
    kafka.answerLeave()
    expect(String(errors)).toContain('this process reads texts as that group already')
  })
})

describe('a reading, as the model found it wanting', () => {
  it('commits nothing any more once it leaves', () => {
    const member = start()
    kafka.assign()
    kafka.deliver(0, 1)
    ackAll()
    member.drain()
    kafka.answerCommit('fenced')
    pass(5000)
    expect(kafka.calls).toEqual(['commit 0@1', 'leave'])
  })

  it('commits the place it was moved to, also in a group that has committed nothing', () => {
    const member = start()
    kafka.assign()
    member.seek({ topic: 'numbers', partition: 0, offset: 5 })
    pass(1000)
    expect(kafka.calls).toEqual(['seek 0@5', 'commit 0@5'])
  })

  it('delivers nothing after a join when it was paused while it had no membership', () => {
    const member = start()
    kafka.assign()
    kafka.lose()
    member.pause()
    kafka.assign()
    kafka.deliver(0, 1)
    expect(open).toEqual([])
    member.resume()
    pass(0)
    expect(open).toHaveLength(1)
  })

  it('commits nothing while the group joins, also when it drains', () => {
    let done = 0
    const member = start({ drainTimeout: 500 })
    kafka.assign()
    kafka.deliver(0, 2)
    kafka.revoke(() => done++)
    pass(100)
    member.drain()
    pass(400)
    expect(done).toBe(1)
    ackAll()
    expect(kafka.calls).toEqual(['leave'])
  })

  it('settles and commits what it has kept when the group has joined while it drains', () => {
    const member = start({ drainTimeout: 500 })
    kafka.assign()
    kafka.deliver(0, 2)
    kafka.revoke()
    pass(100)
    member.drain()
    pass(400)
    open[0]?.ack()
    kafka.assign()
    kafka.deliver(2, 1)
    expect(open).toHaveLength(2)
    open[1]?.ack()
    kafka.answerCommit()
    expect(kafka.calls).toEqual(['seek 0@2', 'commit 0@2', 'leave'])
  })

  it('does not take the answer to a commit of a lost membership for one of the next', () => {
    const member = start()
    kafka.assign()
    kafka.deliver(0, 2)
    open[0]?.ack()
    pass(1000)
    kafka.lose()
    kafka.assign(3)
    kafka.answerCommit()
    expect(member.health().partitions[0]?.committed).toBe(3)
    pass(1000)
    expect(kafka.calls).toEqual(['commit 0@1'])
  })

  it('counts settlements that come after their assignment', () => {
    const member = start()
    kafka.assign()
    kafka.deliver(0, 3)
    open[0]?.ack()
    kafka.lose()
    open[0]?.ack()
    open[1]?.ack()
    open[2]?.nack(new Error('late'))
    expect(member.health().late).toBe(2)
  })
})
