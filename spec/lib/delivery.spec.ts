import fc from 'fast-check'
import type { Subscription } from 'rxjs'
import { TestScheduler } from 'rxjs/testing'
import { describe, expect, it } from 'vitest'
import { json } from '../../lib/codec.ts'
import { fromTopic } from '../../lib/fromTopic.ts'
import { type MemoryBroker, memoryBroker } from '../../lib/memory/memoryBroker.ts'
import type { Message } from '../../lib/message.ts'
import { topic } from '../../lib/topic.ts'
import { holds } from '../support/property.ts'

const PARTITIONS = 3
const numbers = topic('numbers', json<number>())

/** A world of two members at most, in virtual time, and the log of what they were given and what they acked. */
class World {
  readonly clock = new TestScheduler(() => {})
  readonly kafka: MemoryBroker
  readonly delivered: string[] = []
  readonly acked = new Set<string>()
  sent = 0
  private readonly members: { open: Message<number>[]; subscription: Subscription }[] = []

  constructor() {
    this.kafka = memoryBroker({ clock: this.clock, topics: { numbers: PARTITIONS }, batchSize: 7 })
    this.join()
  }

  pass(ms: number): void {
    this.clock.maxFrames = this.clock.now() + ms
    this.clock.schedule(() => {}, ms)
    this.clock.flush()
  }

  join(): void {
    if (this.members.length === 2) return
    const open: Message<number>[] = []
    const options = { groupId: 'group', maxInFlight: 5, drainTimeout: 30 }
    const subscription = fromTopic(this.kafka, numbers, options).subscribe((message) => {
      this.delivered.push(message.id)
      open.push(message)
    })
    this.members.push({ open, subscription })
  }

  leave(which: number): void {
    const [gone] = this.members.splice(which % this.members.length, 1)
    gone?.subscription.unsubscribe()
    if (this.members.length === 0) this.join()
  }

  send(count: number): void {
    const to = (i: number) => ({ topic: 'numbers', partition: i % PARTITIONS, key: null, value: String(i) })
    this.kafka.send(
      Array.from({ length: count }, () => to(this.sent++)),
      () => {},
    )
  }

  ack(which: number): void {
    const open = this.members.flatMap((member) => member.open)
    const message = open[which % Math.max(1, open.length)]
    if (message === undefined) return
    for (const member of this.members) {
      const place = member.open.indexOf(message)
      if (place >= 0) member.open.splice(place, 1)
    }
    this.settle(message)
  }

  ackAll(): void {
    for (const member of this.members) for (const message of member.open.splice(0)) this.settle(message)
  }

  /** No message was committed that nobody has acked. */
  check(): void {
    for (const [partition, offset] of this.kafka.committed('group', 'numbers'))
      for (let below = 0; below < offset; below++) expect(this.acked).toContain(`numbers-${partition}-${below}`)
  }

  private settle(message: Message<number>): void {
    if (!message.signal.aborted) this.acked.add(message.id)
    message.ack()
  }
}

type Step = readonly [
  name: 'send' | 'ack' | 'pass' | 'join' | 'leave' | 'rebalance' | 'expel' | 'failCommit',
  n: number,
]

const step = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(fc.constant('send' as const), fc.integer({ min: 1, max: 20 })) },
  { weight: 8, arbitrary: fc.tuple(fc.constant('ack' as const), fc.nat(50)) },
  { weight: 6, arbitrary: fc.tuple(fc.constant('pass' as const), fc.integer({ min: 1, max: 1500 })) },
  fc.tuple(fc.constantFrom('join', 'leave', 'rebalance', 'expel', 'failCommit'), fc.nat(3)),
)

function take(world: World, [name, n]: Step): void {
  if (name === 'send') world.send(n)
  else if (name === 'ack') world.ack(n)
  else if (name === 'pass') world.pass(n)
  else if (name === 'join') world.join()
  else if (name === 'leave') world.leave(n)
  else if (name === 'rebalance') world.kafka.rebalance('group')
  else if (name === 'expel') world.kafka.expel('group', 0)
  else world.kafka.failCommits((['retriable', 'rebalancing', 'fenced'] as const)[n % 3] ?? 'retriable')
}

function finish(world: World): void {
  world.send(1)
  for (let round = 0; round < 200 && !isDone(world); round++) {
    world.pass(500)
    world.ackAll()
  }
}

const isDone = (world: World) => {
  const committed = world.kafka.committed('group', 'numbers')
  return [...world.kafka.endOffsets('numbers')].every(([partition, end]) => (committed.get(partition) ?? 0) === end)
}

describe('a delivery', () => {
  it('loses nothing, commits nothing unacked and comes to an end, whatever happens', () => {
    const live = (steps: Step[]) => {
      const world = new World()
      for (const each of steps) {
        take(world, each)
        world.check()
      }
      finish(world)
      world.check()
      expect(isDone(world)).toBe(true)
      expect(new Set(world.delivered).size).toBe(world.sent)
    }
    holds(fc.array(step, { maxLength: 60 }), live, { runs: 300 })
  })

  it('repeats nothing when it only rebalances and settles in time', () => {
    const gentle = fc.oneof(
      { weight: 4, arbitrary: fc.tuple(fc.constant('send' as const), fc.integer({ min: 1, max: 20 })) },
      { weight: 2, arbitrary: fc.tuple(fc.constantFrom('rebalance', 'join'), fc.constant(0)) },
    )
    const live = (steps: Step[]) => {
      const world = new World()
      for (const each of steps) {
        take(world, each)
        for (let i = 0; i < 5; i++) {
          world.pass(3)
          world.ackAll()
        }
        world.pass(1000)
        world.ackAll()
      }
      finish(world)
      expect(world.delivered).toHaveLength(world.sent)
    }
    holds(fc.array(gentle, { maxLength: 30 }), live, { runs: 200 })
  })
})
