import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Child } from './child.ts'
import { RealKafka } from './kafka.ts'
import { COUNT, costOfKill, type Effects, PARTITIONS, Processes, sum } from './processes.ts'
import { drawFrom, printedSeed } from './seeded.ts'
import { until } from './until.ts'
import type { Example } from './useCase.ts'

const IN_ORDER = { code: 0, signal: null }

/**
 * Kills, ends and doubles the process of an example while it works, and counts what was lost and done twice.
 *
 * @param latency ms by which its server is slowed down, so that 10,000 messages take about five seconds
 */
export function crashSuite(example: Example, latency: number): void {
  describe(`${example} in processes of its own`, () => {
    let real: RealKafka
    let all: Processes
    const seed = printedSeed()

    beforeAll(async () => {
      real = await RealKafka.connect()
    })

    beforeEach(async ({ onTestFailed }) => {
      all = await Processes.make(real, example, seed, latency)
      onTestFailed(() => console.log(all.lastWords))
    })

    afterEach(() => all.close())

    afterAll(() => real.close())

    it('loses nothing by kill -9, and repeats at most what was in flight and one commit interval', async () => {
      const told = await killInTheMiddle(all, 0.3 + drawFrom(seed)(30) / 100)
      console.log(`${example}: ${told}`)
    })

    it('loses nothing by kill -9 just after a commit, when others are in flight', () => killAfterCommits(all))

    it('loses and repeats nothing by SIGTERM, and ends by itself', () => endInTheMiddle(all))

    it('scales out to a second process and back, and loses and repeats nothing', async () => {
      await scaleOutAndBack(all)
      console.log(`${example}: ${all.acked.join(' by the first process, ')} by the second`)
    })
  })
}

/** Gives the counts in words. */
async function killInTheMiddle(all: Processes, part: number): Promise<string> {
  const first = all.start()
  await all.reach(part)
  await first.end('SIGKILL')
  const before = await all.settledEffects()
  const uncommitted = before.size - (await all.committed())
  const bound = costOfKill(first.log())
  expect(before.size).toBeLessThan(0.9 * COUNT)

  await finish(all, all.start())
  const after = await all.effects()
  const twice = sum(repeated(after).map(([, times]) => times - 1))
  expect(after.size).toBe(COUNT)
  expect(twice).toBeLessThanOrEqual(uncommitted)
  expect(uncommitted).toBeLessThanOrEqual(bound)
  const rest = `${uncommitted} of them were not committed, ${twice} were repeated; at most ${bound} allowed`
  return `kill -9 after ${before.size} effects; ${rest}`
}

/** What is in flight then is what a commit of too much would lose. */
async function killAfterCommits(all: Processes): Promise<void> {
  for (const death of ['first', 'second']) {
    const child = all.start({ dieAfter: 0.2 * COUNT })
    expect(await child.exited, `the ${death} death`).toEqual({ code: null, signal: 'SIGKILL' })
  }
  await finish(all, all.start())
}

async function endInTheMiddle(all: Processes): Promise<void> {
  const first = all.start()
  await all.reach(0.3)
  expect(await first.end('SIGTERM')).toEqual(IN_ORDER)
  const before = await all.effects()
  expect(before.size).toBeLessThan(0.9 * COUNT)
  expect(await all.committed()).toBe(before.size)

  await finish(all, all.start())
  expectOnce(await all.effects())
}

async function scaleOutAndBack(all: Processes): Promise<void> {
  const first = all.start()
  await all.reach(0.05)
  const second = all.start()
  await until('both processes work', () => second.logged('acked').length > 0.05 * COUNT)
  expect([first, second].map(partitionsOf)).toEqual([PARTITIONS / 2, PARTITIONS / 2])
  expect(await first.end('SIGTERM')).toEqual(IN_ORDER)
  expect(sum(all.acked)).toBeLessThan(0.9 * COUNT)

  await finish(all, second)
  expect(partitionsOf(second)).toBe(PARTITIONS)
  expect(sum(all.acked)).toBe(COUNT)
  expectOnce(await all.effects())
}

/** Lets a process do what is left; then all has come out, and it ends by itself. */
async function finish(all: Processes, last: Child): Promise<void> {
  await all.allCommitted()
  expect(await last.end('SIGTERM')).toEqual(IN_ORDER)
  const { actual, expected } = await all.results()
  expect(actual).toEqual(expected)
}

function expectOnce(effects: Effects): void {
  expect(effects.size).toBe(COUNT)
  expect(repeated(effects)).toEqual([])
}

/** Effects that came more than once. */
function repeated(effects: Effects): (readonly [id: string, times: number])[] {
  return [...effects].filter(([, times]) => times !== 1)
}

/** Partitions that a process has, or had last. */
function partitionsOf(child: Child): number {
  return Number(child.logged('assigned').at(-1)?.detail)
}
