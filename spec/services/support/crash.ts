import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { Child, type Logged } from './child.ts'
import { RealKafka } from './kafka.ts'
import type { Job } from './pipelines.ts'
import { drawFrom, printedSeed } from './seeded.ts'
import { writeTopic } from './topicLog.ts'
import { until } from './until.ts'
import { type Example, type UseCase, useCase } from './useCase.ts'

const COUNT = 10_000
const PARTITIONS = 4
/** Few in flight, so that the work takes long enough to be killed in the middle. */
const SOURCE = { maxInFlight: 10, commitInterval: 100, sessionTimeout: 3000, maxWaitTimeInMs: 100 }
/** ms that a commit may be late: its own way to the broker and back, on a busy machine. */
const COMMIT_LATE = 300

/**
 * Kills, ends and doubles the process of an example while it works, and counts what was lost and done twice.
 *
 * @param latency ms by which its server is slowed down, so that 10,000 messages take about five seconds
 */
export function crashSuite(example: Example, latency: number): void {
  describe(`${example} in processes of its own`, () => {
    let real: RealKafka
    let made: UseCase
    let children: Child[]
    const seed = printedSeed()
    const draw = drawFrom(seed)

    const start = (more: Partial<Job> = {}) => {
      const options = { ...SOURCE, prefix: made.prefix }
      const child = new Child({ example, place: made.place, options, latency, ...more })
      children.push(child)
      return child
    }
    const acked = () => children.reduce((sum, child) => sum + child.logged('acked').length, 0)
    const ackedReaches = (part: number) => until(`${part} of ${COUNT} are acked`, () => acked() >= part * COUNT)
    const effects = () => made.effects(children.flatMap((child) => child.logged('sent').map(({ detail }) => detail)))
    const committed = async () => sum([...(await real.committed(made.groupId, made.input)).values()])
    const allCommitted = () => until('all is committed', async () => (await committed()) === COUNT, 60_000)

    beforeAll(async () => {
      real = await RealKafka.connect()
    })

    beforeEach(async ({ onTestFailed }) => {
      children = []
      onTestFailed(() => console.log(children.map((child) => child.lastWords).join('\n\n')))
      made = await useCase(real, example, { seed, count: COUNT, partitions: PARTITIONS, latency })
      await writeTopic(real, made.input, made.messages)
    })

    afterEach(async () => {
      await Promise.all(children.map((child) => child.close()))
      await made.close()
    })

    afterAll(() => real.close())

    it('loses nothing by kill -9, and repeats at most what was in flight and one commit interval', async () => {
      const first = start()
      await ackedReaches(0.3 + draw(30) / 100)
      await first.end('SIGKILL')
      const before = await settled(effects)
      const uncommitted = before.size - (await committed())
      const bound = PARTITIONS * SOURCE.maxInFlight + ackedInLastInterval(first.log())
      expect(before.size).toBeLessThan(0.9 * COUNT)

      const second = start()
      await allCommitted()
      expect(await second.end('SIGTERM')).toEqual({ code: 0, signal: null })

      const after = await effects()
      const twice = sum(repeated(after).map(([, times]) => times - 1))
      const rest = `${uncommitted} of them were not committed, ${twice} were repeated; at most ${bound} allowed`
      console.log(`${example}: kill -9 after ${before.size} effects; ${rest}`)
      expect(after.size).toBe(COUNT)
      expect(await made.actual()).toEqual(made.expected)
      expect(twice).toBeLessThanOrEqual(uncommitted)
      expect(uncommitted).toBeLessThanOrEqual(bound)
    })

    it('loses nothing by kill -9 just after a commit, when others are in flight', async () => {
      for (const times of [1, 2]) {
        const child = start({ dieAfter: 0.2 * COUNT })
        expect(await child.exited, `death ${times}`).toEqual({ code: null, signal: 'SIGKILL' })
      }
      const last = start()
      await allCommitted()
      expect(await last.end('SIGTERM')).toEqual({ code: 0, signal: null })
      expect(await made.actual()).toEqual(made.expected)
    })

    it('loses and repeats nothing by SIGTERM, and ends by itself', async () => {
      const first = start()
      await ackedReaches(0.3)
      expect(await first.end('SIGTERM')).toEqual({ code: 0, signal: null })
      const before = await effects()
      expect(before.size).toBeLessThan(0.9 * COUNT)
      expect(await committed()).toBe(before.size)

      const second = start()
      await allCommitted()
      expect(await second.end('SIGTERM')).toEqual({ code: 0, signal: null })
      const after = await effects()
      expect(after.size).toBe(COUNT)
      expect(repeated(after)).toEqual([])
      expect(await made.actual()).toEqual(made.expected)
    })

    it('scales out to a second process and back, and loses and repeats nothing', async () => {
      const first = start()
      await ackedReaches(0.05)
      const second = start()
      await until('both processes work', () => second.logged('acked').length > 0.05 * COUNT)
      expect(partitionsOf(first)).toBe(PARTITIONS / 2)
      expect(partitionsOf(second)).toBe(PARTITIONS / 2)
      expect(await first.end('SIGTERM')).toEqual({ code: 0, signal: null })
      expect(acked()).toBeLessThan(0.9 * COUNT)

      await allCommitted()
      expect(partitionsOf(second)).toBe(PARTITIONS)
      expect(await second.end('SIGTERM')).toEqual({ code: 0, signal: null })
      const [one = 0, other = 0] = children.map((child) => child.logged('acked').length)
      console.log(`${example}: ${one} by the first process, ${other} by the second`)
      expect(one + other).toBe(COUNT)
      const all = await effects()
      expect(all.size).toBe(COUNT)
      expect(repeated(all)).toEqual([])
      expect(await made.actual()).toEqual(made.expected)
    })
  })
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0)
}

type Effects = ReadonlyMap<string, number>

/** Effects that came more than once. */
function repeated(effects: Effects): (readonly [id: string, times: number])[] {
  return [...effects].filter(([, times]) => times !== 1)
}

/** The effects once no more come: what was on its way when the process was killed still arrives. */
async function settled(effects: () => Promise<Effects>): Promise<Effects> {
  let last: Effects = new Map()
  await until('nothing is on its way', async () => {
    const before = last.size
    last = await effects()
    return before === last.size
  })
  return last
}

/** Messages that were acked after a commit that left in time would have taken them. */
function ackedInLastInterval(log: readonly Logged[]): number {
  const end = log.at(-1)?.at ?? 0
  const begin = end - SOURCE.commitInterval - COMMIT_LATE
  return log.filter(({ what, at }) => what === 'acked' && at >= begin).length
}

/** Partitions that a process has now. */
function partitionsOf(child: Child): number {
  return Number(child.logged('assigned').at(-1)?.detail)
}
