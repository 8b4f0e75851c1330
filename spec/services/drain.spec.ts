import { rm } from 'node:fs/promises'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ack } from '../../lib/ack.ts'
import type { Broker } from '../../lib/broker.ts'
import { json } from '../../lib/codec.ts'
import type { SourceEvent } from '../../lib/events.ts'
import { fromTopic } from '../../lib/fromTopic.ts'
import { kafkajs } from '../../lib/kafkajs/kafkajs.ts'
import { run } from '../../lib/run.ts'
import { topic } from '../../lib/topic.ts'
import { zaddTo } from '../../operators/zaddTo/zaddTo.ts'
import { openRun, servers } from '../../services/servers.ts'
import { RealKafka } from './support/kafka.ts'

const { redis } = servers
const own = openRun({ name: 'drain-spec', portBase: 23_500 })

describe('a pipe whose server is gone', () => {
  let real: RealKafka
  let client: Redis

  beforeAll(async () => {
    await redis.start(own)
    real = await RealKafka.connect()
    // As an application has it that does not wait for ever: a command fails once its connection is lost twice.
    client = new Redis(redis.url(own), { maxRetriesPerRequest: 1 })
    client.on('error', () => {})
  })

  afterAll(async () => {
    client.disconnect()
    await redis.stop(own)
    await rm(own.folder, { recursive: true, force: true })
    await real.close()
  })

  it('drains long before drainTimeout, and the next member does what is left', async () => {
    const [name, groupId] = [await real.topic(1), real.uniqueName('group')]
    const kafka = kafkajs(real.kafka)
    const pipe = () =>
      fromTopic(kafka, topic(name, json<number>()), { groupId }).pipe(
        zaddTo(client, (n) => ({ key: name, score: n, member: `${n}` })),
        ack(),
      )
    const first = run(kafka, pipe(), { signals: false })
    const events: SourceEvent[] = []
    first.events.subscribe((event) => events.push(event))
    await fill(kafka, name, 0, 10)
    await real.until(async () => (await real.committed(groupId, name)).get(0) === 10)

    await redis.kill(own)
    await fill(kafka, name, 10, 50)
    await real.until(() => first.health()[0]?.partitions[0]?.inFlight === 50)
    await new Promise((resolve) => setTimeout(resolve, 2000))
    const since = Date.now()
    await first.drain()
    expect(Date.now() - since).toBeLessThan(10_000)
    expect(events.at(-1)).toMatchObject({ type: 'closed', unsettled: 50, workedOn: 0, failure: null })
    expect((await real.committed(groupId, name)).get(0)).toBe(10)

    await redis.start(own)
    const second = run(kafka, pipe(), { signals: false })
    await real.until(async () => (await real.committed(groupId, name)).get(0) === 60)
    await second.drain()
    expect(await client.zcard(name)).toBe(50)
  })
})

/** Sends numbers to a topic. */
function fill(kafka: Broker, name: string, first: number, count: number): Promise<void> {
  const messages = Array.from({ length: count }, (_, i) => ({ topic: name, key: `${i}`, value: `${first + i}` }))
  return new Promise((resolve, reject) => kafka.send(messages, (error) => (error === null ? resolve() : reject(error))))
}
