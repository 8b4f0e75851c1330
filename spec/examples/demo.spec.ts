import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import { accountOf, type Offsets } from '../../examples/demo/accounting.ts'
import { demoArguments } from '../../examples/demo/arguments.ts'
import { demoData } from '../../examples/demo/data.ts'
import { expectedResults } from '../../examples/demo/expected.ts'
import type { ObservedResults } from '../../examples/demo/observed.ts'
import { type PipelineName, pipelines } from '../../examples/demo/pipelines.ts'
import { accountLines, exitCodeOf, verdictLine } from '../../examples/demo/report.ts'
import { liveView } from '../../examples/demo/view.ts'

const data = demoData(400, 1)
const bad = data.orders.filter((order) => typeof order === 'string')
const whole: ObservedResults = {
  ...expectedResults(data),
  deadLetters: ['confirm-orders', 'order-quality'].flatMap((groupId) =>
    bad.map((text) => ({ text, groupId, topic: 'orders' })),
  ),
}

const ends = (last: number) => new Map([100, 100, last, 100].map((offset, partition) => [partition, offset]))
const done: Offsets = { committed: ends(100), end: ends(100) }
const offsets: Readonly<Record<PipelineName, Offsets>> = {
  saveActivities: done,
  confirmOrders: done,
  checkOrderQuality: done,
  answerSearches: done,
}
const account = (doctored: Partial<ObservedResults> = {}) => accountOf(data, { ...whole, ...doctored }, offsets)

describe('accountOf', () => {
  it('balances when every result is there once', () => {
    const books = account()
    expect(books).toMatchObject({
      produced: 1600,
      processed: 1594,
      deadLettered: 6,
      lost: 0,
      wrong: 0,
      repeated: 0,
      ok: true,
    })
    expect(books.pipelines.confirmOrders).toMatchObject({ produced: 400, processed: 397, deadLettered: 3 })
    expect(exitCodeOf(books, false)).toBe(0)
    expect(exitCodeOf(books, true)).toBe(130)
  })

  it.each([
    ['an activity in a feed', { saveActivities: whole.saveActivities.slice(1) }],
    ['an e-mail', { confirmOrders: whole.confirmOrders.slice(1) }],
    ['an order with its price', { checkOrderQuality: whole.checkOrderQuality.slice(1) }],
    ['an answer', { answerSearches: whole.answerSearches.slice(1) }],
    ['a dead letter', { deadLetters: whole.deadLetters.slice(1) }],
  ])('misses %s that did not come', (_, doctored) => {
    const books = account(doctored)
    expect(books).toMatchObject({ lost: 1, wrong: 0, ok: false })
    expect(exitCodeOf(books, false)).toBe(1)
    expect(exitCodeOf(books, true)).toBe(1)
    expect(verdictLine(books)).toMatch(/^NOT OK: lost 1/)
  })

  it('finds a result with another content than an independent computation says', () => {
    const [first, ...rest] = whole.checkOrderQuality
    const changed = { id: `${first?.id}`, content: `${first?.content}`.replace(/"price":[^}]*/, '"price":0.5') }
    expect(account({ checkOrderQuality: [changed, ...rest] })).toMatchObject({ lost: 0, wrong: 1, ok: false })
  })

  it('finds a result that nobody asked for', () => {
    const more = { id: 'mallory: Order: 1 shares of ACME', content: 'Order Confirmation' }
    expect(account({ confirmOrders: [...whole.confirmOrders, more] })).toMatchObject({ lost: 0, wrong: 1, ok: false })
  })

  it('counts repeats, which at least once allows', () => {
    const books = account({ confirmOrders: [...whole.confirmOrders, ...whole.confirmOrders.slice(0, 2)] })
    expect(books).toMatchObject({ repeated: 2, lost: 0, wrong: 0, ok: true })
  })

  it('finds a partition that is not committed to its end', () => {
    const late = { committed: ends(99), end: ends(100) }
    const books = accountOf(data, whole, { ...offsets, saveActivities: late })
    expect(books).toMatchObject({ lost: 0, committed: false, ok: false })
    expect(books.pipelines.saveActivities.uncommitted).toEqual([2])
    expect(accountLines(books).join('\n')).toContain('not all of 2')
  })
})

describe('demoData', () => {
  it('gives equal data for equal seeds', () => {
    expect(demoData(50, 7)).toEqual(demoData(50, 7))
    expect(demoData(50, 7)).not.toEqual(demoData(50, 8))
  })

  it('has orders at the instant of a price, a millisecond before one, and before the first', () => {
    const instants = new Set(data.prices.map(({ at }) => at))
    const first = Math.min(...instants)
    const times = data.orders.flatMap((order) => (typeof order === 'string' ? [] : [Date.parse(order.timestamp)]))
    expect(times.some((time) => instants.has(time))).toBe(true)
    expect(times.some((time) => instants.has(time + 1))).toBe(true)
    expect(times.some((time) => time < first)).toBe(true)
  })
})

describe('demoArguments', () => {
  it('runs on 10,000 messages a topic and embedded servers unless told otherwise', () => {
    expect(demoArguments([])).toMatchObject({ messages: 10_000, seconds: 10, services: false, json: false })
    expect(demoArguments(['--messages', '5', '--services', '--json'])).toMatchObject({
      messages: 5,
      services: true,
      json: true,
    })
  })

  it.each([
    [['--messages', 'ten'], 'Expected --messages to be a whole number from 1 to 1000000, got "ten"'],
    [['--messages', '0'], 'Expected --messages to be a whole number from 1 to 1000000, got "0"'],
    [['--seconds', '1.5'], 'Expected --seconds to be a whole number from 0 to 3600, got "1.5"'],
    [['--mesages', '5'], "Unknown option '--mesages'; see npm start -- --help"],
    [['now'], "Unexpected argument 'now'; see npm start -- --help"],
  ])('refuses %j in words', (words, text) => {
    expect(() => demoArguments(words)).toThrow(text)
  })
})

describe('liveView', () => {
  it('fits into 80 columns, and draws again over what it drew', () => {
    const written: string[] = []
    const view = liveView({ write: (text) => written.push(text) })
    const one = {
      done: 123_456,
      total: 200_000,
      rate: 12_345.6,
      inFlight: 1000,
      lag: 99_999,
      commits: 1234,
      errors: 12,
    }
    const progress = { seconds: 12.3, share: 0.61, pipelines: pipelines.map((pipeline) => ({ ...pipeline, ...one })) }
    view.show(progress)
    view.show(progress)
    const [first = '', second = ''] = written
    const lines = first.split('\n').map((line) => stripVTControlCharacters(line))
    expect(lines).toHaveLength(8)
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80)
    expect(second).toBe(`\u001b[7A${first}`)
  })
})
