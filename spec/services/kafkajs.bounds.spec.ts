import { describe, expect, it } from 'vitest'
import type { SourceOptions } from '../../lib/sourceOptions.ts'
import { kafkaStage } from './support/kafkaStage.ts'

describe('a bounded read of a real Kafka', () => {
  const stage = kafkaStage()

  /** Reads and acks until it completes; gives the ids. */
  async function readAll(name: string, options: SourceOptions): Promise<string[]> {
    const read = stage().source(name, { commitInterval: 100, ...options })
    await stage().real.until(() => {
      for (const message of read.messages) message.ack()
      return read.types().includes('closed')
    })
    expect(read.state.error).toBeUndefined()
    return read.messages.map(({ id }) => id.slice(name.length + 1)).sort()
  }

  it("reads until the 'end', once, control records and all", async () => {
    const [name, groupId] = [await stage().real.topic(2), stage().real.uniqueName('group')]
    await stage().fill(name, 0, 3)
    const transactionalId = stage().real.uniqueName('tx')
    const producer = stage().real.kafka.producer({ transactionalId, idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    const transaction = await producer.transaction()
    await transaction.send({ topic: name, messages: [{ value: 'a', partition: 1 }] })
    await transaction.commit()
    await producer.disconnect()
    expect(await readAll(name, { groupId, until: 'end' })).toEqual(['0-0', '0-1', '0-2', '1-0'])
    expect(await stage().real.committed(groupId, name)).toEqual(await stage().real.endOffsets(name))
    await stage().fill(name, 0, 2, 3)
    expect(await readAll(name, { groupId, until: 'end' })).toEqual(['0-3', '0-4'])
    expect(await readAll(name, { groupId, until: 'end' })).toEqual([])
  })

  it('completes at once in an empty topic', async () => {
    const [name, groupId] = [await stage().real.topic(2), stage().real.uniqueName('group')]
    expect(await readAll(name, { groupId, until: 'end' })).toEqual([])
  })

  it('completes in each of two members, which read all together', async () => {
    const [name, groupId] = [await stage().real.topic(4), stage().real.uniqueName('group')]
    for (let partition = 0; partition < 4; partition++) await stage().fill(name, partition, 500)
    const both = await Promise.all([0, 1].map(() => readAll(name, { groupId, until: 'end', maxInFlight: 50 })))
    expect(new Set(both.flat()).size).toBe(2000)
    expect([...(await stage().real.committed(groupId, name)).values()]).toEqual([500, 500, 500, 500])
  })

  it('reads so many messages, and the next ones when it is run again', async () => {
    const [name, groupId] = [await stage().real.topic(1), stage().real.uniqueName('group')]
    await stage().fill(name, 0, 10)
    expect(await readAll(name, { groupId, until: 4 })).toEqual(['0-0', '0-1', '0-2', '0-3'])
    expect(await stage().real.committed(groupId, name)).toEqual(new Map([[0, 4]]))
    expect(await readAll(name, { groupId, until: 2 })).toEqual(['0-4', '0-5'])
  })

  it('reads what lies between two instants', async () => {
    const [name, groupId] = [await stage().real.topic(1), stage().real.uniqueName('group')]
    const now = Date.now() - 1000
    const at = [0, 100, 200, 300].map((ms) => ({ topic: name, key: null, value: `${ms}`, timestamp: now + ms }))
    await new Promise((resolve) => stage().broker.send(at, resolve))
    const between = { fromBeginning: new Date(now + 100), until: new Date(now + 300) }
    expect(await readAll(name, { groupId, ...between })).toEqual(['0-1', '0-2'])
    expect(await stage().real.committed(groupId, name)).toEqual(new Map([[0, 3]]))
  })
})
