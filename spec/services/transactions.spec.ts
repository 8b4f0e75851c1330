import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Child } from './support/child.ts'
import { RealKafka } from './support/kafka.ts'
import { until } from './support/until.ts'

const PARTITIONS = 4
/** Orders a second, and for how many seconds they come. */
const RATE = 400
const SECONDS = 24
const COUNT = RATE * SECONDS
const MARK = 'mark'
const SOURCE = { max: 50, sessionTimeout: 6000, maxWaitTimeInMs: 100, commitInterval: 200, drainTimeout: 2000 }

/** Between 1 and 5 lots; every hundredth order is wrong. */
const lotsOf = (i: number) => (i % 100 === 99 ? 0 : (i % 5) + 1)
const orderOf = (i: number) => ({
  key: `user-${i % 50}`,
  value: JSON.stringify({
    ...{ id: `o${i}`, user_id: `user-${i % 50}`, symbol: `S${i % 9}`, quantity: lotsOf(i) * 100 },
    timestamp: '2026-01-05T14:30:00.000Z',
  }),
})

let real: RealKafka
let prefix: string
const children: Child[] = []

beforeAll(async () => {
  real = await RealKafka.connect()
  prefix = `${real.uniqueName('tx')}-`
  await real.createTopic(`${prefix}orders`, PARTITIONS)
  await real.createTopic(`${prefix}lots`, 3)
  await real.createTopic(`${prefix}orders.failed`, 1)
})

afterAll(async () => {
  await Promise.all(children.map((child) => child.close()))
  await real.close()
})

function start(): Child {
  const child = new Child({ ...SOURCE, prefix }, 'splitter.ts')
  children.push(child)
  return child
}

/** Writes the orders as they come. */
async function produce(): Promise<void> {
  const producer = real.kafka.producer()
  await producer.connect()
  const begin = Date.now()
  for (let sent = 0; sent < COUNT; ) {
    const due = Math.min(COUNT, Math.floor(((Date.now() - begin) * RATE) / 1000))
    const messages = Array.from({ length: due - sent }, (_, i) => orderOf(sent + i))
    if (messages.length > 0) await producer.send({ topic: `${prefix}orders`, messages })
    sent = due
    await wait(50)
  }
  await producer.disconnect()
}

/** Reads a topic as another application would; also what is not committed, when asked for. */
async function read(topic: string, readUncommitted: boolean): Promise<string[]> {
  const partitions = (await real.endOffsets(topic)).size
  const producer = real.kafka.producer()
  await producer.connect()
  const marks = Array.from({ length: partitions }, (_, partition) => ({ partition, value: MARK }))
  await producer.send({ topic, messages: marks })
  await producer.disconnect()
  const consumer = real.kafka.consumer({ groupId: real.uniqueName('read'), maxWaitTimeInMs: 50, readUncommitted })
  const values: string[] = []
  const marked = new Set<number>()
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ partition, message }) => {
      const value = String(message.value)
      if (value === MARK) marked.add(partition)
      else values.push(value)
    },
  })
  await until(`${topic} is read`, () => marked.size === partitions)
  await consumer.disconnect()
  return values
}

describe('processes that split orders in transactions', () => {
  it('write each lot once, and each dead letter, over kill -9 and a stop for longer than the session', async () => {
    const [killed, stopped] = [start(), start(), start()]
    const producing = produce()
    const steps: readonly [at: number, step: () => unknown][] = [
      [6000, () => killed?.end('SIGKILL')],
      [7000, () => start()],
      [9000, () => stopped?.signal('SIGSTOP')],
      [13_000, () => children[2]?.end('SIGKILL')],
      [14_000, () => start()],
      [19_000, () => stopped?.signal('SIGCONT')],
      [22_000, () => children[3]?.end('SIGTERM')],
      [23_000, () => children[4]?.end('SIGKILL')],
    ]
    const begin = Date.now()
    for (const [at, step] of steps) {
      await wait(at - (Date.now() - begin))
      step()
    }
    await producing
    const ends = await real.endOffsets(`${prefix}orders`)
    const isDone = async () => {
      const committed = await real.committed(`${prefix}split-orders`, `${prefix}orders`)
      return [...ends].every(([partition, end]) => committed.get(partition) === end)
    }
    await until('all orders are committed', isDone, 60_000).catch((error) => {
      throw new Error(`${error.message}\n${children.map((child) => child.lastWords).join('\n\n')}`)
    })

    const lots = (await read(`${prefix}lots`, false)).map((value) => JSON.parse(value))
    const counts = new Map<string, number>()
    for (const { order_id, part } of lots)
      counts.set(`${order_id}/${part}`, (counts.get(`${order_id}/${part}`) ?? 0) + 1)
    const expected = Array.from({ length: COUNT }, (_, i) =>
      Array.from({ length: lotsOf(i) }, (_, part) => `o${i}/${part}`),
    ).flat()
    expect(expected.filter((lot) => !counts.has(lot))).toEqual([])
    expect([...counts].filter(([, count]) => count > 1)).toEqual([])
    expect(counts.size).toBe(expected.length)
    const failed = (await read(`${prefix}orders.failed`, false)).map((value) => JSON.parse(value).id)
    expect(failed.sort()).toEqual(Array.from({ length: COUNT / 100 }, (_, i) => `o${100 * i + 99}`).sort())
    // The faults did hit: some of it was written, and taken back.
    const all = await read(`${prefix}lots`, true)
    console.log(`${lots.length} lots, ${all.length - lots.length} more in transactions that were taken back`)
    expect(all.length).toBeGreaterThan(lots.length)
    expect(stopped?.logged('lost').length).toBeGreaterThan(0)
  })
})
