import { describe, expect, it } from 'vitest'
import { kafkajs } from '../../lib/kafkajs/kafkajs.ts'
import { Reader } from '../broker/reader.ts'
import { kafkaClient } from './support/kafka.ts'
import { kafkaStage, wait } from './support/kafkaStage.ts'
import { throwOut } from './support/throwOut.ts'

describe('kafkajs(kafka) in a rebalance', () => {
  const stage = kafkaStage()

  describe('before a join', () => {
    it('drains, and keeps its membership by heartbeats longer than the session lasts', async () => {
      const [name, groupId] = [await stage().real.topic(2), stage().real.uniqueName('group')]
      await stage().fill(name, 0, 10)
      await stage().fill(name, 1, 10)
      const session = { sessionTimeout: 6000, rebalanceTimeout: 30_000 }
      const first = stage().source(name, { groupId, ...session })
      await stage().real.until(() => first.messages.length === 20)
      const second = stage().source(name, { groupId, ...session })
      await stage().real.until(() => first.member.health().state === 'rebalancing')
      await wait(8000)
      expect(first.types()).toEqual(['assigned'])
      for (const message of first.messages) message.ack()
      await stage().real.until(() => second.types().includes('assigned'))
      await stage().real.until(() => first.types().filter((type) => type === 'assigned').length === 2)
      expect(await stage().real.committed(groupId, name)).toEqual(
        new Map([
          [0, 10],
          [1, 10],
        ]),
      )
      await wait(500)
      expect([first.messages.length, second.messages.length]).toEqual([20, 0])
    })

    it('gives up draining when the group has thrown it out, and commits nothing', async () => {
      const [name, groupId] = [await stage().real.topic(1), stage().real.uniqueName('group')]
      await stage().fill(name, 0, 5)
      const member = stage().reader({ groupId, topics: [name], holds: true })
      await stage().real.until(() => member.seen.length === 5)
      await throwOut(stage().real, groupId)
      await stage().real.until(() => member.joins === 2)
      expect(member.told).toEqual(['assigned', 'lost', 'assigned'])
      expect(member.losses).toEqual([[{ topic: name, partition: 0 }]])
    })
  })

  it('reads on from a partition that was paused, lost and regained', async () => {
    const [name, groupId] = [await stage().real.topic(2), stage().real.uniqueName('group')]
    const first = stage().reader({ groupId, topics: [name] })
    await stage().real.until(() => first.joins === 1)
    for (const partition of [0, 1]) first.pause(name, partition)
    await stage().fill(name, 0, 5)
    await stage().fill(name, 1, 5)
    await wait(500)
    const second = new Reader(stage().broker, { groupId, topics: [name] })
    await stage().real.until(() => first.joins === 2 && second.joins === 1)
    await new Promise<void>((resolve) => second.leave(resolve))
    await stage().real.until(() => first.joins === 3)
    await stage().real.until(() => [0, 1].every((partition) => first.offsets(partition).includes(4)))
    expect(first.troubles).toEqual([])
  })

  it('keeps members of one group in one process apart, even one without a partition', async () => {
    const [name, groupId] = [await stage().real.topic(1), stage().real.uniqueName('group')]
    const members = [
      stage().reader({ groupId, topics: [name] }),
      stage().reader({ groupId, topics: [name] }),
      stage().reader({ groupId, topics: [name] }),
    ]
    await stage().real.until(() => members.every(({ joins }) => joins > 0))
    await stage().fill(name, 0, 5)
    await stage().real.until(() => members.reduce((sum, { seen }) => sum + seen.length, 0) >= 5)
    await wait(500)
    expect(members.flatMap(({ seen }) => seen)).toHaveLength(5)
    expect(members.flatMap(({ troubles }) => troubles)).toEqual([])
  })

  it('loses and repeats nothing while members come and go, and acks come late and in any order', async () => {
    const [name, groupId] = [await stage().real.topic(6), stage().real.uniqueName('group')]
    const seen = new Map<string, number>()
    const acked = new WeakSet<object>()
    const join = () => {
      const broker = kafkajs(kafkaClient())
      const read = stage().source(name, { groupId, commitInterval: 200, drainTimeout: 5000 }, broker)
      const settle = setInterval(() => {
        for (const message of read.messages) {
          if (acked.has(message)) continue
          acked.add(message)
          seen.set(message.id, (seen.get(message.id) ?? 0) + 1)
          const slow = Math.random() < 0.05
          setTimeout(() => message.ack(), slow ? 800 + Math.random() * 700 : Math.random() * 20)
        }
      }, 10)
      stage().onEnd(() => clearInterval(settle))
      return read
    }
    let sent = 0
    const feed = setInterval(() => void stage().fill(name, sent++ % 6, 30), 25)
    const first = join()
    await wait(1500)
    const second = join()
    await stage().real.until(() => second.types().includes('assigned'))
    const third = join()
    await stage().real.until(() => third.types().includes('assigned'))
    second.member.drain()
    await stage().real.until(() => second.types().includes('closed'))
    await stage().real.until(() => first.types().filter((type) => type === 'assigned').length >= 4)
    clearInterval(feed)
    await stage().real.until(async () => sum(await stage().real.committed(groupId, name)) === sent * 30)
    expect(seen.size).toBe(sent * 30)
    expect([...seen].filter(([, times]) => times > 1)).toEqual([])
  })
})

function sum(offsets: ReadonlyMap<number, number>): number {
  return [...offsets.values()].reduce((all, offset) => all + offset, 0)
}
