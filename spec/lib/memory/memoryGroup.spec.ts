import { describe, expect, it } from 'vitest'
import { memoryBench } from '../../support/memoryBench.ts'

const ONE = { groupId: 'g', topics: ['one'] }
const ORDERS = { groupId: 'g', topics: ['orders'] }

describe('a group of the memory broker', () => {
  it('assigns once when members come at the same moment', async () => {
    const { bench } = memoryBench()
    const readers = [bench.reader(ORDERS), bench.reader(ORDERS), bench.reader(ORDERS)]
    await bench.on.until(() => readers.every(({ joins }) => joins > 0))
    expect(readers.map(({ partitions }) => partitions)).toEqual([[0, 3], [1], [2]])
    expect(readers.map(({ told }) => told)).toEqual([['assigned'], ['assigned'], ['assigned']])
  })

  it('leaves to each member what it had, and to one that joins no more than its share', async () => {
    const { bench, settle } = memoryBench()
    const [first, second] = [bench.reader(ORDERS), bench.reader(ORDERS)]
    settle()
    expect([first.partitions, second.partitions]).toEqual([
      [0, 2],
      [1, 3],
    ])
    const third = bench.reader(ORDERS)
    settle()
    expect([first.partitions, second.partitions, third.partitions]).toEqual([[0], [1, 3], [2]])
    await bench.leave(second)
    settle()
    expect([first.partitions, third.partitions]).toEqual([
      [0, 1],
      [2, 3],
    ])
  })

  it('forgets what an expelled member had', async () => {
    const { broker, bench, settle } = memoryBench()
    const [first, second] = [bench.reader(ORDERS), bench.reader(ORDERS)]
    settle()
    const third = bench.reader(ORDERS)
    settle()
    broker.expel('g', 0)
    settle()
    expect([first.partitions, second.partitions, third.partitions]).toEqual([[0], [1, 3], [2]])
    expect(first.told).toEqual(['assigned', 'revoking', 'assigned', 'lost', 'assigned'])
  })

  it('rebalances on demand', async () => {
    const { broker, bench } = memoryBench()
    const reader = await bench.joined(ORDERS)
    broker.rebalance('g')
    await bench.on.until(() => reader.joins === 2)
    expect(reader.told).toEqual(['assigned', 'revoking', 'assigned'])
    expect(reader.partitions).toEqual([0, 1, 2, 3])
  })

  it('leaves its members nothing while one outside has the partitions', async () => {
    const { broker, bench, settle } = memoryBench()
    const reader = await bench.joined(ORDERS)
    broker.occupy('g')
    settle()
    expect([reader.told, reader.partitions]).toEqual([['assigned', 'revoking', 'assigned'], []])
    expect(await bench.commit(reader, 'orders', 0, 1)).toMatchObject({ kind: 'fenced' })
    broker.vacate('g')
    settle()
    expect(reader.partitions).toEqual([0, 1, 2, 3])
  })

  it('leaves its members all but the partitions that one outside has', async () => {
    const { broker, bench, settle } = memoryBench()
    const reader = await bench.joined(ORDERS)
    broker.occupy('g', { topic: 'orders', partition: 1 })
    broker.occupy('g', { topic: 'orders', partition: 2 })
    settle()
    expect([reader.told, reader.partitions]).toEqual([
      ['assigned', 'revoking', 'assigned'],
      [0, 3],
    ])
    expect(await bench.commit(reader, 'orders', 1, 1)).toMatchObject({ kind: 'fenced' })
    broker.vacate('g', { topic: 'orders', partition: 1 })
    settle()
    expect(reader.partitions).toEqual([0, 1, 3])
    broker.vacate('g')
    settle()
    expect(reader.partitions).toEqual([0, 1, 2, 3])
    expect(() => broker.occupy('g', { topic: 'orders', partition: 4 })).toThrow('Expected a partition of orders, got 4')
  })

  it('asks for commits again between the end of a revocation and the assignment', async () => {
    const { broker, bench, settle } = memoryBench()
    const reader = await bench.joined({ ...ONE, holds: true })
    broker.rebalance('g')
    settle()
    reader.letGo()
    expect(await bench.commit(reader, 'one', 0, 1)).toMatchObject({ kind: 'rebalancing' })
    await bench.on.until(() => reader.joins === 2)
    expect(await bench.commit(reader, 'one', 0, 1)).toBeNull()
  })

  it('expels a member that does not join within the rebalance timeout', async () => {
    const { broker, bench, advance } = memoryBench()
    const slow = await bench.joined({ ...ORDERS, rebalanceTimeout: 5000, holds: true })
    const other = bench.reader({ ...ORDERS, rebalanceTimeout: 5000 })
    advance(4999)
    expect([slow.losses.length, other.joins]).toEqual([0, 0])
    advance(1)
    expect(slow.losses).toEqual([[0, 1, 2, 3].map((partition) => ({ topic: 'orders', partition }))])
    await bench.on.until(() => other.joins > 0 && slow.joins === 2)
    expect(slow.told).toEqual(['assigned', 'revoking', 'lost', 'assigned'])
    expect([slow.partitions.length, other.partitions.length]).toEqual([2, 2])
    expect(broker.endOffsets('orders').size).toBe(4)
  })

  it('ignores a revocation that is answered after the member was expelled', async () => {
    const { broker, bench, settle } = memoryBench()
    const reader = await bench.joined({ ...ONE, holds: true })
    broker.rebalance('g')
    settle()
    broker.expel('g')
    settle()
    expect(reader.joins).toBe(2)
    reader.letGo()
    settle()
    expect(reader.told).toEqual(['assigned', 'revoking', 'lost', 'assigned'])
  })

  it('loses an expelled member without revoking, and joins it again', async () => {
    const { broker, bench, settle } = memoryBench()
    const reader = await bench.joined(ONE)
    broker.expel('g')
    expect(reader.told).toEqual(['assigned'])
    settle()
    expect(reader.told).toEqual(['assigned', 'lost', 'assigned'])
    expect(reader.losses).toEqual([[{ topic: 'one', partition: 0 }]])
  })

  it('fences an expelled member before it hears of it', async () => {
    const { broker, bench } = memoryBench()
    const reader = await bench.joined(ONE)
    broker.expel('g')
    expect(await bench.commit(reader, 'one', 0, 1)).toMatchObject({ kind: 'fenced' })
    expect(broker.committed('g', 'one')).toEqual(new Map())
  })

  it('expels one of several members; the others are revoked as always', async () => {
    const { broker, bench, settle } = memoryBench()
    const readers = [bench.reader(ORDERS), bench.reader(ORDERS)]
    settle()
    broker.expel('g', 1)
    settle()
    expect(readers.map(({ told }) => told)).toEqual([
      ['assigned', 'revoking', 'assigned'],
      ['assigned', 'lost', 'assigned'],
    ])
    expect(readers.flatMap(({ partitions }) => partitions).sort()).toEqual([0, 1, 2, 3])
  })

  it('repeats what an expelled member had read and not committed', async () => {
    const { broker, bench } = memoryBench()
    await bench.fill('one', 0, 3)
    const reader = bench.reader(ONE)
    await bench.on.until(() => reader.seen.length === 3)
    await bench.commit(reader, 'one', 0, 1)
    broker.expel('g')
    await bench.on.until(() => reader.seen.length === 5)
    expect(reader.offsets(0)).toEqual([0, 1, 2, 1, 2])
  })

  it('keeps its offsets when the last member has left', async () => {
    const { broker, bench } = memoryBench()
    const reader = await bench.joined(ONE)
    await bench.commit(reader, 'one', 0, 7)
    await bench.leave(reader)
    expect(broker.committed('g', 'one')).toEqual(new Map([[0, 7]]))
  })

  it('goes on when a member leaves instead of joining', async () => {
    const { bench, settle } = memoryBench()
    const slow = await bench.joined({ ...ORDERS, holds: true })
    const other = bench.reader(ORDERS)
    settle()
    expect(other.joins).toBe(0)
    await bench.leave(slow)
    await bench.on.until(() => other.joins > 0)
    expect(other.partitions).toEqual([0, 1, 2, 3])
  })

  it('sees the topics that have come into being at the next join', async () => {
    const { broker, bench } = memoryBench()
    const reader = await bench.joined({ groupId: 'g', topics: [/^one/g] })
    broker.createTopic('one-more', 1)
    broker.rebalance('g')
    await bench.on.until(() => reader.joins === 2)
    expect(reader.assignment.map(({ topic }) => topic)).toEqual(['one', 'one-more'])
  })
})
