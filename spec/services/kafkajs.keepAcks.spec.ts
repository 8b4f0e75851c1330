import { describe, expect, it } from 'vitest'
import { kafkaStage } from './support/kafkaStage.ts'
import { throwOut } from './support/throwOut.ts'

describe('kafkajs(kafka) with keepAcks', () => {
  const stage = kafkaStage()

  it('has only what is not acked delivered again, to itself when it was lost and to the next owner', async () => {
    const [name, groupId] = [await stage().real.topic(1), stage().real.uniqueName('group')]
    await stage().fill(name, 0, 1000)
    const options = { groupId, keepAcks: true, commitInterval: 100, drainTimeout: 100 }
    const first = stage().source(name, options)
    await stage().real.until(() => first.messages.length === 1000)
    for (const message of first.messages) if (![10, 500].includes(message.offset)) message.ack()
    await stage().real.until(async () => (await stage().real.committed(groupId, name)).get(0) === 10)
    await stage().real.until(() => first.types().at(-1) === 'committed')
    await throwOut(stage().real, groupId)
    await stage().real.until(() => first.messages.length >= 1002)
    expect(first.messages.slice(1000).map(({ offset }) => offset)).toEqual([10, 500])
    first.messages[1000]?.ack()
    await stage().real.until(async () => (await stage().real.committed(groupId, name)).get(0) === 500)
    first.member.drain()
    await stage().real.until(() => first.types().includes('closed'))
    await stage().fill(name, 0, 1, 1000)
    const second = stage().source(name, options)
    await stage().real.until(() => second.messages.length >= 2)
    expect(second.messages.map(({ offset }) => offset)).toEqual([500, 1000])
    expect(second.member.health().skippedAcked).toBe(499)
    for (const message of second.messages) message.ack()
    await stage().real.until(async () => (await stage().real.committed(groupId, name)).get(0) === 1001)
    const [fetched] = await stage().real.admin.fetchOffsets({ groupId, topics: [name] })
    expect(fetched?.partitions[0]?.metadata ?? '').toBe('')
  })
})
