import fc from 'fast-check'
import type { TestScheduler } from 'rxjs/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import type { RawMessage } from '../../lib/broker.ts'
import { text } from '../../lib/codec.ts'
import type { SourceEvent } from '../../lib/events.ts'
import { fromTopic } from '../../lib/fromTopic.ts'
import type { Member } from '../../lib/members.ts'
import { memoryBroker } from '../../lib/memory/memoryBroker.ts'
import type { Message } from '../../lib/message.ts'
import { deadLetter, retry } from '../../lib/onNack.ts'
import type { SourceOptions } from '../../lib/sourceOptions.ts'
import { topic } from '../../lib/topic.ts'
import { HandBroker } from '../support/handBroker.ts'
import { holds } from '../support/property.ts'
import { advance, virtualTime } from '../support/virtualTime.ts'

const letters = topic('numbers', text)
const again = retry({ delay: 1000, factor: 1, jitter: 'none', attempts: 3 })

let clock: TestScheduler
let kafka: HandBroker
let events: SourceEvent[]
/** All that was delivered. */
let delivered: string
let open: Message<string>[]

beforeEach(() => {
  clock = virtualTime()
  kafka = new HandBroker(clock)
  events = []
  delivered = ''
  open = []
})

const pass = (ms: number) => advance(clock, clock.now() + ms)

function start(options: Partial<SourceOptions> = {}, next: (message: Message<string>) => void = keep): Member {
  const members: Member[] = []
  kafka.members.claim(
    (member) => members.push(member),
    () =>
      fromTopic(kafka, letters, { groupId: 'group', order: 'key', ...options }).subscribe((message) => {
        delivered += message.value
        next(message)
      }),
  )
  const [member] = members as [Member]
  member.listen((event) => events.push(event))
  kafka.assign()
  return member
}

function keep(message: Message<string>): void {
  open.push(message)
}

/** Delivers a message for each letter. Capitals have the key of their small letters; a dot has no key. */
function send(word: string, first = 0, partition = 0): void {
  const messages = [...word].map((letter, i): RawMessage => {
    const key = letter === '.' ? null : Buffer.from(letter.toLowerCase())
    return { offset: first + i, timestamp: 0, key, value: Buffer.from(letter) }
  })
  kafka.handler.batch({ topic: 'numbers', partition }, messages, first + word.length, 1000)
}

/** The oldest open message of a letter. */
function take(letter: string): Message<string> {
  const place = open.findIndex(({ value }) => value === letter)
  const [message] = open.splice(place, 1)
  return message as Message<string>
}

function ack(letter: string): void {
  take(letter).ack()
  pass(0)
}

describe('a source with `order: key`', () => {
  it('delivers one message of a key at a time, and the others meanwhile', () => {
    start()
    send('aAbaB')
    expect(delivered).toBe('ab')
    ack('a')
    expect(delivered).toBe('abA')
    ack('b')
    expect(delivered).toBe('abAB')
    ack('A')
    expect(delivered).toBe('abABa')
  })

  it('delivers messages without a key as they come', () => {
    start()
    send('...')
    expect(delivered).toBe('...')
  })

  it('keeps keys of other partitions apart', () => {
    start()
    kafka.assign(null, [0, 1])
    send('a')
    send('a', 0, 1)
    expect(delivered).toBe('aa')
  })

  it('delivers from within an ack neither at once nor nested', () => {
    start({}, (message) => {
      const before = delivered
      message.ack()
      expect(delivered).toBe(before)
    })
    send('a'.repeat(5000))
    pass(0)
    expect(delivered).toHaveLength(5000)
  })

  it('commits nothing from the oldest on that waits for its turn', () => {
    start({ maxInFlight: 10 })
    send('aAAb')
    ack('b')
    ack('a')
    pass(1000)
    expect(kafka.calls).toEqual(['commit 0@1'])
  })

  it('counts what waits for its turn for maxInFlight', () => {
    start({ maxInFlight: 3 })
    send('aaab')
    expect(delivered).toBe('a')
    ack('a')
    expect(delivered).toBe('aab')
  })

  it.each([
    ['skip', 'skip' as const],
    ['deadLetter', deadLetter('failed')],
  ])('delivers the next of a key once one that failed is settled by %s', (_name, onNack) => {
    start({ onNack })
    send('aA')
    take('a').nack(new Error('boom'))
    kafka.sends.shift()?.done(null)
    pass(0)
    expect(delivered).toBe('aA')
  })

  it('lets nothing overtake a message that `onNack: retry` delivers again', () => {
    start({ onNack: again })
    send('aAb')
    take('a').nack(new Error('boom'))
    pass(999)
    expect(delivered).toBe('ab')
    pass(1)
    expect(delivered).toBe('aba')
    ack('a')
    expect(delivered).toBe('abaA')
  })

  it('lets nothing overtake a message that can not be decoded', () => {
    const picky = topic('numbers', {
      encode: Buffer.from,
      decode: (value: Uint8Array | null) => {
        if (String(value) === 'a') throw new Error('no a')
        return String(value)
      },
    })
    fromTopic(kafka, picky, { groupId: 'group', order: 'key', onNack: again.then('skip') }).subscribe(
      ({ value }) => (delivered += value),
    )
    kafka.assign()
    send('aAb')
    expect(delivered).toBe('b')
    pass(2000)
    expect(delivered).toBe('bA')
  })

  it('delivers nothing more while the group rebalances, and goes on when the partition comes back', () => {
    let revoked = 0
    start()
    send('aAab')
    kafka.revoke(() => revoked++)
    ack('a')
    expect([delivered, revoked]).toEqual(['ab', 0])
    ack('b')
    kafka.answerCommit()
    expect([delivered, revoked]).toEqual(['ab', 1])
    expect(events.at(-1)).toMatchObject({ type: 'revoked', drainMs: 0, unsettled: 2 })
    kafka.assign(1)
    expect(kafka.calls.at(-1)).toBe('seek 0@4')
    pass(0)
    expect(delivered).toBe('abA')
    ack('A')
    expect(delivered).toBe('abAa')
  })

  it('keeps a key in order whose message is in flight all through a rebalance', () => {
    start({ drainTimeout: 10 })
    send('aA')
    kafka.revoke()
    pass(10)
    kafka.assign()
    send('a', 2)
    pass(1000)
    expect(delivered).toBe('a')
    ack('a')
    ack('A')
    expect(delivered).toBe('aAa')
  })

  it('drops what waits for its turn when the partition is lost', () => {
    start()
    send('aAA')
    const lost = take('a')
    kafka.lose()
    lost.ack()
    pass(0)
    kafka.assign()
    send('a')
    pass(0)
    expect(delivered).toBe('aa')
  })

  it('delivers nothing more when it drains, and leaves what waits to the next member', () => {
    const member = start()
    send('aAAb')
    ack('b')
    member.drain()
    expect(kafka.calls).toEqual([])
    ack('a')
    expect(delivered).toBe('ab')
    kafka.answerCommit()
    kafka.answerLeave()
    expect(kafka.calls).toEqual(['commit 0@1', 'leave'])
    expect(events.at(-1)).toMatchObject({ type: 'closed', unsettled: 2, workedOn: 0 })
  })

  it.each<[string, (member: Member) => void]>([
    ['drains', (member) => member.drain()],
    ['seeks', (member) => member.seek({ topic: 'numbers', partition: 0, offset: 10 })],
  ])('delivers nothing more when its user %s while one is on its way whose turn has come', (_name, act) => {
    const member = start({}, (message) => {
      keep(message)
      if (message.value === 'A') act(member)
    })
    send('aAbB')
    take('a').ack()
    take('b').ack()
    pass(0)
    expect(delivered).toBe('abA')
  })

  it('waits at the end for what has had its turn', () => {
    const member = start()
    send('aA')
    ack('a')
    member.drain()
    kafka.answerCommit()
    expect(kafka.calls).toEqual(['commit 0@1'])
    ack('A')
    kafka.answerCommit()
    expect(kafka.calls).toEqual(['commit 0@1', 'commit 0@2', 'leave'])
  })

  it('delivers what waits for its turn only once a pause is over', () => {
    const member = start()
    send('aA')
    member.pause()
    ack('a')
    pass(5000)
    expect(delivered).toBe('a')
    member.resume()
    pass(0)
    expect(delivered).toBe('aA')
  })
})

describe('a source with `order: partition`', () => {
  it('delivers one message of a partition at a time', () => {
    start({ order: 'partition' })
    kafka.assign(null, [0, 1])
    send('ab.')
    send('c', 0, 1)
    expect(delivered).toBe('ac')
    ack('a')
    ack('b')
    expect(delivered).toBe('acb.')
  })
})

describe('a source without an order', () => {
  it('has the next of a key overtake one that `onNack: retry` delivers again', () => {
    start({ order: 'none', onNack: again })
    send('aA')
    take('a').nack(new Error('boom'))
    ack('A')
    pass(1000)
    expect(delivered).toBe('aAa')
  })
})

it('refuses another order', () => {
  expect(() => start({ order: 'any' as 'key' })).toThrow('Expected `order` to be one of key, partition, none')
})

// A world of one partition: what is delivered when acks, nacks and rebalances come as they like.

type Step = readonly [name: 'send' | 'ack' | 'nack' | 'pass' | 'rebalance' | 'expel' | 'join' | 'leave', n: number]

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(fc.constant('send' as const), fc.nat(30)) },
  { weight: 8, arbitrary: fc.tuple(fc.constantFrom('ack' as const, 'nack' as const), fc.nat(30)) },
  { weight: 4, arbitrary: fc.tuple(fc.constant('pass' as const), fc.integer({ min: 0, max: 300 })) },
  fc.tuple(fc.constantFrom('rebalance' as const, 'expel' as const, 'join' as const, 'leave' as const), fc.nat(3)),
)

const KEYS = 4

class World {
  readonly clock = virtualTime()
  readonly kafka = memoryBroker({ clock: this.clock, topics: { numbers: 2 }, batchSize: 5 })
  /** Delivered and not settled. */
  readonly open: Message<string>[] = []
  readonly acked = new Set<string>()
  sent = 0
  private readonly subscriptions: { unsubscribe(): void }[] = []
  /** By assignment and key: the offset in flight, and the last one settled for good. */
  private readonly lanes = new Map<AbortSignal, Map<string, { inFlight: number | null; done: number }>>()

  constructor() {
    this.join()
  }

  do([name, n]: Step): void {
    if (name === 'send') for (let i = 0; i < n; i++) this.send()
    else if (name === 'ack' || name === 'nack') this.settle(n, name)
    else if (name === 'pass') this.pass(n)
    else if (name === 'rebalance') this.kafka.rebalance('group')
    else if (name === 'expel') this.kafka.expel('group', 0)
    else if (name === 'join') this.join()
    else this.leave()
  }

  /** Acks all that comes, until all is committed: what was acked just before a member was lost comes again. */
  finish(): void {
    for (let round = 0; round < 1000 && !this.isDone; round++) {
      this.pass(200)
      while (this.open.length > 0) this.settle(0, 'ack')
    }
    expect(this.isDone).toBe(true)
    expect(this.acked.size).toBe(this.sent)
  }

  private get isDone(): boolean {
    const committed = this.kafka.committed('group', 'numbers')
    return [...this.kafka.endOffsets('numbers')].every(([partition, end]) => (committed.get(partition) ?? 0) === end)
  }

  private pass(ms: number): void {
    advance(this.clock, this.clock.now() + ms)
  }

  private send(): void {
    const n = this.sent++
    const key = String(n % KEYS)
    this.kafka.send([{ topic: 'numbers', partition: n % 2, key, value: `${n}` }], () => {})
  }

  private join(): void {
    if (this.subscriptions.length === 2) return
    const onNack = retry({ attempts: Number.POSITIVE_INFINITY, delay: 50, max: 200 })
    const source = fromTopic(this.kafka, letters, { groupId: 'group', order: 'key', onNack, drainTimeout: 30 })
    this.subscriptions.push(source.subscribe((message) => this.receive(message)))
  }

  private leave(): void {
    this.subscriptions.shift()?.unsubscribe()
    if (this.subscriptions.length === 0) this.join()
  }

  private receive(message: Message<string>): void {
    const lane = this.laneOf(message)
    if (lane.inFlight !== null) throw new Error(`${message.id} is delivered while ${lane.inFlight} is in flight`)
    if (message.offset <= lane.done) throw new Error(`${message.id} is delivered after ${lane.done}`)
    lane.inFlight = message.offset
    this.open.push(message)
  }

  private settle(n: number, verdict: 'ack' | 'nack'): void {
    const [message] = this.open.splice(n % Math.max(1, this.open.length), 1)
    if (message === undefined) return
    const lane = this.laneOf(message)
    lane.inFlight = null
    if (verdict === 'nack') return message.nack(new Error('boom'))
    if (!message.signal.aborted) {
      lane.done = message.offset
      this.acked.add(message.id)
    }
    message.ack()
  }

  private laneOf({ signal, key }: Message<string>) {
    const ofAssignment = this.lanes.get(signal) ?? new Map()
    this.lanes.set(signal, ofAssignment)
    const name = String(key)
    const lane = ofAssignment.get(name) ?? { inFlight: null, done: -1 }
    ofAssignment.set(name, lane)
    return lane
  }
}

describe('the order of a key at the source', () => {
  it('holds for any order of acks, with messages that are tried again, through rebalances', () => {
    const live = (steps: readonly Step[]) => {
      const world = new World()
      for (const each of steps) world.do(each)
      world.finish()
    }
    holds(fc.array(step, { maxLength: 50, size: 'max' }), live, { runs: 300 })
  })
})
