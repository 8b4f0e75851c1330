import { describe, expect, it } from 'vitest'
import { errorClassOf } from '../../../lib/errors.ts'
import { memoryBench } from '../../support/memoryBench.ts'

const ONE = { groupId: 'g', topics: ['one'] }
const MESSAGE = { topic: 'one', key: null, value: 'x' }

describe('the faults of the memory broker', () => {
  it.each(['rebalancing', 'retriable', 'fatal'] as const)('refuse a commit as %s, once', async (kind) => {
    const { broker, bench } = memoryBench()
    const reader = await bench.joined(ONE)
    broker.failCommits(kind)
    expect(await bench.commit(reader, 'one', 0, 1)).toMatchObject({ name: 'CommitError', kind })
    expect(broker.committed('g', 'one')).toEqual(new Map())
    expect(await bench.commit(reader, 'one', 0, 1)).toBeNull()
  })

  it('expel the member whose commit they fence, after its answer', async () => {
    const { broker, bench, settle } = memoryBench()
    const reader = await bench.joined(ONE)
    broker.failCommits('fenced')
    reader.commit([{ topic: 'one', partition: 0, offset: 1 }], (error) => reader.told.push(`${error?.kind}`))
    settle()
    expect(reader.told).toEqual(['assigned', 'fenced', 'lost', 'assigned'])
    expect(broker.committed('g', 'one')).toEqual(new Map())
  })

  it('expel nobody who has left already', async () => {
    const { broker, bench, settle } = memoryBench()
    const reader = await bench.joined(ONE)
    await bench.leave(reader)
    broker.failCommits('fenced')
    expect(await bench.commit(reader, 'one', 0, 1)).toMatchObject({ kind: 'fenced' })
    settle()
    expect(reader.told).toEqual(['assigned'])
  })

  it('refuse as many commits as asked for', async () => {
    const { broker, bench } = memoryBench()
    const reader = await bench.joined(ONE)
    broker.failCommits('retriable', 2)
    for (const kind of ['retriable', 'retriable'])
      expect(await bench.commit(reader, 'one', 0, 1)).toMatchObject({ kind })
    expect(await bench.commit(reader, 'one', 0, 1)).toBeNull()
  })

  it('refuse sends with the given error, and store nothing', async () => {
    const { broker, bench } = memoryBench()
    const error = new Error('no leader')
    broker.failSends(error, 2)
    expect(await bench.send(MESSAGE)).toBe(error)
    expect(await bench.send(MESSAGE)).toBe(error)
    expect(await bench.send(MESSAGE)).toBeNull()
    expect(broker.messages('one').length).toBe(1)
  })

  it('make sends and commits fail for now while the broker is down', async () => {
    const { broker, bench } = memoryBench()
    const reader = await bench.joined(ONE)
    broker.down()
    expect(errorClassOf(await bench.send(MESSAGE))).toBe('transient')
    expect(await bench.commit(reader, 'one', 0, 1)).toMatchObject({ kind: 'retriable' })
    broker.up()
    expect(await bench.send(MESSAGE)).toBeNull()
    expect(await bench.commit(reader, 'one', 0, 1)).toBeNull()
  })

  it('tell consumers of trouble, and let them go on where they were', async () => {
    const { broker, bench, advance } = memoryBench({ batchSize: 2 })
    await bench.fill('one', 0, 5)
    const reader = bench.reader(ONE)
    await bench.on.until(() => reader.seen.length > 0)
    broker.down()
    const before = reader.seen.length
    advance(1000)
    expect(reader.told).toEqual(['assigned', 'trouble'])
    expect(errorClassOf(reader.troubles[0])).toBe('transient')
    expect(reader.seen.length).toBe(before)
    broker.up()
    await bench.on.until(() => reader.seen.length === 5)
    expect(reader.offsets(0)).toEqual([0, 1, 2, 3, 4])
    expect(reader.joins).toBe(1)
  })

  it('keep a member that starts while the broker is down waiting until it is up', async () => {
    const { broker, bench, advance } = memoryBench()
    broker.down()
    const reader = bench.reader(ONE)
    advance(1000)
    expect(reader.told).toEqual(['trouble'])
    broker.up()
    await bench.on.until(() => reader.joins === 1)
  })

  it('put off the rebalance after a leave until the broker is up', async () => {
    const { broker, bench, advance } = memoryBench()
    const [first, second] = [bench.reader(ONE), bench.reader({ ...ONE, holds: true })]
    await bench.on.until(() => second.joins > 0)
    broker.down()
    await bench.leave(first)
    advance(1000)
    expect(second.joins).toBe(1)
    broker.up()
    await bench.on.until(() => second.partitions.length === 1)
  })

  it('expel nobody who could not join because the broker is down', async () => {
    const { broker, bench, advance } = memoryBench()
    const slow = await bench.joined({ ...ONE, holds: true, rebalanceTimeout: 5000 })
    broker.rebalance('g')
    advance(1000)
    broker.down()
    advance(60_000)
    expect(slow.losses).toEqual([])
    slow.letGo()
    advance(1000)
    expect(slow.joins).toBe(1)
    broker.up()
    await bench.on.until(() => slow.joins === 2)
    expect(slow.told).toEqual(['assigned', 'revoking', 'trouble', 'assigned'])
  })

  it('do nothing twice when the broker goes down twice', async () => {
    const { broker, bench, settle } = memoryBench()
    const reader = await bench.joined(ONE)
    broker.down()
    broker.down()
    settle()
    expect(reader.troubles.length).toBe(1)
  })
})
