import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AdapterWorld } from '../../support/fakeKafkajs/adapterWorld.ts'
import { settled } from '../../support/fakeKafkajs/turns.ts'
import { holdsInTime } from '../../support/property.ts'

type Step = readonly [name: keyof typeof STEPS, n: number]

const SHARES = [[0, 1], [0], [1], []]
const away = () => Object.assign(new Error('Connection closed'), { name: 'KafkaJSConnectionError' })

const STEPS = {
  turn: (world, n) => world.turns.take(n),
  fail: (world, n) => world.turns.take(n, away()),
  pass: (world, n) => world.pass([0, 50, 200, 1000, 3000, 10_000][n % 6] as number),
  produce: (world, n) => world.produce(1 + (n % 6)),
  ack: (world, n) => world.ack(n),
  rebalance: (world, n) => world.rebalance(SHARES[n % 4] as number[]),
  other: (world) => world.workElsewhere(),
  expel: (world) => world.expel(),
  drain: (world) => world.drain(),
  unsubscribe: (world) => world.abandon(),
  subscribe: (world) => world.subscribe(),
} satisfies Record<string, (world: AdapterWorld, n: number) => void | Promise<void>>

/** Beside the others, so that most lives get as far as to commit. */
const WEIGHTS: Partial<Record<keyof typeof STEPS, number>> = {
  turn: 50,
  pass: 10,
  ack: 14,
  produce: 5,
  rebalance: 4,
  other: 4,
  fail: 2,
  subscribe: 3,
}
const names = Object.keys(STEPS) as (keyof typeof STEPS)[]
const weighted = names.flatMap((name) => Array<keyof typeof STEPS>(WEIGHTS[name] ?? 1).fill(name))
const steps: fc.Arbitrary<Step[]> = fc.array(fc.tuple(fc.constantFrom(...weighted), fc.nat(15)), {
  maxLength: 100,
  size: 'max',
})

interface Life {
  /** Whether commits are asked for at any time, or by a source, which knows when. */
  readonly isRestless: boolean
  readonly all: readonly Step[]
}

const lives: fc.Arbitrary<Life> = fc.record({ isRestless: fc.boolean(), all: steps })

async function live({ isRestless, all }: Life, world = new AdapterWorld(isRestless)): Promise<void> {
  await world.start()
  for (const [name, n] of all) {
    await STEPS[name](world, n)
    await settled()
    world.check()
  }
  await world.finish()
}

async function inWords(life: Life): Promise<string> {
  const world = new AdapterWorld(life.isRestless)
  world.story = []
  await live(life, world).catch(() => {})
  return world.story
    .slice(0, 200)
    .map((line) => `  ${line}`)
    .join('\n')
}

describe('kafkajs(kafka), whatever the order in which its promises settle', () => {
  it('commits nothing that is not acked, nothing of others, and comes to its end', { timeout: 120_000 }, async () => {
    const { RUNS = 100 } = process.env
    const least = Math.min(100, Number(RUNS))
    expect(await holdsInTime(lives, (life) => live(life), { ms: 5000, inWords })).toBeGreaterThanOrEqual(least)
  })
})
