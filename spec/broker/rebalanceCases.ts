import { expect, it } from 'vitest'
import type { Bench } from './harness.ts'
import type { Reader } from './reader.ts'

/** What happens when members come and go. */
export function rebalanceCases(bench: () => Bench): void {
  const shared = (...readers: Reader[]) => readers.flatMap(({ partitions }) => partitions).sort((a, b) => a - b)

  /** Two members of a new group, the second joining once the first has read all. */
  async function firstAndSecond(options: { messages: number; holds?: boolean }) {
    const topic = await bench().topic(4)
    for (let partition = 0; partition < 4; partition++) await bench().fill(topic, partition, options.messages)
    const group = { groupId: bench().group(), topics: [topic] }
    const first = await bench().joined({ ...group, holds: options.holds ?? false })
    await bench().on.until(() => first.seen.length >= 4 * options.messages)
    const second = bench().reader(group)
    return { topic, first, second, groupId: group.groupId }
  }

  it('shares the partitions among the members', async () => {
    const { first, second } = await firstAndSecond({ messages: 0 })
    await bench().on.until(() => first.joins >= 2 && second.joins >= 1)
    expect([first.partitions.length, second.partitions.length]).toEqual([2, 2])
    expect(shared(first, second)).toEqual([0, 1, 2, 3])
  })

  it('gives nothing to members beyond the number of partitions', async () => {
    const topic = await bench().topic(1)
    const group = { groupId: bench().group(), topics: [topic] }
    const first = await bench().joined(group)
    const second = await bench().joined(group)
    await bench().on.until(() => first.joins >= 2)
    expect([first.partitions.length, second.partitions.length].sort()).toEqual([0, 1])
  })

  it('tells a member of the coming rebalance, and joins it when it is done', async () => {
    const { first, second } = await firstAndSecond({ messages: 3, holds: true })
    await bench().on.until(() => first.revocations.length > 0)
    expect(first.revocations[0]?.map(({ partition }) => partition).sort()).toEqual([0, 1, 2, 3])
    await bench().pass(1000)
    expect([first.joins, second.joins]).toEqual([1, 0])
    first.letGo()
    await bench().on.until(() => first.joins === 2 && second.joins === 1)
    expect(first.told).toEqual(['assigned', 'revoking', 'assigned'])
    expect(second.told).toEqual(['assigned'])
  })

  it('accepts commits while a partition is being revoked, and the next owner begins there', async () => {
    const { topic, first, second, groupId } = await firstAndSecond({ messages: 5, holds: true })
    await bench().on.until(() => first.revocations.length > 0)
    const offsets = [0, 1, 2, 3].map((partition) => ({ topic, partition, offset: partition + 1 }))
    expect(await bench().answer((done) => first.commit(offsets, done))).toBeNull()
    const before = first.seen.length
    first.letGo()
    await bench().on.until(() => first.joins === 2 && second.joins === 1)
    for (const { partition, committed, position } of [...first.assignment, ...second.assignment]) {
      expect([committed, position]).toEqual([partition + 1, partition + 1])
    }
    const left = shared(first, second).reduce((sum, partition) => sum + 5 - (partition + 1), 0)
    await bench().on.until(() => first.seen.length - before + second.seen.length >= left)
    for (const partition of second.partitions) expect(second.offsets(partition)[0]).toBe(partition + 1)
    expect((await bench().on.committed(groupId, topic)).size).toBe(4)
  })

  it('delivers nothing between the revocation and the next assignment', async () => {
    const { topic, first, second } = await firstAndSecond({ messages: 2, holds: true })
    await bench().on.until(() => first.revocations.length > 0)
    await bench().fill(topic, 0, 5, 2)
    await bench().pass(500)
    expect([first.seen.length, second.seen.length]).toEqual([8, 0])
  })

  it('does not pass on the pause of a partition over a rebalance', async () => {
    const { topic, first, second } = await firstAndSecond({ messages: 0, holds: true })
    for (let partition = 0; partition < 4; partition++) first.pause(topic, partition)
    await bench().on.until(() => first.revocations.length > 0)
    first.letGo()
    await bench().on.until(() => first.joins === 2 && second.joins === 1)
    for (let partition = 0; partition < 4; partition++) await bench().fill(topic, partition, 2)
    await bench().on.until(() => first.seen.length + second.seen.length >= 8)
    expect([first.seen.length, second.seen.length]).toEqual([4, 4])
  })

  it('lets a member go on where it stood in a partition that it kept', async () => {
    const { topic, first, second } = await firstAndSecond({ messages: 3 })
    first.onAssigned = () => {
      for (const { partition } of first.assignment) first.seek(topic, partition, 3)
    }
    await bench().on.until(() => first.joins === 2 && second.joins === 1 && second.seen.length >= 6)
    for (const partition of first.partitions) await bench().fill(topic, partition, 1, 3)
    await bench().on.until(() => first.seen.length >= 14)
    for (const partition of first.partitions) expect(first.offsets(partition)).toEqual([0, 1, 2, 3])
    for (const partition of second.partitions) expect(second.offsets(partition)).toEqual([0, 1, 2])
  })

  it('hands the partitions of a member that leaves to the others', async () => {
    const { topic, first, second } = await firstAndSecond({ messages: 0 })
    await bench().on.until(() => first.joins >= 2 && second.joins >= 1)
    await bench().leave(second)
    await bench().on.until(() => first.partitions.length === 4)
    for (let partition = 0; partition < 4; partition++) await bench().fill(topic, partition, 1)
    await bench().on.until(() => first.seen.length >= 4)
    expect(second.seen).toEqual([])
  })

  it('refuses what a member commits of a partition that it lost', async () => {
    const { topic, first, second, groupId } = await firstAndSecond({ messages: 5 })
    await bench().on.until(() => first.joins >= 2 && second.joins >= 1)
    const [moved = -1] = second.partitions
    expect(await bench().commit(second, topic, moved, 4)).toBeNull()
    await bench().commit(first, topic, moved, 1)
    expect((await bench().on.committed(groupId, topic)).get(moved)).toBe(4)
  })

  it('refuses what a member commits after it left', async () => {
    const topic = await bench().topic(1)
    await bench().fill(topic, 0, 5)
    const groupId = bench().group()
    const reader = await bench().joined({ groupId, topics: [topic] })
    await bench().on.until(() => reader.seen.length >= 5)
    expect(await bench().commit(reader, topic, 0, 4)).toBeNull()
    await bench().leave(reader)
    expect((await bench().commit(reader, topic, 0, 1))?.name).toBe('CommitError')
    expect(await bench().on.committed(groupId, topic)).toEqual(new Map([[0, 4]]))
  })
}
