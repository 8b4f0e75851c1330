import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chaos, type Outcome } from '../chaos/chaos.ts'
import { consumerNamed } from '../chaos/consumers.ts'
import { OwnBroker } from '../chaos/ownBroker.ts'
import type { Fault } from '../chaos/plan.ts'
import { summaryOf, violationsOf } from '../chaos/report.ts'
import { SPARE } from '../chaos/stage.ts'
import { printedSeed } from './support/seeded.ts'

const MEMBERS = 3

/** One of each that a process meets in a bad week; `npm run chaos` draws more of them, and others. */
const PLAN: readonly Fault[] = [
  { name: 'kill', at: 4000, slot: 0, lasts: 1000 },
  { name: 'restart', at: 8000, slot: 1, lasts: 500 },
  { name: 'freeze', at: 12_000, slot: 2, lasts: 9000 },
  { name: 'storm', at: 24_000, slot: 0, lasts: 6000 },
  { name: 'cut', at: 33_000, slot: 0, lasts: 2000 },
  { name: 'kill broker', at: 38_000, slot: 0, lasts: 1000 },
]

describe('a group of three processes', () => {
  let outcome: Outcome
  const aborting = new AbortController()

  beforeAll(async () => {
    const seed = printedSeed()
    const consumer = await consumerNamed('ours', () => {})
    const options = { seed, plan: PLAN, length: 50_000, members: MEMBERS, rate: 200, consumer, sessionTimeout: 6000 }
    const said: string[] = []
    const say = (line: string) => void said.push(line)
    outcome = await chaos(new OwnBroker(21_900, MEMBERS + SPARE), { ...options, signal: aborting.signal, say })
    console.log(summaryOf(outcome, seed))
    if (violationsOf(outcome).length > 0) console.log(said.join('\n'))
  }, 300_000)

  afterAll(() => aborting.abort())

  it('loses nothing by kill -9, SIGSTOP, SIGTERM, a killed broker, a cut connection and a join storm', () => {
    expect(outcome.messages).toBeGreaterThan(5000)
    expect(outcome).toMatchObject({ lost: [], unread: [] })
  })

  it('repeats what was in flight or not committed at a fault, and nothing else', () => {
    expect(outcome.needless).toEqual([])
    expect(outcome.duplicated).toBeLessThanOrEqual(outcome.bound)
  })

  it('commits nothing that is not done, and never goes back', () => {
    expect(outcome).toMatchObject({ above: [], backwards: [] })
  })

  it('keeps the order of each key, and delivers no aborted transaction', () => {
    expect(outcome).toMatchObject({ disorders: [], aborted: [] })
  })

  it('makes progress all the time, and ends in order when it is asked to', () => {
    expect(outcome.violations).toEqual([])
  })
})
