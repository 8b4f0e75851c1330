import fc from 'fast-check'
import type { Subscription } from 'rxjs'
import { TestScheduler } from 'rxjs/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import { decodeAcks } from '../../lib/ackMap.ts'
import { json } from '../../lib/codec.ts'
import type { SourceEvent } from '../../lib/events.ts'
import { fromTopic } from '../../lib/fromTopic.ts'
import type { Member } from '../../lib/members.ts'
import { type MemoryBroker, memoryBroker } from '../../lib/memory/memoryBroker.ts'
import type { Message } from '../../lib/message.ts'
import { topic } from '../../lib/topic.ts'
import { Reader } from '../broker/reader.ts'
import { produce } from '../support/produce.ts'

const numbers = topic('numbers', json<number>())
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)

let clock: TestScheduler
let kafka: MemoryBroker

beforeEach(() => start())

function start(batchSize = 1000): void {
  clock = new TestScheduler(() => {})
  kafka = memoryBroker({ clock, topics: { numbers: 1 }, batchSize })
}

/** Lets virtual time pass. */
function pass(ms: number): void {
  clock.maxFrames = clock.now() + ms
  clock.schedule(() => {}, ms)
  clock.flush()
}

/** Reads, and gives what was delivered since it was asked last. */
function read(options: { keepAcks?: boolean; drainTimeout?: number } = {}) {
  const messages: Message<number>[] = []
  const events: SourceEvent[] = []
  let asked = 0
  const source = fromTopic(kafka, numbers, { groupId: 'group', keepAcks: true, ...options })
  const heard: { next?: (message: Message<number>) => void } = {}
  let member: Member | undefined
  let subscription: Subscription | undefined
  const take = (claimed: Member) => {
    member = claimed
    claimed.listen((event) => events.push(event))
  }
  kafka.members.claim(take, () => {
    subscription = source.subscribe((message) => {
      messages.push(message)
      heard.next?.(message)
    })
  })
  const delivered = () => {
    const seen = messages.slice(asked).map(({ offset }) => offset)
    asked = messages.length
    return seen
  }
  const ack = (isDone: (offset: number) => boolean) => {
    for (const message of messages) if (isDone(message.offset)) message.ack()
  }
  return { heard, messages, delivered, ack, events, member: member as Member | undefined, subscription }
}

/** What the last commit kept beside its offset. */
const kept = () => {
  const position = kafka.commits.at(-1)?.offsets[0]
  return { offset: position?.offset, acks: decodeAcks(position?.metadata ?? '') }
}

/** The process is gone, and comes up again: nothing is committed any more. */
function crash(): void {
  kafka.expel('group')
  pass(50)
}

describe('keepAcks', () => {
  it('has exactly the unacked messages delivered again after a crash', () => {
    produce(kafka, 'numbers', range(0, 500))
    const { delivered, ack, member } = read()
    pass(50)
    expect(delivered()).toEqual(range(0, 500))
    ack((offset) => offset !== 3 && offset !== 77)
    pass(2000)
    expect(kafka.committed('group', 'numbers').get(0)).toBe(3)
    crash()
    expect(delivered()).toEqual([3, 77])
    expect(member?.health()).toMatchObject({ skippedAcked: 495 })
    ack(() => true)
    pass(2000)
    expect(kafka.committed('group', 'numbers').get(0)).toBe(500)
    expect(kept().acks).toBeUndefined()
  })

  it('repeats all that was acked behind a slow message when it is off', () => {
    produce(kafka, 'numbers', range(0, 500))
    const { delivered, ack } = read({ keepAcks: false })
    pass(50)
    delivered()
    ack((offset) => offset !== 3)
    pass(2000)
    expect(kafka.commits.flatMap(({ offsets }) => offsets).filter((position) => 'metadata' in position)).toEqual([])
    crash()
    expect(delivered()).toEqual(range(3, 500))
  })

  it('commits when only acks above the low watermark are new, and then no more', () => {
    produce(kafka, 'numbers', range(0, 10))
    const { ack } = read()
    pass(50)
    ack((offset) => offset === 5)
    pass(2000)
    expect(kafka.commits).toHaveLength(1)
    expect(kept()).toEqual({ offset: 0, acks: { low: 0, ranges: [5, 6] } })
    ack((offset) => offset === 8)
    pass(2000)
    expect(kafka.commits).toHaveLength(2)
    expect(kept().acks?.ranges).toEqual([5, 6, 8, 9])
    pass(10_000)
    expect(kafka.commits).toHaveLength(2)
  })

  it('keeps through a second crash what it has not read again yet', () => {
    start(10)
    produce(kafka, 'numbers', range(0, 100))
    const { delivered, ack, member, heard } = read()
    pass(50)
    delivered()
    ack((offset) => offset !== 0 && offset !== 55)
    pass(2000)
    crash()
    expect(delivered()).toEqual([0, 55])
    heard.next = () => member?.pause()
    crash()
    expect(delivered()).toEqual([0])
    delete heard.next
    ack((offset) => offset === 0)
    pass(2000)
    expect(kept().acks?.ranges.at(-1)).toBe(100)
    crash()
    member?.resume()
    pass(50)
    expect(delivered()).toEqual([55])
  })

  it('does so for the next owner when a slow message outlives the drain', () => {
    produce(kafka, 'numbers', range(0, 50))
    const first = read({ drainTimeout: 100 })
    pass(50)
    first.ack((offset) => offset !== 7)
    first.subscription?.unsubscribe()
    pass(50)
    const second = read()
    pass(50)
    expect(second.delivered()).toEqual([7])
  })

  it('counts the gaps of compaction and of transactions as done', () => {
    produce(kafka, 'numbers', range(0, 3))
    kafka.skip('numbers', 0, 4)
    produce(kafka, 'numbers', range(3, 6))
    const { delivered, ack } = read()
    pass(50)
    ack((offset) => offset === 1 || offset === 8)
    pass(2000)
    expect(kept().acks).toEqual({ low: 0, ranges: [1, 2, 3, 7, 8, 9] })
    delivered()
    crash()
    expect(delivered()).toEqual([0, 2, 7, 9])
  })

  describe('reads no acks from metadata', () => {
    /** Commits as another program would, and gives what a source then tells and reads. */
    function afterCommit(offset: number, metadata: string) {
      produce(kafka, 'numbers', range(0, 5))
      const other = new Reader(kafka, { groupId: 'group', topics: ['numbers'] })
      pass(50)
      other.commit([{ topic: 'numbers', partition: 0, offset, metadata }], () => {})
      pass(50)
      other.leave(() => {})
      pass(50)
      const { events, delivered } = read()
      pass(50)
      return { told: events.filter(({ type }) => type === 'metadataIgnored'), seen: delivered() }
    }

    it('of another program, and says so', () => {
      const { told, seen } = afterCommit(1, 'checkpoint 17')
      expect(seen).toEqual([1, 2, 3, 4])
      expect(told).toMatchObject([
        { groupId: 'group', place: { topic: 'numbers', partition: 0, offset: 1 }, metadata: 'checkpoint 17' },
      ])
    })

    it('that came with another offset, and says so', () => {
      const { told, seen } = afterCommit(2, 'acks1:rAQEC')
      expect(decodeAcks('acks1:rAQEC')).toEqual({ low: 1, ranges: [2, 4] })
      expect(seen).toEqual([2, 3, 4])
      expect(told).toMatchObject([{ reason: 'it belongs to offset 1, and something else has moved the group to 2' }])
    })

    it('that is empty, without a word', () => {
      expect(afterCommit(1, '')).toEqual({ told: [], seen: [1, 2, 3, 4] })
    })
  })

  it('goes on without when the broker takes no metadata, and commits the offset at once', () => {
    produce(kafka, 'numbers', range(0, 10))
    const { ack, events } = read()
    pass(50)
    kafka.failCommits('metadata')
    ack((offset) => offset < 4 || offset === 6)
    pass(1001)
    expect(events.map(({ type }) => type)).toEqual(['assigned', 'commitFailed', 'committed'])
    expect(kept()).toEqual({ offset: 4, acks: undefined })
    ack((offset) => offset === 8)
    pass(5000)
    expect(kafka.commits).toHaveLength(2)
  })

  it('loses nothing and repeats nothing that a commit has kept, whatever is acked and whenever it crashes', {
    timeout: 60_000,
  }, () => {
    const property = fc.property(fc.array(step, { maxLength: 40 }), fc.integer({ min: 1, max: 30 }), (steps, size) => {
      start(size)
      const life = new Life()
      for (const one of steps) life.take(one)
      life.end()
    })
    fc.assert(property, { numRuns: 300 })
  })
})

type Step =
  | readonly ['ack', readonly number[]]
  | readonly ['pass' | 'send' | 'skip', number]
  | readonly ['crash', undefined]

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(fc.constant('ack' as const), fc.array(fc.nat(200), { maxLength: 40 })) },
  { weight: 3, arbitrary: fc.tuple(fc.constant('pass' as const), fc.integer({ min: 1, max: 2500 })) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('send' as const), fc.integer({ min: 1, max: 40 })) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('skip' as const), fc.integer({ min: 1, max: 5 })) },
  { weight: 1, arbitrary: fc.constant(['crash', undefined] as const) },
)

/** A source that crashes now and then, and what it was given and acked. */
class Life {
  private readonly reader = read()
  private readonly seen = new Set<number>()
  private readonly acked = new Set<number>()

  take([what, how]: Step): void {
    if (what === 'crash') this.crash()
    else if (what === 'ack') this.ack((offset) => how.includes(offset))
    else if (what === 'pass') pass(how)
    else if (what === 'skip') kafka.skip('numbers', 0, how)
    else produce(kafka, 'numbers', range(0, how))
  }

  /** What comes again is exactly what the last commit did not keep; and what that kept was acked. */
  crash(): void {
    this.note()
    const { offset: low = 0, acks } = kept()
    kafka.expel('group')
    pass(300)
    const open = offsets().filter((offset) => offset >= low && !isWithin(acks?.ranges ?? [], offset))
    expect(this.note()).toEqual(open)
    for (const offset of offsets()) if (!open.includes(offset)) expect(this.acked).toContain(offset)
  }

  end(): void {
    produce(kafka, 'numbers', [0])
    for (let i = 0; i < 5; i++) {
      pass(1500)
      this.ack(() => true)
    }
    pass(1500)
    this.note()
    expect([...this.seen].sort((a, b) => a - b)).toEqual(offsets())
    expect(kafka.committed('group', 'numbers').get(0)).toBe(kafka.endOffsets('numbers').get(0))
  }

  private ack(isDone: (offset: number) => boolean): void {
    for (const { offset, signal } of this.reader.messages) if (isDone(offset) && !signal.aborted) this.acked.add(offset)
    this.reader.ack(isDone)
  }

  private note(): readonly number[] {
    const delivered = this.reader.delivered()
    for (const offset of delivered) this.seen.add(offset)
    return delivered
  }
}

const offsets = () => kafka.messages('numbers').map(({ offset }) => Number(offset))

function isWithin(ranges: readonly number[], offset: number): boolean {
  for (let i = 0; i < ranges.length; i += 2)
    if (offset >= (ranges[i] as number) && offset < (ranges[i + 1] as number)) return true
  return false
}
