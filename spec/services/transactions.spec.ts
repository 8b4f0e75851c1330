import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ack } from '../../lib/ack.ts'
import { text } from '../../lib/codec.ts'
import { fromTopic } from '../../lib/fromTopic.ts'
import { kafkajs } from '../../lib/kafkajs/kafkajs.ts'
import { topic } from '../../lib/topic.ts'
import { Child } from './support/child.ts'
import { RealKafka } from './support/kafka.ts'
import { until } from './support/until.ts'

const PARTITIONS = 4
/** Orders a second. */
const RATE = 300
const MARK = 'mark'
const SOURCE = { max: 50, sessionTimeout: 3000, maxWaitTimeInMs: 100, commitInterval: 200, drainTimeout: 2000 }

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

/** Writes orders until it is told to stop; resolves to their number. */
async function produce(stop: AbortSignal): Promise<number> {
  const producer = real.kafka.producer()
  await producer.connect()
  const begin = Date.now()
  let sent = 0
  while (!stop.aborted) {
    const due = Math.floor(((Date.now() - begin) * RATE) / 1000)
    const messages = Array.from({ length: due - sent }, (_, i) => orderOf(sent + i))
    if (messages.length > 0) await producer.send({ topic: `${prefix}orders`, messages })
    sent = due
    await wait(50)
  }
  await producer.disconnect()
  return sent
}

/** Reads a topic as another application would; also what is not committed, when asked for. */
async function read(name: string, readUncommitted: boolean): Promise<string[]> {
  const partitions = (await real.endOffsets(name)).size
  const producer = real.kafka.producer()
  await producer.connect()
  const marks = Array.from({ length: partitions }, (_, partition) => ({ partition, value: MARK }))
  await producer.send({ topic: name, messages: marks })
  await producer.disconnect()
  const groupId = real.uniqueName('read')
  if (!readUncommitted) return readCommitted(name, groupId, partitions)
  const consumer = real.kafka.consumer({ groupId, maxWaitTimeInMs: 50, readUncommitted })
  const values: string[] = []
  const marked = new Set<number>()
  await consumer.connect()
  await consumer.subscribe({ topic: name, fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ partition, message }) => {
      const value = String(message.value)
      if (value === MARK) marked.add(partition)
      else values.push(value)
    },
  })
  await until(`${name} is read`, () => marked.size === partitions, 90_000)
  await consumer.disconnect()
  return values
}

/** By `fromTopic`: KafkaJS alone lets some through that were taken back, where transactions overlap. */
async function readCommitted(name: string, groupId: string, partitions: number): Promise<string[]> {
  const values: string[] = []
  const marks = { seen: 0 }
  const reading = fromTopic(kafkajs(real.kafka), topic(name, text), { groupId })
    .pipe(ack())
    .subscribe((value) => (value === MARK ? marks.seen++ : values.push(value)))
  await until(`${name} is read`, () => marks.seen === partitions, 90_000)
  reading.unsubscribe()
  return values
}

/** Waits until a process has committed a few transactions from now on. */
async function works(child: Child): Promise<void> {
  const before = child.logged('committed').length
  await until('a process commits', () => child.logged('committed').length > before + 3, 60_000).catch((error) => {
    throw new Error(`${error.message}; ${child.lastWords}`)
  })
}

/** What happens to five processes. */
async function faults(): Promise<Child> {
  const [first, second, third] = [start(), start(), start()]
  await Promise.all([first, second, third].map(works))
  await first.end('SIGKILL')
  const fourth = start()
  await works(fourth)
  second.signal('SIGSTOP')
  await wait(SOURCE.sessionTimeout + 500)
  await third.end('SIGKILL')
  await works(fourth)
  second.signal('SIGCONT')
  const fifth = start()
  await works(fifth)
  await fourth.end('SIGKILL')
  await works(fifth)
  return second
}

describe('processes that split orders in transactions', () => {
  it('write each lot once, and each dead letter, over kill -9 and a stop for longer than the session', async () => {
    const producing = new AbortController()
    const produced = produce(producing.signal)
    const stopped = await faults().finally(() => producing.abort())
    const count = await produced
    const ends = await real.endOffsets(`${prefix}orders`)
    const isDone = async () => {
      const committed = await real.committed(`${prefix}split-orders`, `${prefix}orders`)
      return [...ends].every(([partition, end]) => committed.get(partition) === end)
    }
    await until('all orders are committed', isDone, 60_000)

    const isLost = stopped.logged('lost').length > 0
    // No mark is to be taken for an order.
    await Promise.all(children.splice(0).map((child) => child.close()))
    // KafkaJS may have written an order twice, when the answer to its request was lost.
    const given = (await read(`${prefix}orders`, false)).map((value) => Number(JSON.parse(value).id.slice(1)))
    const orders = given.sort((a, b) => a - b)
    expect(new Set(orders).size).toBe(count)
    const written = (await read(`${prefix}lots`, false)).map((value) => JSON.parse(value))
    const lots = written.map(({ order_id, part }) => `${order_id}/${part}`)
    const expected = orders.flatMap((i) => Array.from({ length: lotsOf(i) }, (_, part) => `o${i}/${part}`))
    expect(differences(lots, expected)).toEqual({ missing: [], repeated: [], strange: [] })
    const failed = (await read(`${prefix}orders.failed`, false)).map((value) => JSON.parse(value).id)
    const wrong = orders.filter((i) => lotsOf(i) === 0).map((i) => `o${i}`)
    expect(differences(failed, wrong)).toEqual({ missing: [], repeated: [], strange: [] })

    // The faults did hit: some of it was written, and taken back.
    const all = await read(`${prefix}lots`, true)
    console.log(
      `${count} orders, ${orders.length - count} of them twice, ${lots.length} lots, ${all.length - lots.length} more were taken back`,
    )
    expect(all.length).toBeGreaterThan(lots.length)
    expect(isLost).toBe(true)
  }, 300_000)
})

function differences(seen: readonly string[], expected: readonly string[]) {
  const [have, want] = [new Set(seen), new Set(expected)]
  return {
    missing: expected.filter((one) => !have.has(one)),
    repeated: repeated(seen, expected),
    strange: seen.filter((one) => !want.has(one)),
  }
}

/** Those that are there more often than they should be. */
function repeated(seen: readonly string[], expected: readonly string[]): string[] {
  const left = new Map<string, number>()
  for (const one of expected) left.set(one, (left.get(one) ?? 0) + 1)
  return seen.filter((one) => {
    const count = left.get(one) ?? 0
    left.set(one, count - 1)
    return count === 0
  })
}
