import fc from 'fast-check'
import { map, mergeMap, type Observable, retry, timer } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { ack } from '../../lib/ack.ts'
import { json } from '../../lib/codec.ts'
import { TransientError } from '../../lib/errors.ts'
import { fromTopic } from '../../lib/fromTopic.ts'
import type { Member } from '../../lib/members.ts'
import { memoryBroker } from '../../lib/memory/memoryBroker.ts'
import type { Message } from '../../lib/message.ts'
import { type Outcome, perBatch } from '../../lib/perBatch.ts'
import { perMessage } from '../../lib/perMessage.ts'
import { topic } from '../../lib/topic.ts'
import { tapValue } from '../../lib/values.ts'
import { holds } from '../support/property.ts'
import { advance, virtualTime } from '../support/virtualTime.ts'

const PARTITIONS = 2
const KEYS = 3
/** ms that the server takes to answer. */
const ANSWER = 5
/** ms in which all that can be in flight is answered, one after the other. */
const LONGEST = 300
const numbers = topic('numbers', json<number>())

/** Which pipe: one operator, two, one that sends several of a key together, or a chain of the user. */
type Shape = 'one' | 'two' | 'repeats' | 'chain'

type Step = readonly [
  name: 'send' | 'pass' | 'down' | 'up' | 'busy' | 'rebalance' | 'expel' | 'join' | 'leave',
  n: number,
]

/** Members of a group, two at most, that write to one server, which is down or busy now and then. */
class World {
  readonly clock = virtualTime()
  readonly kafka = memoryBroker({ clock: this.clock, topics: { numbers: PARTITIONS }, batchSize: 7 })
  readonly acked = new Set<string>()
  /** The longest that a rebalance or an end has waited, in ms. */
  longest = 0
  sent = 0
  private isDown = false
  private busy = 0
  private readonly shape: Shape
  private readonly members: Joined[] = []
  /** Of each assignment and key the last offset that was done. */
  private readonly done = new Map<AbortSignal, Map<string, number>>()

  constructor(shape: Shape) {
    this.shape = shape
    this.join()
  }

  do([name, n]: Step): void {
    if (name === 'send') for (let i = 0; i < n; i++) this.send()
    else if (name === 'pass') this.pass(n * 20)
    else if (name === 'down') this.isDown = true
    else if (name === 'up') this.isDown = false
    else if (name === 'busy') this.busy += n
    else if (name === 'rebalance') this.kafka.rebalance('group')
    else if (name === 'expel') this.kafka.expel('group', 0)
    else if (name === 'join') this.join()
    else this.leave()
  }

  finish(): void {
    this.isDown = false
    for (let round = 0; round < 100 && this.acked.size < this.sent; round++) this.pass(2000)
    this.pass(5000)
    expect(this.acked.size).toBe(this.sent)
    expect(this.kafka.committed('group', 'numbers')).toEqual(this.kafka.endOffsets('numbers'))
  }

  /** No message was committed that was not acked. */
  check(): void {
    for (const [partition, offset] of this.kafka.committed('group', 'numbers'))
      for (let below = 0; below < offset; below++)
        if (!this.acked.has(`${partition}@${below}`))
          throw new Error(`${partition}@${below} is committed and not acked`)
  }

  private pass(ms: number): void {
    advance(this.clock, this.clock.now() + ms)
  }

  private send(): void {
    const n = this.sent++
    const to = { topic: 'numbers', partition: n % PARTITIONS, key: `${n % KEYS}` }
    this.kafka.send([{ ...to, value: `${n}` }], () => {})
  }

  private join(): void {
    if (this.members.length === 2) return
    const source = fromTopic(this.kafka, numbers, { groupId: 'group', maxInFlight: 20 })
    const finished = tapValue((_value: number, message: Message<number>) => this.finished(message))
    this.kafka.members.claim(
      (member) => this.members.push({ member, since: 0 }),
      () => this.through(source).pipe(finished, ack()).subscribe(),
    )
    const joined = this.members.at(-1) as Joined
    joined.member.listen((event) => {
      if (event.type === 'revoked') this.waited(event.drainMs)
      else if (event.type === 'closed') this.waited(this.clock.now() - joined.since)
    })
  }

  private leave(): void {
    const gone = this.members.shift() as Joined
    gone.since = this.clock.now()
    gone.member.drain()
    if (this.members.length === 0) this.join()
  }

  /** A chain of the user that tries again by itself counts as in flight all the time. */
  private waited(ms: number): void {
    if (this.shape !== 'chain') this.longest = Math.max(this.longest, ms)
  }

  private through(source: Observable<Message<number>>): Observable<Message<number>> {
    const steady = { delay: 100, factor: 1.5, max: 400 }
    if (this.shape === 'chain')
      return source.pipe(
        perMessage(mergeMap((n) => this.askOne(n).pipe(retry({ delay: () => timer(100, this.clock) })))),
      )
    const write = perBatch<number, number, number>(
      (value) => value,
      (_values, { messages }) => this.ask(messages),
      { concurrency: 2, batch: { max: 3 }, retry: steady, repeats: this.shape === 'repeats' },
    )
    return this.shape === 'two' ? source.pipe(write, write) : source.pipe(write)
  }

  private ask(messages: readonly Message<number>[]): Observable<Outcome<number>[]> {
    return timer(ANSWER, this.clock).pipe(
      map(() => {
        if (this.isDown) throw new TransientError('down')
        return messages.map(({ value }) => (this.busy-- > 0 ? { error: new TransientError('busy') } : { value }))
      }),
    )
  }

  private askOne(value: number): Observable<number> {
    return timer(ANSWER, this.clock).pipe(
      map(() => {
        if (this.isDown || this.busy-- > 0) throw new TransientError('down')
        return value
      }),
    )
  }

  private finished({ signal, key, partition, offset }: Message<number>): void {
    const ofAssignment = this.done.get(signal) ?? new Map<string, number>()
    this.done.set(signal, ofAssignment)
    const before = ofAssignment.get(String(key)) ?? -1
    if (offset <= before)
      throw new Error(`${partition}@${offset} is done after ${before}, of the same key and assignment`)
    ofAssignment.set(String(key), offset)
    this.acked.add(`${partition}@${offset}`)
  }
}

interface Joined {
  readonly member: Member
  /** When it was asked to leave, in ms. */
  since: number
}

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(fc.constant('send' as const), fc.integer({ min: 1, max: 20 })) },
  { weight: 6, arbitrary: fc.tuple(fc.constant('pass' as const), fc.integer({ min: 1, max: 40 })) },
  { weight: 4, arbitrary: fc.tuple(fc.constantFrom('down' as const, 'up' as const, 'busy' as const), fc.nat(5)) },
  { weight: 3, arbitrary: fc.tuple(fc.constant('rebalance' as const), fc.constant(0)) },
  fc.tuple(fc.constantFrom('expel' as const, 'join' as const, 'leave' as const), fc.constant(0)),
)

describe('the order of a key in operators', () => {
  it.each<Shape>(['one', 'two', 'repeats', 'chain'])(
    'holds through failures and rebalances, which wait for no server that is down, and nothing is lost: %s',
    (shape) => {
      const live = (steps: readonly Step[]) => {
        const world = new World(shape)
        for (const each of steps) {
          world.do(each)
          world.check()
        }
        world.finish()
        world.check()
        expect(world.longest).toBeLessThan(LONGEST)
      }
      holds(fc.array(step, { maxLength: 50, size: 'max' }), live, { runs: 100 })
    },
    30_000,
  )
})
