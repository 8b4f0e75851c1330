import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ack } from '../../lib/ack.ts'
import type { Broker, OutgoingMessage } from '../../lib/broker.ts'
import { text } from '../../lib/codec.ts'
import { errorClassOf } from '../../lib/errors.ts'
import type { SourceEvent } from '../../lib/events.ts'
import { fromTopic } from '../../lib/fromTopic.ts'
import type { PartitionAssigner } from '../../lib/kafkajs/client.ts'
import { kafkajs } from '../../lib/kafkajs/kafkajs.ts'
import type { Message } from '../../lib/message.ts'
import type { SourceOptions } from '../../lib/sourceOptions.ts'
import { topic } from '../../lib/topic.ts'
import { Reader, type ReaderOptions } from '../broker/reader.ts'
import { kafkaClient, RealKafka } from './support/kafka.ts'
import { Network } from './support/network.ts'

describe('kafkajs(kafka)', () => {
  let real: RealKafka
  let broker: Broker
  let ends: (() => void | Promise<void>)[] = []

  beforeAll(async () => {
    real = await RealKafka.connect()
    broker = kafkajs(real.kafka)
  })
  afterEach(async () => {
    const all = ends.reverse()
    ends = []
    for (const end of all) await end()
  })
  afterAll(() => real.close())

  /** Reads with `fromTopic`, and notes what comes and what the source tells. */
  function source(name: string, options: SourceOptions, from = broker) {
    const messages: Message<string>[] = []
    const events: SourceEvent[] = []
    const state: { error?: Error } = {}
    const stream = fromTopic(from, topic(name, text), { maxWaitTimeInMs: 100, ...options })
    const [member] = from.members.claim(() => {
      const subscription = stream.subscribe({
        next: (message) => messages.push(message),
        error: (error: Error) => {
          state.error = error
        },
      })
      ends.push(() => subscription.unsubscribe())
    })
    if (member === undefined) throw new Error('Cannot observe the source: it made no member')
    member.listen((event) => events.push(event))
    return { messages, events, state, member, types: () => events.map(({ type }) => type) }
  }

  function reader(options: ReaderOptions, from = broker): Reader {
    const member = new Reader(from, options)
    ends.push(() => new Promise<void>((resolve) => (member.hasLeft ? resolve() : member.leave(resolve))))
    return member
  }

  async function fill(name: string, partition: number, count: number, start = 0): Promise<void> {
    const messages: OutgoingMessage[] = Array.from({ length: count }, (_, i) => ({
      topic: name,
      partition,
      key: null,
      value: `${start + i}`,
    }))
    const error = await new Promise((resolve) => broker.send(messages, resolve))
    if (error !== null) throw error
  }

  const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

  describe('does not commit partitions that it no longer owns', () => {
    it('ignores acks that come after a rebalance', async () => {
      const [name, groupId] = [await real.topic(2), real.uniqueName('group')]
      await fill(name, 0, 10)
      await fill(name, 1, 10)
      const slow = source(name, { groupId, drainTimeout: 200, commitInterval: 200 })
      await real.until(() => slow.messages.length === 20)
      const second = reader({ groupId, topics: [name] })
      await real.until(() => second.seen.length === 10)
      const [partition = -1] = second.partitions
      expect(
        await new Promise((resolve) => second.commit([{ topic: name, partition, offset: 10 }], resolve)),
      ).toBeNull()
      for (const message of slow.messages.filter((one) => one.partition === partition).slice(0, 3)) message.ack()
      for (const message of slow.messages.filter((one) => one.partition !== partition).slice(0, 3)) message.ack()
      await real.until(async () => (await real.committed(groupId, name)).get(1 - partition) === 3)
      expect((await real.committed(groupId, name)).get(partition)).toBe(10)
    })
  })

  describe('does not let kafkajs reset offsets silently', () => {
    it('errors when what was committed is deleted before it starts, and leaves the commit as it was', async () => {
      const [name, groupId] = [await real.topic(1), real.uniqueName('group')]
      await fill(name, 0, 20)
      await real.admin.setOffsets({ groupId, topic: name, partitions: [{ partition: 0, offset: '5' }] })
      await real.admin.deleteTopicRecords({ topic: name, partitions: [{ partition: 0, offset: '10' }] })
      const { state, messages } = source(name, { groupId })
      await real.until(() => state.error !== undefined)
      expect(state.error?.message).toContain(
        `Cannot read ${name}[0] as group ${groupId}: the next offset to read is 5, but the log begins at 10 and ends at 20: 5 messages were deleted before they were read`,
      )
      expect(errorClassOf(state.error)).toBe('fatal')
      await wait(500)
      expect(messages).toEqual([])
      expect(await real.committed(groupId, name)).toEqual(new Map([[0, 5]]))
    })

    it('errors when it is deleted while it reads', async () => {
      const [name, groupId] = [await real.topic(1), real.uniqueName('group')]
      await fill(name, 0, 5)
      const read = source(name, { groupId, commitInterval: 100, maxInFlight: 5 })
      await real.until(() => read.messages.length === 5)
      for (const message of read.messages) message.ack()
      await real.until(async () => (await real.committed(groupId, name)).get(0) === 5)
      read.member.pause()
      // One batch is taken and then the partition is held.
      await fill(name, 0, 5, 5)
      await wait(1000)
      await fill(name, 0, 10, 10)
      await real.admin.deleteTopicRecords({ topic: name, partitions: [{ partition: 0, offset: '15' }] })
      read.member.resume()
      await real.until(() => read.state.error !== undefined)
      expect(read.state.error?.message).toMatch(
        /next offset to read is 10, but the log begins at 15 and ends at 20: 5 messages/,
      )
      expect(await real.committed(groupId, name)).toEqual(new Map([[0, 5]]))
    })

    it('errors when the topic is recreated with fewer messages', async () => {
      const [name, groupId] = [await real.topic(1), real.uniqueName('group')]
      await fill(name, 0, 2)
      await real.admin.setOffsets({ groupId, topic: name, partitions: [{ partition: 0, offset: '7' }] })
      const { state } = source(name, { groupId })
      await real.until(() => state.error !== undefined)
      expect(state.error?.message).toMatch(
        /next offset to read is 7, but the log begins at 0 and ends at 2: the topic was recreated/,
      )
      expect(await real.committed(groupId, name)).toEqual(new Map([[0, 7]]))
    })
  })

  describe('before a join', () => {
    it('drains, and keeps its membership by heartbeats longer than the session lasts', async () => {
      const [name, groupId] = [await real.topic(2), real.uniqueName('group')]
      await fill(name, 0, 10)
      await fill(name, 1, 10)
      const session = { sessionTimeout: 6000, rebalanceTimeout: 30_000 }
      const first = source(name, { groupId, ...session })
      await real.until(() => first.messages.length === 20)
      const second = source(name, { groupId, ...session })
      await real.until(() => first.member.health().state === 'rebalancing')
      await wait(8000)
      expect(first.types()).toEqual(['assigned'])
      for (const message of first.messages) message.ack()
      await real.until(() => second.types().includes('assigned'))
      await real.until(() => first.types().filter((type) => type === 'assigned').length === 2)
      expect(await real.committed(groupId, name)).toEqual(
        new Map([
          [0, 10],
          [1, 10],
        ]),
      )
      await wait(500)
      expect([first.messages.length, second.messages.length]).toEqual([20, 0])
    })

    it('gives up draining when the group has thrown it out, and commits nothing', async () => {
      const [name, groupId] = [await real.topic(1), real.uniqueName('group')]
      await fill(name, 0, 5)
      const member = reader({ groupId, topics: [name], holds: true })
      await real.until(() => member.seen.length === 5)
      await throwOut(groupId)
      await real.until(() => member.joins === 2)
      expect(member.told).toEqual(['assigned', 'lost', 'assigned'])
      expect(member.losses).toEqual([[{ topic: name, partition: 0 }]])
    })
  })

  /** Does to a group's members what a lost session does, at once. */
  async function throwOut(groupId: string): Promise<void> {
    const { groups } = await real.admin.describeGroups([groupId])
    const spies: Parameters<PartitionAssigner>[0]['cluster'][] = []
    const spy = kafkaClient().consumer({
      groupId,
      partitionAssigners: [
        ({ cluster }) => {
          spies.push(cluster as never)
          return {
            name: 'spy',
            version: 0,
            assign: async () => [],
            protocol: () => ({ name: 'spy', metadata: Buffer.alloc(0) }),
          }
        },
      ],
    })
    await spy.connect()
    interface Leavable {
      leaveGroup(request: { groupId: string; memberId: string }): Promise<void>
    }
    const coordinator = (await spies[0]?.findGroupCoordinator({ groupId })) as Leavable | undefined
    for (const { memberId } of groups[0]?.members ?? []) await coordinator?.leaveGroup({ groupId, memberId })
    await spy.disconnect()
  }

  it('reads on from a partition that was paused, lost and regained', async () => {
    const [name, groupId] = [await real.topic(2), real.uniqueName('group')]
    const first = reader({ groupId, topics: [name] })
    await real.until(() => first.joins === 1)
    for (const partition of [0, 1]) first.pause(name, partition)
    await fill(name, 0, 5)
    await fill(name, 1, 5)
    await wait(500)
    const second = new Reader(broker, { groupId, topics: [name] })
    await real.until(() => first.joins === 2 && second.joins === 1)
    await new Promise<void>((resolve) => second.leave(resolve))
    await real.until(() => first.joins === 3)
    await real.until(() => [0, 1].every((partition) => first.offsets(partition).includes(4)))
    expect(first.troubles).toEqual([])
  })

  it('counts the control records of transactions as read, so that no lag is left', async () => {
    const [name, groupId] = [await real.topic(1), real.uniqueName('group')]
    const producer = real.kafka.producer({
      transactionalId: real.uniqueName('tx'),
      idempotent: true,
      maxInFlightRequests: 1,
    })
    await producer.connect()
    const send = async (end: 'commit' | 'abort') => {
      const transaction = await producer.transaction()
      await transaction.send({ topic: name, messages: [{ value: 'a' }, { value: 'b' }] })
      await transaction[end]()
    }
    await send('commit')
    const read = source(name, { groupId, commitInterval: 100 })
    const settle = async (end: number) => {
      await real.until(() => {
        for (const message of read.messages) message.ack()
        return read.member.health().partitions[0]?.next === end
      })
      await real.until(async () => (await real.committed(groupId, name)).get(0) === end)
      await real.until(() => read.member.health().partitions[0]?.lag === 0)
    }
    await settle(3)
    await send('abort')
    await settle(6)
    await send('commit')
    await settle(9)
    expect(read.messages.map(({ offset }) => offset)).toEqual([0, 1, 6, 7])
    await producer.disconnect()
  })

  it('commits the start of an empty partition, so that what comes while nobody reads is not skipped', async () => {
    const [name, groupId] = [await real.topic(2), real.uniqueName('group')]
    await fill(name, 0, 3)
    const first = source(name, { groupId, fromBeginning: false, commitInterval: 100 })
    await real.until(async () => (await real.committed(groupId, name)).size === 2)
    expect(await real.committed(groupId, name)).toEqual(
      new Map([
        [0, 3],
        [1, 0],
      ]),
    )
    first.member.drain()
    await real.until(() => first.types().includes('closed'))
    await fill(name, 0, 1, 3)
    await fill(name, 1, 1)
    const second = source(name, { groupId, fromBeginning: false })
    await real.until(() => second.messages.length === 2)
    expect(second.messages.map(({ id }) => id).sort()).toEqual([`${name}-0-3`, `${name}-1-0`])
  })

  it('keeps members of one group in one process apart, even one without a partition', async () => {
    const [name, groupId] = [await real.topic(1), real.uniqueName('group')]
    const members = [
      reader({ groupId, topics: [name] }),
      reader({ groupId, topics: [name] }),
      reader({ groupId, topics: [name] }),
    ]
    await real.until(() => members.every(({ joins }) => joins > 0))
    await fill(name, 0, 5)
    await real.until(() => members.reduce((sum, { seen }) => sum + seen.length, 0) >= 5)
    await wait(500)
    expect(members.flatMap(({ seen }) => seen)).toHaveLength(5)
    expect(members.flatMap(({ troubles }) => troubles)).toEqual([])
  })

  describe('when the broker is gone', () => {
    const impatient = { retry: { initialRetryTime: 50, retries: 1 }, connectionTimeout: 500 }

    it('tells of the trouble, loses what it had, and reads on by itself once it is back', async () => {
      const network = new Network()
      const shaky = kafkajs(kafkaClient({ ...impatient, socketFactory: network.socketFactory }))
      const [name, groupId] = [await real.topic(1), real.uniqueName('group')]
      await fill(name, 0, 5)
      const member = reader({ groupId, topics: [name] }, shaky)
      await real.until(() => member.seen.length === 5)
      network.cut()
      await real.until(() => member.losses.length > 0)
      expect(member.troubles.length).toBeGreaterThan(0)
      expect(errorClassOf(member.troubles[0])).toBe('transient')
      expect(
        (
          await new Promise<Error | null>((resolve) =>
            member.commit([{ topic: name, partition: 0, offset: 5 }], resolve),
          )
        )?.name,
      ).toBe('CommitError')
      network.mend()
      await fill(name, 0, 5, 5)
      await real.until(() => member.offsets(0).at(-1) === 9)
      expect(member.joins).toBeGreaterThanOrEqual(2)
      expect(member.failure).toBeUndefined()
    })

    it('keeps trying from the start on, and can be left at any time', async () => {
      const network = new Network()
      network.cut()
      const shaky = kafkajs(kafkaClient({ ...impatient, socketFactory: network.socketFactory }))
      const [name, groupId] = [await real.topic(1), real.uniqueName('group')]
      const member = new Reader(shaky, { groupId, topics: [name] })
      await real.until(() => member.troubles.length >= 2)
      expect(member.troubles[0]?.message).toContain(`Cannot read ${name} as group ${groupId}: `)
      await new Promise<void>((resolve) => member.leave(resolve))
      const { length } = member.told
      await wait(1000)
      expect(member.told.length).toBe(length)
    })

    it('says that a send may be tried again', async () => {
      const network = new Network()
      network.cut()
      const shaky = kafkajs(kafkaClient({ ...impatient, socketFactory: network.socketFactory }))
      const name = await real.topic(1)
      const send = () =>
        new Promise<Error | null>((resolve) => shaky.send([{ topic: name, key: null, value: 'x' }], resolve))
      expect(errorClassOf(await send())).toBe('transient')
      network.mend()
      expect(await send()).toBeNull()
    })
  })

  it('leaves no connection open once nobody reads and nothing is to be sent', async () => {
    const network = new Network()
    const own = kafkajs(kafkaClient({ socketFactory: network.socketFactory }))
    const [name, groupId] = [await real.topic(1), real.uniqueName('group')]
    await new Promise((resolve) => own.send([{ topic: name, key: null, value: 'x' }], resolve))
    const seen: string[] = []
    const subscription = fromTopic(own, topic(name, text), { groupId })
      .pipe(ack())
      .subscribe((value) => seen.push(value))
    await real.until(() => seen.length === 1)
    expect(network.open).toBeGreaterThan(0)
    subscription.unsubscribe()
    await real.until(() => network.open === 0, 3000)
    await real.until(async () => (await real.committed(groupId, name)).get(0) === 1)
  })

  it('leaves while it still joins', async () => {
    const network = new Network()
    const own = kafkajs(kafkaClient({ socketFactory: network.socketFactory }))
    const [name, groupId] = [await real.topic(1), real.uniqueName('group')]
    for (const ms of [0, 5, 20, 60, 150]) {
      const member = new Reader(own, { groupId, topics: [name] })
      await wait(ms)
      await new Promise<void>((resolve) => member.leave(resolve))
    }
    await real.until(() => network.open === 0, 3000)
    const { groups } = await real.admin.describeGroups([groupId])
    expect(groups[0]?.members ?? []).toEqual([])
  })
})
