import { expect, it } from 'vitest'
import type { AssignedPartition, OutgoingMessage, TransactionalProducer } from '../../lib/broker.ts'
import { errorClassOf } from '../../lib/errors.ts'
import type { Bench } from './harness.ts'
import { type Reader, textOf } from './reader.ts'

/** Commits of what was read together with what was made of it. */
export function transactionCases(bench: () => Bench): void {
  /** A member that reads a topic of one partition, in transactions, and a topic to send to. */
  async function scene({ timeout = 60_000 } = {}) {
    const source = await bench().topic(1)
    const target = await bench().topic(2)
    await bench().fill(source, 0, 5)
    const options = { groupId: bench().group(), topics: [source], transaction: { id: 'suite', timeout } }
    const reader = await bench().joined(options)
    const producer = reader.producerOf(source, 0)
    const message = (value: string, partition = 0): OutgoingMessage => ({ topic: target, key: null, value, partition })
    const committed = async () => (await bench().on.committed(options.groupId, source)).get(0)
    return { source, target, options, reader, producer, message, committed }
  }

  const send = (producer: TransactionalProducer, ...messages: OutgoingMessage[]) =>
    bench().answer<[Error | null, ReadonlyMap<OutgoingMessage, Error>]>((done) =>
      producer.send(messages, (error, refused) => done([error, refused])),
    )
  const commit = (producer: TransactionalProducer, offset: number) =>
    bench().answer<Error | null>((done) => producer.commit(offset, done))
  const abort = (producer: TransactionalProducer) => bench().answer<void>((done) => producer.abort(() => done()))
  const renew = (producer: TransactionalProducer) =>
    bench().answer<AssignedPartition | Error>((done) => producer.renew(done))
  /** What a member sees that reads a topic to a mark, which is sent last. */
  async function valuesOf(topic: string): Promise<string[]> {
    for (const partition of [0, 1]) await bench().send({ topic, partition, key: null, value: 'mark' })
    const reader: Reader = bench().reader({ groupId: bench().group(), topics: [topic] })
    const marks = () => reader.seen.filter(({ raw }) => textOf(raw.value) === 'mark').length
    await bench().on.until(() => marks() === 2)
    return reader.seen.map(({ raw }) => textOf(raw.value)).filter((value) => value !== 'mark')
  }

  it('shows what was sent and commits the offset, both when it commits', async () => {
    const { target, producer, message, committed } = await scene()
    const reader = bench().reader({ groupId: bench().group(), topics: [target] })
    expect(await send(producer, message('a'), message('b', 1))).toEqual([null, new Map()])
    expect(await send(producer, message('c'))).toEqual([null, new Map()])
    await bench().pass(300)
    expect([reader.seen.length, await committed()]).toEqual([0, undefined])
    expect(await commit(producer, 3)).toBeNull()
    await bench().on.until(() => reader.seen.length === 3)
    expect([reader.values(0), reader.values(1), await committed()]).toEqual([['a', 'c'], ['b'], 3])
  })

  it('makes one transaction after the other, at once', async () => {
    const { target, producer, message, committed } = await scene()
    for (let offset = 1; offset <= 5; offset++) {
      expect(await send(producer, message(`${offset}`))).toEqual([null, new Map()])
      expect(await commit(producer, offset)).toBeNull()
    }
    expect([await valuesOf(target), await committed()]).toEqual([['1', '2', '3', '4', '5'], 5])
  })

  it('commits an offset of which nothing was made', async () => {
    const { producer, committed } = await scene()
    expect(await commit(producer, 2)).toBeNull()
    expect(await commit(producer, 4)).toBeNull()
    expect(await committed()).toBe(4)
  })

  it('takes back what was sent, and goes on', async () => {
    const { target, producer, message, committed } = await scene()
    await send(producer, message('a'), message('b', 1))
    await abort(producer)
    expect(await committed()).toBeUndefined()
    expect(await send(producer, message('c'))).toEqual([null, new Map()])
    expect(await commit(producer, 1)).toBeNull()
    expect([await valuesOf(target), await committed()]).toEqual([['c'], 1])
  })

  it('takes back what is open when it is renewed, and tells where the group stands', async () => {
    const { source, target, producer, message } = await scene()
    await send(producer, message('a'))
    await commit(producer, 2)
    await send(producer, message('b'))
    const start = { topic: source, partition: 0, committed: 2, position: 2, logStart: 0, highWatermark: 5 }
    expect(await renew(producer)).toEqual(start)
    expect(await send(producer, message('c'))).toEqual([null, new Map()])
    expect(await commit(producer, 3)).toBeNull()
    expect(await valuesOf(target)).toEqual(['a', 'c'])
  })

  it('refuses a message that is too large, and keeps the transaction', async () => {
    const { target, producer, message, committed } = await scene()
    const large = { ...message(''), value: Buffer.alloc(2_000_000, 1) }
    await send(producer, message('a'))
    const [error, refused] = await send(producer, large)
    expect([error, [...refused.keys()]]).toEqual([null, [large]])
    expect(errorClassOf(refused.get(large))).toBe('permanent')
    await send(producer, message('b'))
    expect(await commit(producer, 2)).toBeNull()
    expect([await valuesOf(target), await committed()]).toEqual([['a', 'b'], 2])
  })

  it('finds the one of several that is too large, after it is renewed if need be', async () => {
    const { target, producer, message } = await scene()
    const large = { ...message('', 1), value: Buffer.alloc(2_000_000, 1) }
    const messages = [message('a'), large, message('b', 1), message('c')]
    let [error, refused] = await send(producer, ...messages)
    if (error !== null) {
      expect(errorClassOf(error)).toBe('transient')
      await renew(producer)
      const answer = await send(producer, ...messages)
      error = answer[0]
      refused = answer[1]
    }
    expect([error, [...refused.keys()]]).toEqual([null, [large]])
    expect(await commit(producer, 1)).toBeNull()
    expect(await valuesOf(target)).toEqual(expect.arrayContaining(['a', 'b', 'c']))
  })

  it('fails as fatal for an unknown topic, and commits nothing then', async () => {
    const { target, producer, message, committed } = await scene()
    await send(producer, message('a'))
    const [error] = await send(producer, { ...message('b'), topic: bench().on.uniqueName('absent') })
    expect(errorClassOf(error)).toBe('fatal')
    expect(errorClassOf(await commit(producer, 2))).toBe('transient')
    await renew(producer)
    expect([await valuesOf(target), await committed()]).toEqual([[], undefined])
  })

  it('takes back what a member has open that leaves, and lets it send nothing more', async () => {
    const { source, target, options, producer, reader, message, committed } = await scene()
    await send(producer, message('a'))
    await bench().leave(reader)
    const heir = (await bench().joined(options)).producerOf(source, 0)
    const [error] = await send(producer, message('b'))
    expect([errorClassOf(error), errorClassOf(await commit(producer, 5))]).toEqual(['transient', 'transient'])
    await send(heir, message('c'))
    expect(await commit(heir, 1)).toBeNull()
    expect([await valuesOf(target), await committed()]).toEqual([['c'], 1])
  })

  it('has a member send on after a rebalance, and takes back what it had open', async () => {
    const { source, target, options, producer, reader, message, committed } = await scene()
    await send(producer, message('a'))
    await bench().joined(options)
    await bench().on.until(() => reader.joins === 2)
    expect(reader.partitions).toEqual([0])
    const next = reader.producerOf(source, 0)
    expect(errorClassOf((await send(producer, message('late')))[0])).toBe('transient')
    expect(errorClassOf(await commit(producer, 5))).toBe('transient')
    expect(await send(next, message('b'))).toEqual([null, new Map()])
    expect(await commit(next, 1)).toBeNull()
    expect([await valuesOf(target), await committed()]).toEqual([['b'], 1])
  })

  it('has the broker take back what is open for too long', async () => {
    const { target, producer, message, committed } = await scene({ timeout: 1000 })
    await send(producer, message('a'))
    expect(await valuesOf(target)).toEqual([])
    expect([errorClassOf(await commit(producer, 1)), await committed()]).toEqual(['transient', undefined])
  })
}
