import { describe, expect, it } from 'vitest'
import { ack } from '../../lib/ack.ts'
import { text } from '../../lib/codec.ts'
import { errorClassOf } from '../../lib/errors.ts'
import { fromTopic } from '../../lib/fromTopic.ts'
import { kafkajs } from '../../lib/kafkajs/kafkajs.ts'
import { topic } from '../../lib/topic.ts'
import { Reader } from '../broker/reader.ts'
import { kafkaClient } from './support/kafka.ts'
import { kafkaStage, wait } from './support/kafkaStage.ts'
import { Network } from './support/network.ts'

describe('kafkajs(kafka) and its connections', () => {
  const stage = kafkaStage()

  describe('when the broker is gone', () => {
    const impatient = { retry: { initialRetryTime: 50, retries: 1 }, connectionTimeout: 500 }

    it('tells of the trouble, loses what it had, and reads on by itself once it is back', async () => {
      const network = new Network()
      const shaky = kafkajs(kafkaClient({ ...impatient, socketFactory: network.socketFactory }))
      const [name, groupId] = [await stage().real.topic(1), stage().real.uniqueName('group')]
      await stage().fill(name, 0, 5)
      const member = stage().reader({ groupId, topics: [name] }, shaky)
      await stage().real.until(() => member.seen.length === 5)
      network.cut()
      await stage().real.until(() => member.losses.length > 0)
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
      const mended = Date.now()
      await stage().real.until(() => member.joins === 2)
      // The group doesn't wait for the session of the member that is gone, of 10 s.
      expect(Date.now() - mended).toBeLessThan(7000)
      await stage().fill(name, 0, 5, 5)
      await stage().real.until(() => member.offsets(0).at(-1) === 9)
      expect(member.failure).toBeUndefined()
    })

    it('keeps trying from the start on, and can be left at any time', async () => {
      const network = new Network()
      network.cut()
      const shaky = kafkajs(kafkaClient({ ...impatient, socketFactory: network.socketFactory }))
      const [name, groupId] = [await stage().real.topic(1), stage().real.uniqueName('group')]
      const member = new Reader(shaky, { groupId, topics: [name] })
      await stage().real.until(() => member.troubles.length >= 2)
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
      const name = await stage().real.topic(1)
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
    const [name, groupId] = [await stage().real.topic(1), stage().real.uniqueName('group')]
    await new Promise((resolve) => own.send([{ topic: name, key: null, value: 'x' }], resolve))
    const seen: string[] = []
    const subscription = fromTopic(own, topic(name, text), { groupId })
      .pipe(ack())
      .subscribe((value) => seen.push(value))
    await stage().real.until(() => seen.length === 1)
    expect(network.open).toBeGreaterThan(0)
    subscription.unsubscribe()
    await stage().real.until(() => network.open === 0, 3000)
    await stage().real.until(async () => (await stage().real.committed(groupId, name)).get(0) === 1)
  })

  it('leaves while it still joins', async () => {
    const network = new Network()
    const own = kafkajs(kafkaClient({ socketFactory: network.socketFactory }))
    const [name, groupId] = [await stage().real.topic(1), stage().real.uniqueName('group')]
    for (const ms of [0, 5, 20, 60, 150]) {
      const member = new Reader(own, { groupId, topics: [name] })
      await wait(ms)
      await new Promise<void>((resolve) => member.leave(resolve))
    }
    await stage().real.until(() => network.open === 0, 3000)
    const { groups } = await stage().real.admin.describeGroups([groupId])
    expect(groups[0]?.members ?? []).toEqual([])
  })
})
