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

const WEIGHTS: Partial<Record<keyof typeof STEPS, number>> = {
  turn: 24,
  pass: 8,
  ack: 8,
  produce: 3,
  rebalance: 3,
  other: 3,
}
const names = Object.keys(STEPS) as (keyof typeof STEPS)[]
const weighted = names.flatMap((name) => Array<keyof typeof STEPS>(WEIGHTS[name] ?? 1).fill(name))
const steps: fc.Arbitrary<Step[]> = fc.array(fc.tuple(fc.constantFrom(...weighted), fc.nat(15)), {
  maxLength: 60,
  size: 'max',
})

async function live(all: readonly Step[], world = new AdapterWorld()): Promise<void> {
  for (const [name, n] of all) {
    await STEPS[name](world, n)
    await settled()
    world.check()
  }
  await world.finish()
}

async function inWords(all: readonly Step[]): Promise<string> {
  const world = new AdapterWorld()
  world.story = []
  await live(all, world).catch(() => {})
  return world.story
    .slice(0, 200)
    .map((line) => `  ${line}`)
    .join('\n')
}

describe('kafkajs(kafka), whatever the order in which its promises settle', () => {
  it('commits nothing that is not acked, nothing of others, and comes to its end', { timeout: 120_000 }, async () => {
    expect(await holdsInTime(steps, (all) => live(all), { ms: 10_000, inWords })).toBeGreaterThan(100)
  })
})
