import { describe, expect, it } from 'vitest'
import { errorClassOf } from '../../lib/errors.ts'
import { kafkajs } from '../../lib/kafkajs/kafkajs.ts'
import { kafkaStage, wait } from './support/kafkaStage.ts'

describe('kafkajs(kafka)', () => {
  const stage = kafkaStage()

  describe('does not commit partitions that it no longer owns', () => {
    it('ignores acks that come after a rebalance', async () => {
      const [name, groupId] = [await stage().real.topic(2), stage().real.uniqueName('group')]
      await stage().fill(name, 0, 10)
      await stage().fill(name, 1, 10)
      const slow = stage().source(name, { groupId, drainTimeout: 200, commitInterval: 200 })
      await stage().real.until(() => slow.messages.length === 20)
      const second = stage().reader({ groupId, topics: [name] })
      await stage().real.until(() => second.seen.length === 10)
      const [partition = -1] = second.partitions
      expect(
        await new Promise((resolve) => second.commit([{ topic: name, partition, offset: 10 }], resolve)),
      ).toBeNull()
      for (const message of slow.messages.filter((one) => one.partition === partition).slice(0, 3)) message.ack()
      for (const message of slow.messages.filter((one) => one.partition !== partition).slice(0, 3)) message.ack()
      await stage().real.until(async () => (await stage().real.committed(groupId, name)).get(1 - partition) === 3)
      expect((await stage().real.committed(groupId, name)).get(partition)).toBe(10)
    })
  })

  describe('does not let kafkajs reset offsets silently', () => {
    it('errors when what was committed is deleted before it starts, and leaves the commit as it was', async () => {
      const [name, groupId] = [await stage().real.topic(1), stage().real.uniqueName('group')]
      await stage().fill(name, 0, 20)
      await stage().real.admin.setOffsets({ groupId, topic: name, partitions: [{ partition: 0, offset: '5' }] })
      await stage().real.admin.deleteTopicRecords({ topic: name, partitions: [{ partition: 0, offset: '10' }] })
      const { state, messages } = stage().source(name, { groupId })
      await stage().real.until(() => state.error !== undefined)
      expect(state.error?.message).toContain(
        `Cannot read ${name}[0] as group ${groupId}: the next offset to read is 5, but the log begins at 10 and ends at 20: 5 messages were deleted before they were read`,
      )
      expect(errorClassOf(state.error)).toBe('fatal')
      await wait(500)
      expect(messages).toEqual([])
      expect(await stage().real.committed(groupId, name)).toEqual(new Map([[0, 5]]))
    })

    it('errors when it is deleted while it reads', async () => {
      const [name, groupId] = [await stage().real.topic(1), stage().real.uniqueName('group')]
      await stage().fill(name, 0, 5)
      const read = stage().source(name, { groupId, commitInterval: 100, maxInFlight: 5, drainTimeout: 500 })
      await stage().real.until(() => read.messages.length === 5)
      for (const message of read.messages) message.ack()
      await stage().real.until(async () => (await stage().real.committed(groupId, name)).get(0) === 5)
      read.member.pause()
      // One batch is taken and then the partition is held.
      await stage().fill(name, 0, 5, 5)
      await wait(1000)
      await stage().fill(name, 0, 10, 10)
      await stage().real.admin.deleteTopicRecords({ topic: name, partitions: [{ partition: 0, offset: '15' }] })
      read.member.resume()
      await stage().real.until(() => read.state.error !== undefined)
      expect(read.state.error?.message).toMatch(
        /next offset to read is 10, but the log begins at 15 and ends at 20: 5 messages/,
      )
      expect(await stage().real.committed(groupId, name)).toEqual(new Map([[0, 5]]))
    })

    it('errors when the topic is recreated with fewer messages', async () => {
      const [name, groupId] = [await stage().real.topic(1), stage().real.uniqueName('group')]
      await stage().fill(name, 0, 2)
      await stage().real.admin.setOffsets({ groupId, topic: name, partitions: [{ partition: 0, offset: '7' }] })
      const { state } = stage().source(name, { groupId })
      await stage().real.until(() => state.error !== undefined)
      expect(state.error?.message).toMatch(
        /next offset to read is 7, but the log begins at 0 and ends at 2: the topic was recreated/,
      )
      expect(await stage().real.committed(groupId, name)).toEqual(new Map([[0, 7]]))
    })
  })

  describe('goes on where onOutOfRange says', () => {
    /** A source that has read and acked five messages and was paused, when what came then was deleted. */
    async function overtaken(onOutOfRange: 'earliest' | 'latest') {
      const [name, groupId] = [await stage().real.topic(1), stage().real.uniqueName('group')]
      const read = stage().source(name, { groupId, commitInterval: 100, maxInFlight: 5, onOutOfRange })
      await stage().fill(name, 0, 5)
      await stage().real.until(() => read.messages.length === 5)
      for (const message of read.messages) message.ack()
      await stage().real.until(async () => (await stage().real.committed(groupId, name)).get(0) === 5)
      read.member.pause()
      // One batch is taken and then the partition is held.
      await stage().fill(name, 0, 5, 5)
      await wait(1000)
      await stage().fill(name, 0, 10, 10)
      await stage().real.deleteRecords(name, 0, 15)
      read.member.resume()
      await stage().real.until(() => read.types().includes('outOfRange'))
      for (const message of read.messages) message.ack()
      return { name, groupId, ...read }
    }

    it('skips what was deleted, once, and forgets nothing that it had fetched', async () => {
      const { name, groupId, events, messages } = await overtaken('earliest')
      await stage().real.until(() => {
        for (const message of messages) message.ack()
        return messages.length === 15
      })
      expect(messages.map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 18, 19])
      await stage().real.until(async () => (await stage().real.committed(groupId, name)).get(0) === 20)
      expect(events.filter(({ type }) => type === 'outOfRange')).toEqual([
        {
          type: 'outOfRange',
          groupId,
          place: { topic: name, partition: 0, offset: 10 },
          log: { logStart: 15, highWatermark: 20 },
          to: 15,
          missed: 5,
        },
      ])
      expect(events.map(({ type }) => type)).not.toContain('lost')
    })

    it('goes on at the end, and commits that', async () => {
      const { name, groupId, events, messages } = await overtaken('latest')
      await stage().real.until(async () => (await stage().real.committed(groupId, name)).get(0) === 20)
      expect(messages.length).toBe(10)
      expect(events.find(({ type }) => type === 'outOfRange')).toMatchObject({ to: 20, missed: 10 })
    })

    it('goes on when it starts, and commits the new place at once', async () => {
      const [name, groupId] = [await stage().real.topic(1), stage().real.uniqueName('group')]
      await stage().fill(name, 0, 2)
      await stage().real.admin.setOffsets({ groupId, topic: name, partitions: [{ partition: 0, offset: '7' }] })
      const { events, messages } = stage().source(name, { groupId, onOutOfRange: 'earliest' })
      await stage().real.until(async () => (await stage().real.committed(groupId, name)).get(0) === 0)
      await stage().real.until(() => messages.length === 2)
      expect(events.find(({ type }) => type === 'outOfRange')).toMatchObject({ to: 0, missed: null })
    })

    it('reads a topic that was recreated from its beginning', async () => {
      const [name, groupId] = [await stage().real.topic(1), stage().real.uniqueName('group')]
      await stage().fill(name, 0, 5)
      const { messages, types } = stage().source(name, { groupId, onOutOfRange: 'earliest', fromBeginning: false })
      await stage().real.until(async () => (await stage().real.committed(groupId, name)).get(0) === 5)
      await stage().real.recreateTopic(name)
      await stage().real.until(() => types().includes('outOfRange'))
      await stage().fill(name, 0, 3)
      await stage().real.until(() => messages.length === 3)
      for (const message of messages) message.ack()
      await stage().real.until(async () => (await stage().real.committed(groupId, name)).get(0) === 3)
    })
  })

  it('counts the control records of transactions as read, so that no lag is left', async () => {
    const [name, groupId] = [await stage().real.topic(1), stage().real.uniqueName('group')]
    const producer = stage().real.kafka.producer({
      transactionalId: stage().real.uniqueName('tx'),
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
    const read = stage().source(name, { groupId, commitInterval: 100 })
    const settle = async (end: number) => {
      await stage().real.until(() => {
        for (const message of read.messages) message.ack()
        return read.member.health().partitions[0]?.next === end
      })
      await stage().real.until(async () => (await stage().real.committed(groupId, name)).get(0) === end)
      await stage().real.until(() => read.member.health().partitions[0]?.lag === 0)
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
    const [name, groupId] = [await stage().real.topic(2), stage().real.uniqueName('group')]
    await stage().fill(name, 0, 3)
    const first = stage().source(name, { groupId, fromBeginning: false, commitInterval: 100 })
    await stage().real.until(async () => (await stage().real.committed(groupId, name)).size === 2)
    expect(await stage().real.committed(groupId, name)).toEqual(
      new Map([
        [0, 3],
        [1, 0],
      ]),
    )
    first.member.drain()
    await stage().real.until(() => first.types().includes('closed'))
    await stage().fill(name, 0, 1, 3)
    await stage().fill(name, 1, 1)
    const second = stage().source(name, { groupId, fromBeginning: false })
    await stage().real.until(() => second.messages.length === 2)
    expect(second.messages.map(({ id }) => id).sort()).toEqual([`${name}-0-3`, `${name}-1-0`])
  })

  it('fetches what is decoded in good time, and learns how much that is: not the megabyte that kafkajs would', async () => {
    const [name, groupId] = [await stage().real.topic(1), stage().real.uniqueName('group')]
    const messages = Array.from({ length: 50 }, () => ({ topic: name, key: null, value: 'x'.repeat(1000) }))
    for (let batch = 0; batch < 60; batch++) await new Promise((resolve) => stage().broker.send(messages, resolve))
    const sizes: number[] = []
    const { kafka } = stage().real
    const consumer = (...[config]: Parameters<typeof kafka.consumer>) => {
      const made = kafka.consumer(config)
      made.on(made.events.REQUEST, ({ payload: { apiName, size } }) => {
        if (apiName === 'Fetch') sizes.push(size)
      })
      return made
    }
    const spied = Object.assign(Object.create(kafka), { consumer })
    const read = stage().source(name, { groupId, maxInFlight: 10_000 }, kafkajs(spied))
    await stage().real.until(() => read.messages.length === 3000)
    expect(sizes[0]).toBeLessThan(150_000)
    expect(Math.max(...sizes)).toBeGreaterThan(200_000)
  })
})
