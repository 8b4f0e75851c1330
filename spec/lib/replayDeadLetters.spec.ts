import type { TestScheduler } from 'rxjs/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import type { OutgoingMessage } from '../../lib/broker.ts'
import { type MemoryBroker, memoryBroker } from '../../lib/memory/memoryBroker.ts'
import { type Replayed, type ReplayOptions, replayDeadLetters } from '../../lib/replayDeadLetters.ts'
import { advance, virtualTime } from '../support/virtualTime.ts'

let clock: TestScheduler
let kafka: MemoryBroker

beforeEach(() => {
  clock = virtualTime()
  kafka = memoryBroker({ clock, topics: { orders: 1, payments: 1, failed: 1 } })
})

/** A dead letter as `deadLetter` writes it, with what differs. */
function letter(value: string, headers: OutgoingMessage['headers'] = {}, more: Partial<OutgoingMessage> = {}) {
  const story = { 'dlq.topic': 'orders', 'dlq.error.type': 'HttpError', 'dlq.error.message': '500' }
  const message = { topic: 'failed', partition: 0, key: `k${value}`, value, timestamp: 7, ...more }
  kafka.send([{ ...message, headers: { ...story, ...headers } }], () => {})
}

/** Replays, and lets virtual time pass until the promise is settled. */
async function replay(options: ReplayOptions = {}, ms = 120_000): Promise<Replayed> {
  const replayed = replayDeadLetters(kafka, 'failed', options)
  advance(clock, clock.now() + ms)
  return replayed
}

const valuesIn = (topic: string) => kafka.messages(topic).map(({ value }) => String(value))
const textsOf = (headers: object = {}) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))

describe('replayDeadLetters', () => {
  it('sends each letter back to its topic, as it was, with a count', async () => {
    letter('a', { mine: 'kept', 'dlq.offset': '5' })
    letter('b', { 'dlq.topic': 'payments' }, { key: null })
    expect(await replay()).toEqual({ replayed: 2, skipped: 0, exhausted: 0 })
    const [a] = kafka.messages('orders')
    expect([String(a?.key), String(a?.value), a?.timestamp]).toEqual(['ka', 'a', 7])
    expect(textsOf(a?.headers)).toEqual({ mine: 'kept', 'dlq.replays': '1' })
    const [b] = kafka.messages('payments')
    expect([b?.key, String(b?.value)]).toEqual([null, 'b'])
  })

  it('keeps bytes that are no text, and tombstones', async () => {
    letter('a', {}, { value: Buffer.from([0xff, 0, 0xfe]) })
    letter('b', {}, { value: null })
    await replay()
    expect(kafka.messages('orders').map(({ value }) => value)).toEqual([Buffer.from([0xff, 0, 0xfe]), null])
  })

  it('sets the count and does not add to it', async () => {
    letter('a', { 'dlq.replays': '1' })
    await replay()
    expect(textsOf(kafka.messages('orders')[0]?.headers)).toEqual({ 'dlq.replays': '2' })
  })

  it('leaves alone what was sent back maxReplays times', async () => {
    for (const replays of ['1', '2', '3', '4']) letter(replays, { 'dlq.replays': replays })
    expect(await replay()).toEqual({ replayed: 2, skipped: 0, exhausted: 2 })
    expect(valuesIn('orders')).toEqual(['1', '2'])
  })

  it('leaves out what `where` does not want', async () => {
    letter('a', { 'dlq.error.type': 'DecodeError' })
    letter('b')
    const where: ReplayOptions['where'] = ({ error }) => error.type === 'HttpError'
    expect(await replay({ where })).toEqual({ replayed: 1, skipped: 1, exhausted: 0 })
    expect(valuesIn('orders')).toEqual(['b'])
  })

  it('tells `where` the whole story', async () => {
    const seen: unknown[] = []
    letter('a', {
      'dlq.partition': '3',
      'dlq.offset': '42',
      'dlq.group': 'g',
      'dlq.attempts': '2',
      'dlq.failed-at': '2026-01-02T03:04:05.006Z',
    })
    await replay({ where: ({ key, value, ...rest }) => seen.push(rest) > 9 })
    expect(seen).toEqual([
      {
        headers: {},
        timestamp: 7,
        topic: 'orders',
        partition: 3,
        offset: 42,
        groupId: 'g',
        attempts: 2,
        failedAt: new Date('2026-01-02T03:04:05.006Z'),
        error: { type: 'HttpError', message: '500' },
        replays: 0,
      },
    ])
  })

  it('goes on where the last replay of its group ended, and begins again as another group', async () => {
    letter('a')
    await replay()
    letter('b')
    expect((await replay()).replayed).toBe(1)
    expect(valuesIn('orders')).toEqual(['a', 'b'])
    expect((await replay({ groupId: 'again' })).replayed).toBe(2)
  })

  it('ends at the end that the topic had at first', async () => {
    for (const value of ['a', 'b', 'c']) letter(value)
    const replayed = replayDeadLetters(kafka, 'failed', { rate: 2 })
    advance(clock, 100)
    letter('d')
    advance(clock, 60_000)
    expect((await replayed).replayed).toBe(3)
    expect(valuesIn('orders')).toEqual(['a', 'b', 'c'])
    expect(kafka.committed('failed.replay', 'failed').get(0)).toBe(3)
  })

  it('ends at once where there is nothing', async () => {
    expect(await replay()).toEqual({ replayed: 0, skipped: 0, exhausted: 0 })
  })

  it('sends at most `rate` messages a second, in order', async () => {
    for (let i = 0; i < 10; i++) letter(String(i))
    const replayed = replayDeadLetters(kafka, 'failed', { rate: 2 })
    advance(clock, 1010)
    expect(valuesIn('orders')).toEqual(['0', '1', '2'])
    advance(clock, 4010)
    expect(valuesIn('orders')).toHaveLength(9)
    advance(clock, 60_000)
    await replayed
    expect(valuesIn('orders')).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
  })

  it('sends before it commits: a letter whose message is not written is not acked', async () => {
    letter('a')
    kafka.failSends(Object.assign(new Error('away'), { errorClass: 'transient' }))
    const replayed = replayDeadLetters(kafka, 'failed')
    advance(clock, clock.now() + 100)
    expect(kafka.committed('failed.replay', 'failed').get(0) ?? 0).toBe(0)
    advance(clock, clock.now() + 60_000)
    expect((await replayed).replayed).toBe(1)
    expect(kafka.committed('failed.replay', 'failed').get(0)).toBe(1)
  })

  it('rejects at a message that is no dead letter, and goes past it when told so', async () => {
    letter('a')
    letter('b', { 'dlq.topic': undefined })
    letter('c')
    await expect(replay()).rejects.toThrow(
      'Cannot process failed[0]@1: Expected a dead letter, got a message without the header dlq.topic',
    )
    expect(kafka.committed('failed.replay', 'failed').get(0)).toBe(1)
    expect(await replay({ where: (one) => one.topic !== undefined })).toMatchObject({ skipped: 1 })
  })

  it('rejects at a letter whose topic does not exist, and sends the others', async () => {
    letter('a')
    letter('b', { 'dlq.topic': 'gone' })
    await expect(replay()).rejects.toThrow(
      'Cannot process failed[0]@1: Cannot send to gone: the topic does not exist; create it',
    )
    expect(valuesIn('orders')).toEqual(['a'])
  })

  it('rejects when there is no such dead-letter topic', async () => {
    const replayed = replayDeadLetters(kafka, 'nowhere')
    advance(clock, 1000)
    await expect(replayed).rejects.toThrow('Cannot read nowhere as group nowhere.replay: the topic does not exist')
  })

  it.each([
    [{ rate: 0 }, 'Expected `rate` to be a number of messages a second > 0, got `0` (number)'],
    [{ maxReplays: 0 }, 'Expected `maxReplays` to be an integer >= 1, got `0` (number)'],
    [{ where: 'all' as never }, 'Expected `where` to be a function of a letter, got `all` (string)'],
  ])('refuses %o at once', (options, text) => {
    expect(() => replayDeadLetters(kafka, 'failed', options)).toThrow(text)
  })
})
