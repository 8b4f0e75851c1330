import fc from 'fast-check'
import type { Subscription } from 'rxjs'
import { TestScheduler } from 'rxjs/testing'
import { describe, expect, it } from 'vitest'
import { text } from '../../lib/codec.ts'
import { fromTopic } from '../../lib/fromTopic.ts'
import type { Member } from '../../lib/members.ts'
import { type MemoryBroker, memoryBroker } from '../../lib/memory/memoryBroker.ts'
import type { Message } from '../../lib/message.ts'
import type { SourceOptions } from '../../lib/sourceOptions.ts'
import { topic } from '../../lib/topic.ts'
import { HandBroker } from '../support/handBroker.ts'
import { virtualTime } from '../support/virtualTime.ts'

const PARTITIONS = 3
const BATCH = 4
/** Bytes of a message. */
const SIZE = 10
const lines = topic('lines', text)

/** A member that reads from a memory broker in virtual time; messages of 10 bytes each. */
class World {
  readonly clock = new TestScheduler(() => {})
  readonly kafka: MemoryBroker
  readonly open: Message<string>[] = []
  readonly seen = new Set<string>()
  delivered = 0
  sent = 0
  isPaused = false
  private member!: Member
  private subscription!: Subscription

  constructor(options: Partial<SourceOptions>) {
    this.clock.maxFrames = 0
    this.kafka = memoryBroker({ clock: this.clock, topics: { lines: PARTITIONS }, batchSize: BATCH })
    const take = (member: Member) => {
      this.member = member
    }
    const source = fromTopic(this.kafka, lines, { groupId: 'group', drainTimeout: 30, ...options })
    this.kafka.members.claim(take, () => {
      this.subscription = source.subscribe((message) => {
        this.delivered++
        this.seen.add(message.id)
        this.open.push(message)
      })
    })
    this.pass(1)
  }

  get isDone(): boolean {
    return this.seen.size === this.sent && this.open.length === 0
  }

  get bytes(): number {
    return this.member.health().bytes
  }

  pass(ms: number): void {
    this.clock.maxFrames = this.clock.now() + ms
    this.clock.schedule(() => {}, ms)
    this.clock.flush()
  }

  send(count: number, partition: number): void {
    const message = { topic: 'lines', partition: partition % PARTITIONS, key: null, value: 'x'.repeat(SIZE) }
    this.kafka.send(Array(count).fill(message), () => {})
    this.sent += count
  }

  ack(which: number): void {
    this.open.splice(which % Math.max(1, this.open.length), 1)[0]?.ack()
  }

  ackAll(): void {
    for (const message of this.open.splice(0)) message.ack()
  }

  pause(): void {
    this.isPaused = true
    this.member.pause()
  }

  resume(): void {
    this.isPaused = false
    this.member.resume()
  }

  close(): void {
    this.subscription.unsubscribe()
  }
}

type Step = readonly [name: 'send' | 'ack' | 'pass' | 'pause' | 'resume' | 'rebalance' | 'expel', n: number]

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(fc.constant('send' as const), fc.integer({ min: 1, max: 20 })) },
  { weight: 8, arbitrary: fc.tuple(fc.constant('ack' as const), fc.nat(50)) },
  { weight: 6, arbitrary: fc.tuple(fc.constant('pass' as const), fc.integer({ min: 1, max: 40 })) },
  { weight: 3, arbitrary: fc.tuple(fc.constantFrom('pause' as const, 'resume' as const), fc.constant(0)) },
  fc.tuple(fc.constantFrom('rebalance' as const, 'expel' as const), fc.constant(0)),
)

function take(world: World, [name, n]: Step): void {
  const { delivered, isPaused } = world
  if (name === 'send') world.send(n, n)
  else if (name === 'ack') world.ack(n)
  else if (name === 'pass') world.pass(n)
  else if (name === 'rebalance') world.kafka.rebalance('group')
  else if (name === 'expel') world.kafka.expel('group')
  else world[name]()
  // What the user has paused delivers nothing, whatever back-pressure does meanwhile.
  if (isPaused && name !== 'resume') expect(world.delivered).toBe(delivered)
}

describe('back-pressure', () => {
  it('leaves no partition paused for ever, and none running that the user paused', () => {
    const property = fc.property(
      fc.array(step, { maxLength: 60 }),
      fc.constantFrom(1, 45, 90, 1000),
      fc.constantFrom(2, 6, 1000),
      (steps, maxBytes, maxInFlight) => {
        const world = new World({ maxBytes, maxInFlight })
        for (const each of steps) {
          take(world, each)
          // Each partition may have asked for one more batch when the last one came.
          expect(world.bytes).toBeLessThanOrEqual(maxBytes + PARTITIONS * BATCH * SIZE)
        }
        world.resume()
        for (let round = 0; round < 400 && !world.isDone; round++) {
          world.pass(20)
          world.ackAll()
        }
        expect(world.seen.size).toBe(world.sent)
        // An expelled member comes back, and is given some once more.
        world.pass(2000)
        world.ackAll()
        expect(world.bytes).toBe(0)
        world.close()
      },
    )
    fc.assert(property, { numRuns: 300 })
  })

  it('fetches no more above maxBytes, and again at half', () => {
    const world = new World({ maxBytes: 100 })
    for (let partition = 0; partition < PARTITIONS; partition++) world.send(20, partition)
    world.pass(1)
    expect([world.open.length, world.bytes]).toEqual([12, 120])
    for (let i = 0; i < 4; i++) world.ack(0)
    world.pass(1)
    expect([world.open.length, world.bytes]).toEqual([8, 80])
    for (let i = 0; i < 4; i++) world.ack(0)
    world.pass(1)
    expect(world.open.length).toBeGreaterThan(4)
    world.close()
  })

  it('lets a batch pass that weighs more than maxBytes by itself', () => {
    const world = new World({ maxBytes: 1 })
    world.send(10, 0)
    world.pass(1)
    expect(world.open).toHaveLength(4)
    world.ackAll()
    world.pass(1)
    expect(world.open).toHaveLength(4)
    world.close()
  })

  it('holds back after a rebalance too, although the user has paused', () => {
    const kafka = new HandBroker(virtualTime())
    const members: Member[] = []
    const take = (member: Member) => members.push(member)
    const source = fromTopic(kafka, topic('numbers', text), { groupId: 'group', maxBytes: 1, drainTimeout: 0 })
    kafka.members.claim(take, () => source.subscribe())
    kafka.assign()
    kafka.deliver(0, 2)
    members[0]?.pause()
    kafka.revoke()
    kafka.assign()
    expect(kafka.calls).toEqual(['pause 0', 'seek 0@2', 'pause 0'])
  })

  it('does not count what is acked behind a message that is not', () => {
    const world = new World({ maxBytes: 80 })
    world.send(40, 0)
    for (let round = 0; round < 20; round++) {
      world.pass(1)
      for (const message of world.open.splice(1)) message.ack()
    }
    expect(world.open.map(({ offset }) => offset)).toEqual([0])
    expect([world.delivered, world.bytes]).toEqual([40, 40])
    world.close()
  })
})
