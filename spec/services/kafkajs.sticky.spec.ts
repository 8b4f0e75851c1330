import type { Consumer } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import type { Message } from '../../lib/message.ts'
import { kafkaStage, wait } from './support/kafkaStage.ts'

describe('kafkajs(kafka) and who gets which partition', () => {
  const stage = kafkaStage()
  type Source = ReturnType<ReturnType<typeof stage>['source']>

  const assignments = ({ events }: Source) =>
    events.flatMap((event) => (event.type === 'assigned' ? [event.partitions.map(({ partition }) => partition)] : []))
  const now = (source: Source) => [...(assignments(source).at(-1) ?? [])].sort()
  const fillAll = async (name: string, partitions: number, count: number, from = 0) => {
    for (let partition = 0; partition < partitions; partition++) await stage().fill(name, partition, count, from)
  }
  const settle = (...sources: Source[]) => {
    for (const { messages } of sources) for (const message of messages) message.ack()
  }
  const protocol = async (groupId: string) => {
    const { groups } = await stage().real.admin.describeGroups([groupId])
    return [groups[0]?.state, groups[0]?.protocol]
  }

  it('moves to a third member only its share; what stays goes on where it stood', async () => {
    const [name, groupId] = [await stage().real.topic(6), stage().real.uniqueName('group')]
    const options = { groupId, drainTimeout: 200, commitInterval: 200 }
    const join = () => stage().source(name, options)
    const [first, second] = [join(), join()]
    await stage().real.until(() => now(first).length === 3 && now(second).length === 3)
    await fillAll(name, 6, 10)
    await stage().real.until(() => first.messages.length === 30 && second.messages.length === 30)
    const before = [now(first), now(second)]
    // Acked in part, and so late that the drain does not see it: a partition that moves is repeated from there.
    for (const message of [...first.messages, ...second.messages]) if (message.offset % 2 === 1) message.ack()
    const third = join()
    await stage().real.until(() => now(first).length === 2 && now(second).length === 2 && now(third).length === 2)
    const after = [now(first), now(second)]
    after.forEach((kept, i) => {
      expect(before[i]).toEqual(expect.arrayContaining(kept))
    })
    await stage().real.until(() => third.messages.length === 20)
    settle(first, second, third)
    await fillAll(name, 6, 5, 10)
    await stage().real.until(() => first.messages.length === 40 && second.messages.length === 40)
    await wait(300)
    ;[first, second].forEach((source, i) => {
      for (const partition of after[i] ?? []) expect(offsetsOf(source.messages, partition)).toEqual(upTo(15))
    })
    settle(first, second, third)
    await stage().real.until(async () => {
      const committed = await stage().real.committed(groupId, name)
      return [...committed.values()].filter((offset) => offset === 15).length === 6
    })
  })

  describe('beside consumers that know round robin alone', () => {
    /** A consumer of the application's own, as kafkajs makes it. */
    async function plain(name: string, groupId: string, ...others: string[]) {
      const consumer: Consumer = stage().real.kafka.consumer({ groupId, maxWaitTimeInMs: 100 })
      const seen: string[] = []
      let partitions: readonly number[] = []
      consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
        partitions = payload.memberAssignment[name] ?? []
      })
      await consumer.connect()
      await consumer.subscribe({ topics: [name, ...others], fromBeginning: true })
      await consumer.run({
        eachMessage: async ({ partition, message }) => void seen.push(`${name}-${partition}-${message.offset}`),
      })
      let hasLeft = false
      const leave = async () => {
        if (!hasLeft) await consumer.disconnect()
        hasLeft = true
      }
      stage().onEnd(leave)
      return { seen, leave, partitions: () => partitions }
    }

    const ackAll = (source: Source) => {
      const seen = new Set<string>()
      const timer = setInterval(() => {
        for (const message of source.messages) {
          seen.add(message.id)
          message.ack()
        }
      }, 20)
      stage().onEnd(() => clearInterval(timer))
      return seen
    }

    it('takes over from them one by one, and then is sticky', async () => {
      const [name, groupId] = [await stage().real.topic(4), stage().real.uniqueName('group')]
      const old = await plain(name, groupId)
      await stage().real.until(() => old.partitions().length === 4)
      await fillAll(name, 4, 5)
      await stage().real.until(() => old.seen.length === 20)
      const first = stage().source(name, { groupId, commitInterval: 100 })
      const seen = [ackAll(first)]
      await stage().real.until(() => now(first).length === 2 && old.partitions().length === 2)
      expect(await protocol(groupId)).toEqual(['Stable', 'RoundRobinAssigner'])
      await fillAll(name, 4, 5, 5)
      await stage().real.until(() => old.seen.length === 30 && seen[0]?.size === 10)
      const second = stage().source(name, { groupId, commitInterval: 100 })
      seen.push(ackAll(second))
      await stage().real.until(() => now(second).length > 0)
      await old.leave()
      await stage().real.until(() => now(first).length === 2 && now(second).length === 2)
      await stage().real.until(async () => (await protocol(groupId))[1] === 'sticky')
      await fillAll(name, 4, 5, 10)
      await stage().real.until(async () =>
        [...(await stage().real.committed(groupId, name)).values()].every((offset) => offset === 15),
      )
      expect(new Set([...old.seen, ...seen.flatMap((each) => [...each])]).size).toBe(60)
      expect([first.messages.length + second.messages.length + old.seen.length]).toEqual([60])
    })

    it('says which topics nobody reads, when they read others and deal those out too', async () => {
      const [name, other] = [await stage().real.topic(1), await stage().real.topic(2)]
      const groupId = stage().real.uniqueName('group')
      const old = await plain(name, groupId, other)
      await stage().real.until(() => old.partitions().length === 1)
      const source = stage().source(name, { groupId })
      await stage().real.until(() => source.types().includes('trouble'))
      const [trouble] = source.events.flatMap((event) => (event.type === 'trouble' ? [event.error] : []))
      expect(trouble).toMatchObject({ name: 'UnreadTopicsError', topics: [other] })
      expect(source.state.error).toBeUndefined()
    })

    it('gives way to them again, and goes on with round robin', async () => {
      const [name, groupId] = [await stage().real.topic(4), stage().real.uniqueName('group')]
      const source = stage().source(name, { groupId, commitInterval: 100 })
      const seen = ackAll(source)
      await stage().real.until(() => now(source).length === 4)
      expect(await protocol(groupId)).toEqual(['Stable', 'sticky'])
      await fillAll(name, 4, 5)
      await stage().real.until(() => seen.size === 20)
      const old = await plain(name, groupId)
      await stage().real.until(() => now(source).length === 2 && old.partitions().length === 2)
      expect(await protocol(groupId)).toEqual(['Stable', 'RoundRobinAssigner'])
      await fillAll(name, 4, 5, 5)
      await stage().real.until(() => old.seen.length === 10 && seen.size === 30)
      source.member.drain()
      await stage().real.until(() => old.partitions().length === 4)
      await fillAll(name, 4, 5, 10)
      await stage().real.until(() => old.seen.length === 30)
      expect(new Set([...old.seen, ...seen]).size).toBe(60)
    })
  })
})

const offsetsOf = (messages: readonly Message<string>[], wanted: number) =>
  messages.filter(({ partition }) => partition === wanted).map(({ offset }) => offset)

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i)
