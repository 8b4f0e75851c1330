import { beforeEach, describe, expect, it } from 'vitest'
import type { Broker } from '../../lib/broker.ts'
import { json } from '../../lib/codec.ts'
import { fromTopic } from '../../lib/fromTopic.ts'
import type { Member } from '../../lib/members.ts'
import type { Message } from '../../lib/message.ts'
import { retry } from '../../lib/onNack.ts'
import type { SourceOptions } from '../../lib/sourceOptions.ts'
import { topic } from '../../lib/topic.ts'
import { HandBroker } from '../support/handBroker.ts'
import { memoryBench } from '../support/memoryBench.ts'
import { advance, virtualTime } from '../support/virtualTime.ts'

const numbers = topic('numbers', json<number>())
let open: Message<number>[]

beforeEach(() => {
  open = []
})

function read(broker: Broker, options: Partial<SourceOptions> = {}): Member {
  const members: Member[] = []
  const source = fromTopic(broker, numbers, { groupId: 'group', ...options })
  const take = (member: Member) => members.push(member)
  broker.members.claim(take, () => source.subscribe({ next: (message) => open.push(message), error: () => {} }))
  return members[0] as Member
}

const offsets = () => open.map(({ offset }) => offset)

describe('a source in doubt of its membership', () => {
  let kafka: HandBroker
  const pass = (ms: number) => advance(kafka.clock, kafka.clock.now() + ms)

  beforeEach(() => {
    kafka = new HandBroker(virtualTime())
  })

  it('emits nothing of what is fetched until the membership is confirmed', () => {
    read(kafka)
    kafka.assign()
    kafka.isCertain = false
    kafka.deliver(0, 2)
    pass(10_000)
    expect(offsets()).toEqual([])
    kafka.isCertain = true
    kafka.handler.confirmed()
    pass(0)
    expect(offsets()).toEqual([0, 1])
  })

  it('emits no more for acks, and nothing at all when the membership was lost', () => {
    read(kafka, { maxInFlight: 2 })
    kafka.assign()
    kafka.deliver(0, 6)
    kafka.isCertain = false
    for (const message of open) message.ack()
    pass(10_000)
    expect(offsets()).toEqual([0, 1])
    kafka.lose()
    kafka.isCertain = true
    kafka.assign(0)
    pass(1000)
    expect(offsets()).toEqual([0, 1])
    kafka.deliver(0, 1)
    expect(offsets()).toEqual([0, 1, 0])
  })

  it('tries nothing again until the membership is confirmed', () => {
    read(kafka, { onNack: retry({ delay: 10, jitter: 'none' }) })
    kafka.assign()
    kafka.deliver(0, 1)
    open[0]?.nack(new Error('once more'))
    kafka.isCertain = false
    pass(10_000)
    expect(offsets()).toEqual([0])
    kafka.isCertain = true
    kafka.handler.confirmed()
    pass(0)
    expect(offsets()).toEqual([0, 0])
  })

  it('holds back what it can not emit', () => {
    read(kafka, { maxInFlight: 2 })
    kafka.assign()
    kafka.isCertain = false
    kafka.deliver(0, 2)
    expect(kafka.calls).toEqual(['pause 0'])
    kafka.isCertain = true
    kafka.handler.confirmed()
    pass(0)
    expect([kafka.calls, offsets()]).toEqual([
      ['pause 0', 'resume 0'],
      [0, 1],
    ])
  })

  it('stays paused when it was paused by its user', () => {
    const member = read(kafka)
    kafka.assign()
    member.pause()
    kafka.isCertain = false
    kafka.deliver(0, 2)
    kafka.isCertain = true
    kafka.handler.confirmed()
    pass(0)
    expect(offsets()).toEqual([])
    member.resume()
    pass(0)
    expect(offsets()).toEqual([0, 1])
  })
})

describe('a slice of emission', () => {
  let kafka: HandBroker
  /** Virtual time, without that of the work. */
  let now: () => number

  /** A source whose messages take 1 ms each. */
  beforeEach(() => {
    kafka = new HandBroker(virtualTime())
    const { clock } = kafka
    now = clock.now.bind(clock)
    let worked = 0
    clock.now = () => now() + worked
    const work = (message: Message<number>) => {
      open.push(message)
      worked += 1
    }
    fromTopic(kafka, numbers, { groupId: 'group', maxInFlight: 1000 }).subscribe(work)
    kafka.assign(null, [0, 1])
    kafka.deliver(0, 500)
  })

  it('gives other work its turn when its time is up, whatever has come meanwhile', () => {
    const first = open.length
    expect(first).toBeLessThan(500)
    kafka.deliver(0, 600, 1)
    expect(open.length).toBe(first)
    expect(kafka.calls).toEqual(['pause 1'])
    advance(kafka.clock, now())
    expect(open.length).toBe(1100)
  })

  it('has given it once the source goes on after a rebalance that found nothing to emit', () => {
    const first = open.length
    expect(first).toBeLessThan(500)
    kafka.revoke()
    // The turn of other work, while nothing may be emitted.
    advance(kafka.clock, now())
    kafka.assign()
    kafka.deliver(first, 1)
    expect(offsets().slice(first)).toEqual([first])
  })
})

describe('a member of the memory broker that is left in doubt', () => {
  async function bench() {
    const made = memoryBench({ topics: { numbers: 1 } })
    read(made.broker)
    made.advance(10)
    await made.bench.fill('numbers', 0, 1)
    made.broker.silence('group')
    await made.bench.fill('numbers', 0, 2, 1)
    made.advance(10)
    expect(offsets()).toEqual([0])
    return made
  }

  it('goes on when it is confirmed', async () => {
    const { broker, advance: pass } = await bench()
    broker.confirm('group')
    broker.confirm('group')
    pass(10)
    expect(offsets()).toEqual([0, 1, 2])
  })

  it('repeats only what was in flight when it was one no more', async () => {
    const { broker, advance: pass } = await bench()
    broker.expel('group')
    open[0]?.ack()
    pass(2000)
    expect(offsets()).toEqual([0, 0, 1, 2])
    expect(broker.committed('group', 'numbers')).toEqual(new Map())
  })
})
