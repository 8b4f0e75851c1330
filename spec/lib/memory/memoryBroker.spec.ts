import { TestScheduler } from 'rxjs/testing'
import { describe, expect, it } from 'vitest'
import { ack } from '../../../lib/ack.ts'
import { text } from '../../../lib/codec.ts'
import { fromTopic } from '../../../lib/fromTopic.ts'
import { memoryBroker } from '../../../lib/memory/memoryBroker.ts'
import { topic } from '../../../lib/topic.ts'
import { brokerSuite } from '../../broker.suite.ts'
import { memoryBench, memoryHarness } from '../../support/memoryBench.ts'
import { virtualTime } from '../../support/virtualTime.ts'

brokerSuite('memoryBroker', async () => {
  const clock = virtualTime()
  return memoryHarness(clock, memoryBroker({ clock }))
})

describe('memoryBroker', () => {
  it('runs on a TestScheduler as it is, under fromTopic', () => {
    const clock = new TestScheduler((actual, expected) => expect(actual).toEqual(expected))
    clock.run(({ expectObservable, flush }) => {
      const broker = memoryBroker({ clock, topics: { words: 1 } })
      const send = (value: string) => broker.send([{ topic: 'words', key: null, value }], () => {})
      clock.schedule(() => send('a'), 2)
      clock.schedule(() => send('b'), 5)
      expectObservable(fromTopic(broker, topic('words', text), { groupId: 'g' }).pipe(ack()), '9ms !').toBe('--a--b')
      flush()
      expect(broker.committed('g', 'words')).toEqual(new Map([[0, 2]]))
    })
  })

  it('shows all messages of a topic with their places', async () => {
    const { broker, bench } = memoryBench()
    await bench.send({ topic: 'one', key: 'k', value: 'v', timestamp: 7 }, { topic: 'one', key: null, value: null })
    expect(broker.messages('one')).toEqual([
      { topic: 'one', partition: 0, offset: 0, timestamp: 7, key: Buffer.from('k'), value: Buffer.from('v') },
      { topic: 'one', partition: 0, offset: 1, timestamp: 0, key: null, value: null },
    ])
  })

  it('notes every commit, the refused ones too', async () => {
    const { broker, bench } = memoryBench()
    const reader = await bench.joined({ groupId: 'g', topics: ['one'] })
    await bench.commit(reader, 'one', 0, 3)
    await bench.commit(reader, 'orders', 0, 3)
    expect(broker.commits).toMatchObject([
      { groupId: 'g', generation: 1, offsets: [{ topic: 'one', partition: 0, offset: 3 }], error: null },
      { groupId: 'g', generation: 1, offsets: [{ topic: 'orders' }], error: { kind: 'fenced' } },
    ])
    expect(broker.committed('g', 'orders')).toEqual(new Map())
  })

  it('stores all messages of a send or none', async () => {
    const { broker, bench } = memoryBench()
    const good = { topic: 'one', key: null, value: 'x' }
    const error = await bench.send(good, { ...good, topic: 'absent' })
    expect(error?.message).toBe('Cannot send to absent: the topic does not exist; create it, or correct its name')
    expect(broker.endOffsets('one')).toEqual(new Map([[0, 0]]))
  })

  it('refuses a partition that the topic does not have', async () => {
    const { bench } = memoryBench()
    const error = await bench.send({ topic: 'orders', partition: 4, key: null, value: 'x' })
    expect(error?.message).toContain('orders[4]: the topic has 4 partitions')
  })

  it('refuses to create a topic twice', () => {
    const { broker } = memoryBench()
    expect(() => broker.createTopic('one', 1)).toThrow('Cannot create topic one: it exists already')
  })

  it('takes messages up to maxMessageBytes', async () => {
    const { bench } = memoryBench({ maxMessageBytes: 10 })
    expect(await bench.send({ topic: 'one', key: '12345', value: '12345' })).toBeNull()
    expect((await bench.send({ topic: 'one', key: '12345', value: '123456' }))?.message).toContain('has 11 bytes')
  })

  it('delivers batches of batchSize at most', async () => {
    const { bench } = memoryBench({ batchSize: 4 })
    await bench.fill('one', 0, 10)
    const reader = bench.reader({ groupId: 'g', topics: ['one'] })
    await bench.on.until(() => reader.seen.length === 10)
    expect(reader.batches.map(({ offsets, nextOffset }) => [offsets.length, nextOffset])).toEqual([
      [4, 4],
      [4, 8],
      [2, 10],
    ])
  })

  it('repeats its random numbers with the seed', () => {
    const numbers = (seed: number) => {
      const { random } = memoryBroker({ seed })
      return [random(), random(), random()]
    }
    expect(numbers(7)).toEqual(numbers(7))
    expect(numbers(7)).not.toEqual(numbers(8))
    expect(numbers(7).every((number) => number >= 0 && number < 1)).toBe(true)
  })

  it('skips offsets without messages, in the middle and at the end', async () => {
    const { broker, bench } = memoryBench()
    await bench.fill('one', 0, 2)
    broker.skip('one', 0, 3)
    await bench.fill('one', 0, 1, 2)
    broker.skip('one', 0, 2)
    const reader = bench.reader({ groupId: 'g', topics: ['one'] })
    await bench.on.until(() => reader.seen.length === 3)
    expect(reader.batches).toEqual([
      { topic: 'one', partition: 0, offsets: [0, 1, 5], nextOffset: 8, highWatermark: 8 },
    ])
  })

  it('says that a partition went on even when it has no message', async () => {
    const { broker, bench } = memoryBench()
    const reader = await bench.joined({ groupId: 'g', topics: ['one'] })
    broker.skip('one', 0, 2)
    await bench.on.until(() => reader.batches.length > 0)
    expect(reader.batches).toEqual([{ topic: 'one', partition: 0, offsets: [], nextOffset: 2, highWatermark: 2 }])
  })

  it('begins at the oldest message that retention left', async () => {
    const { broker, bench } = memoryBench()
    await bench.fill('one', 0, 5)
    broker.trim('one', 0, 3)
    const reader = bench.reader({ groupId: 'g', topics: ['one'] })
    await bench.on.until(() => reader.seen.length === 2)
    expect(reader.offsets(0)).toEqual([3, 4])
  })

  it('tells a member once that its place of reading was deleted, when it is not paused', async () => {
    const { broker, bench, settle } = memoryBench()
    const reader = await bench.joined({ groupId: 'g', topics: ['one'] })
    reader.pause('one', 0)
    await bench.fill('one', 0, 5)
    broker.trim('one', 0, 9)
    settle()
    expect(reader.outs).toEqual([])
    reader.resume('one', 0)
    settle()
    await bench.fill('one', 0, 2)
    settle()
    expect(reader.outs).toEqual([
      { place: { topic: 'one', partition: 0, offset: 0 }, log: { logStart: 5, highWatermark: 5 } },
    ])
  })

  it('truncates a partition: the next message gets the offset of the first that is gone', async () => {
    const { broker, bench } = memoryBench()
    await bench.fill('one', 0, 5)
    broker.truncate('one', 0, 2)
    broker.truncate('one', 0, 9)
    await bench.fill('one', 0, 1, 7)
    expect(broker.messages('one').map(({ offset, value }) => [offset, String(value)])).toEqual([
      [0, '0'],
      [1, '1'],
      [2, '7'],
    ])
  })

  it('tells a member that reads past the end of a truncated partition', async () => {
    const { broker, bench, settle } = memoryBench()
    const reader = await bench.joined({ groupId: 'g', topics: ['one'] })
    await bench.fill('one', 0, 5)
    await bench.on.until(() => reader.seen.length === 5)
    broker.truncate('one', 0, 2)
    settle()
    expect(reader.outs).toEqual([
      { place: { topic: 'one', partition: 0, offset: 5 }, log: { logStart: 0, highWatermark: 2 } },
    ])
  })

  it('refuses to skip offsets of a partition that does not exist', () => {
    const { broker } = memoryBench()
    expect(() => broker.skip('one', 1, 2)).toThrow('Expected a partition of one, got 1')
  })
})
