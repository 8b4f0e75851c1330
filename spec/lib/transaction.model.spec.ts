import fc from 'fast-check'
import { delay, mergeMap, of, type Subscription, throwError } from 'rxjs'
import type { TestScheduler } from 'rxjs/testing'
import { describe, it } from 'vitest'
import { ack } from '../../lib/ack.ts'
import { json } from '../../lib/codec.ts'
import { TransientError } from '../../lib/errors.ts'
import { fromTopic } from '../../lib/fromTopic.ts'
import { type MemoryBroker, memoryBroker } from '../../lib/memory/memoryBroker.ts'
import { deadLetter } from '../../lib/onNack.ts'
import { perMessage } from '../../lib/perMessage.ts'
import { topic } from '../../lib/topic.ts'
import { transaction } from '../../lib/transaction.ts'
import { sendTo } from '../../operators/sendTo/sendTo.ts'
import { holds } from '../support/property.ts'
import { advance, virtualTime } from '../support/virtualTime.ts'

const PARTITIONS = 2
const MEMBERS = 2
/** What happens to a group that works in transactions; the number says how much, or to whom. */
const STEPS = {
  produces: (world: World, n: number) => world.produce(n),
  passes: (world: World, n: number) => world.pass(n * n * 3),
  'passes long': (world: World, n: number) => world.pass(n * 1000),
  'loses the broker': ({ kafka }: World) => kafka.down(),
  'has the broker back': ({ kafka }: World) => kafka.up(),
  'fails to send': ({ kafka }: World) => kafka.failSends(new TransientError('no leader')),
  'fails to commit': ({ kafka }: World) => kafka.failCommits('retriable'),
  'loses the answer of a commit': ({ kafka }: World) => kafka.loseAnswers(),
  rebalances: ({ kafka }: World) => kafka.rebalance('group'),
  'expels a member': ({ kafka }: World, n: number) => kafka.expel('group', n % MEMBERS, n * 30),
  'leaves a member in doubt': ({ kafka }: World, n: number) => kafka.silence('group', n % MEMBERS),
  'skips offsets': ({ kafka }: World, n: number) => kafka.skip('source', n % PARTITIONS, n + 1),
  'unsubscribes a member': (world: World, n: number) => world.restart(n % MEMBERS),
} as const
type Step = readonly [what: keyof typeof STEPS, n: number]

/** A group of two, its broker, and what has to be true at each moment. */
class World {
  readonly kafka: MemoryBroker
  private readonly clock: TestScheduler = virtualTime()
  private readonly members: Subscription[] = []
  private readonly tx
  private produced = 0

  constructor(max: number) {
    const topics = { source: PARTITIONS, target: 3, copies: 1, failed: 1 }
    this.kafka = memoryBroker({ clock: this.clock, topics, batchSize: 5 })
    this.tx = transaction(this.kafka, 'tx', { max, timeout: 3000 })
    for (let i = 0; i < MEMBERS; i++) this.restart(i)
  }

  produce(count: number): void {
    const values = Array.from({ length: count }, () => this.produced++)
    const messages = values.map((n) => ({ topic: 'source', key: null, value: `${n}`, partition: n % PARTITIONS }))
    this.kafka.send(messages, (error) => {
      if (error !== null) this.clock.schedule(() => this.kafka.send(messages, () => {}), 60_000)
    })
  }

  /** Ends a member at once, and begins it again. */
  restart(i: number): void {
    this.members[i]?.unsubscribe()
    const { kafka, clock, tx } = this
    // Messages overtake each other, some are slow, some fail for good.
    const work = perMessage<number, number>(
      (values) =>
        values.pipe(
          mergeMap((n) =>
            n % 7 === 3 ? throwError(() => new Error('seven')) : of(n).pipe(delay((n % 5) * 20, clock)),
          ),
        ),
      { order: 'none' },
    )
    const toTarget = sendTo<number, number>(
      kafka,
      topic('target', json<number>()),
      (n) => ({ key: `${n % 4}`, value: n }),
      {
        transaction: tx,
        batch: { max: 3 },
      },
    )
    const toCopies = sendTo<number, number>(kafka, topic('copies', json<number>()), (n) => ({ key: null, value: n }), {
      transaction: tx,
    })
    const source = fromTopic(kafka, topic('source', json<number>()), {
      ...{ groupId: 'group', commit: tx, onNack: deadLetter('failed'), drainTimeout: 50, commitInterval: 100 },
    })
    this.members[i] = source.pipe(work, toTarget, toCopies, ack()).subscribe()
  }

  pass(ms: number): void {
    advance(this.clock, this.clock.now() + ms)
  }

  /** What is visible is what was made of the messages below the committed offsets: all of it, once. */
  check(): void {
    const committed = this.kafka.committed('group', 'source')
    const done = this.kafka
      .messages('source')
      .filter(({ partition, offset }) => offset < (committed.get(partition) ?? 0))
    const values = done.map(({ value }) => Number(String(value))).sort((a, b) => a - b)
    const good = values.filter((n) => n % 7 !== 3)
    for (const name of ['target', 'copies']) same(name, this.values(name), good)
    same(
      'failed',
      this.values('failed'),
      values.filter((n) => n % 7 === 3),
    )
  }

  /** In the end all of it is. */
  finish(): void {
    this.kafka.up()
    this.kafka.confirm('group')
    this.pass(600_000)
    this.check()
    const count = this.kafka.messages('copies').length + this.kafka.messages('failed').length
    if (count !== this.kafka.messages('source').length) throw new Error(`${count} of ${this.produced} were processed`)
  }

  private values(name: string): number[] {
    const all = this.kafka.messages(name).map(({ value }) => Number(String(value)))
    return all.sort((a, b) => a - b)
  }
}

function same(name: string, seen: readonly number[], expected: readonly number[]): void {
  if (String(seen) !== String(expected)) throw new Error(`${name} has ${seen}, and should have ${expected}`)
}

function live({ max, steps }: { readonly max: number; readonly steps: readonly Step[] }): void {
  const world = new World(max)
  for (const [what, n] of steps) {
    STEPS[what](world, n)
    world.check()
  }
  world.finish()
}

describe('a group that commits in transactions', () => {
  it('shows each message once, with its offset, whatever happens', () => {
    const step = fc.tuple(
      fc.constantFrom(...(Object.keys(STEPS) as (keyof typeof STEPS)[])),
      fc.integer({ min: 0, max: 12 }),
    )
    const lives = fc.record({
      max: fc.constantFrom(1, 3, 1000),
      steps: fc.array(step, { minLength: 5, maxLength: 60 }),
    })
    const inWords = ({ max, steps }: { max: number; steps: Step[] }) =>
      `max ${max}: ${steps.map(([what, n]) => `${what} ${n}`).join(', ')}`
    holds(lives, live, { runs: 100, inWords })
  })
})
