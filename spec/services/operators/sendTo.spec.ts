import type { Observable } from 'rxjs'
import { take, toArray } from 'rxjs/operators'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ack } from '../../../lib/ack.ts'
import type { OutgoingMessage } from '../../../lib/broker.ts'
import { json, text, tombstones } from '../../../lib/codec.ts'
import { errorClassOf } from '../../../lib/errors.ts'
import { fromTopic } from '../../../lib/fromTopic.ts'
import { kafkajs } from '../../../lib/kafkajs/kafkajs.ts'
import type { Message } from '../../../lib/message.ts'
import { topic } from '../../../lib/topic.ts'
import { tapValue } from '../../../lib/values.ts'
import { type Outgoing, type SendToOptions, sendTo } from '../../../operators/sendTo/sendTo.ts'
import { HOSTILE } from '../../support/hostile.ts'
import { kafkaClient, RealKafka } from '../support/kafka.ts'
import { throughOperator } from '../support/throughOperator.ts'

let real: RealKafka
beforeAll(async () => {
  real = await RealKafka.connect()
})
afterAll(() => real.close())

/** Sends values as messages. */
function settle(name: string, outgoing: readonly Outgoing<string | null>[], options: SendToOptions = {}) {
  const select = (one: Outgoing<string | null>) => one
  return throughOperator(outgoing, sendTo(kafkajs(real.kafka), topic(name, tombstones(text)), select, options))
}

/** Reads a topic's first messages, and what stands beside their values. */
function read(name: string, count: number): Promise<OutgoingMessage[]> {
  const seen: OutgoingMessage[] = []
  const keep = tapValue((value: string | null, message: Message<string | null>) => {
    const { key, headers, timestamp, partition } = message
    seen.push({ topic: name, key: key === null ? null : key.toString(), value, headers, timestamp, partition })
  })
  const source = fromTopic(kafkajs(real.kafka), topic(name, tombstones(text)), { groupId: real.uniqueName('group') })
  return new Promise((resolve, reject) => {
    source.pipe(keep, ack(), take(count), toArray()).subscribe({ next: () => resolve(seen), error: reject })
  })
}

describe('sendTo on Kafka', () => {
  it('writes hostile keys, values and headers as data', async () => {
    const name = await real.topic(1)
    expect(HOSTILE.length).toBeGreaterThanOrEqual(200)
    const outgoing = HOSTILE.map((value) => ({ key: value, value, headers: { [`h ${value}`]: value } }))
    const { acked, error } = await settle(name, outgoing)
    expect([acked.length, error]).toEqual([HOSTILE.length, undefined])
    const got = await read(name, HOSTILE.length)
    expect(got.map(({ key, value }) => [key, value])).toEqual(HOSTILE.map((value) => [value, value]))
    expect(got.map(({ headers }) => Object.entries(headers ?? {}).map(([h, v]) => [h, String(v)]))).toEqual(
      HOSTILE.map((value) => [[`h ${value}`, value]]),
    )
  })

  it('keeps timestamps, keyless messages, tombstones and chosen partitions', async () => {
    const name = await real.topic(3)
    const { acked } = await settle(name, [
      { key: null, value: 'a', partition: 2, timestamp: 1_700_000_000_123 },
      { key: 'k', value: null, partition: 1, timestamp: 7 },
    ])
    expect(acked).toEqual([0, 1])
    const got = (await read(name, 2)).sort((a, b) => Number(a.partition) - Number(b.partition))
    expect(got).toMatchObject([
      { key: 'k', value: null, partition: 1, timestamp: 7 },
      { key: null, value: 'a', partition: 2, timestamp: 1_700_000_000_123 },
    ])
  })

  it('keeps the order of a key over many batches', async () => {
    const name = await real.topic(4)
    const outgoing = Array.from({ length: 3000 }, (_, i) => ({ key: `k${i % 5}`, value: String(i) }))
    const { acked } = await settle(name, outgoing, { batch: { max: 100 }, concurrency: 1 })
    expect(acked).toHaveLength(3000)
    const got = await read(name, 3000)
    for (const key of ['k0', 'k1', 'k2', 'k3', 'k4']) {
      const numbers = got.filter((one) => one.key === key).map(({ value }) => Number(value))
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
      expect(numbers).toHaveLength(600)
    }
  })

  it('nacks only the message that is too large', async () => {
    const name = await real.topic(1)
    const large = 'x'.repeat(2_000_000)
    const { acked, nacked } = await settle(
      name,
      ['a', large, 'c'].map((value) => ({ key: null, value })),
    )
    expect(acked).toEqual([0, 2])
    expect(errorClassOf(nacked.get(1))).toBe('permanent')
    expect(String(nacked.get(1))).toContain(`Cannot send to ${name}`)
  })

  it('nacks what the topic does not take, and writes the rest', async () => {
    const small = await real.topic(1, { 'max.message.bytes': '1000' })
    const large = { key: null, value: 'x'.repeat(1500) }
    const one = await settle(small, [{ key: null, value: 'a' }, large, { key: null, value: 'c' }])
    expect([one.acked, String(one.nacked.get(1))]).toEqual([[0, 2], expect.stringContaining(`Cannot send to ${small}`)])
    const dated = await real.topic(1, { 'message.timestamp.before.max.ms': '1000' })
    const two = await settle(dated, [{ key: null, value: 'old', timestamp: 7 }], {})
    expect(errorClassOf(two.nacked.get(0))).toBe('permanent')
    const compacted = await real.topic(1, { 'cleanup.policy': 'compact' })
    const three = await settle(compacted, [
      { key: null, value: 'keyless' },
      { key: 'k', value: 'v' },
    ])
    expect([three.acked, errorClassOf(three.nacked.get(0))]).toEqual([[1], 'permanent'])
  })

  it('nacks a message for a partition that is not there, and writes it once it is', async () => {
    const name = await real.topic(2)
    const kafka = kafkajs(real.kafka)
    const select = (one: Outgoing<string>) => one
    const send = (...outgoing: Outgoing<string>[]) =>
      throughOperator(outgoing, sendTo(kafka, topic(name, text), select))
    const three = { key: null, value: 'a', partition: 3 }
    const { acked, nacked } = await send({ key: null, value: 'b', partition: 1 }, three)
    expect([acked, errorClassOf(nacked.get(1))]).toEqual([[0], 'permanent'])
    expect(String(nacked.get(1))).toContain(`${name} has 2 partitions, and none has the number 3`)
    await real.admin.createPartitions({ topicPartitions: [{ topic: name, count: 4 }] })
    const areThere = () =>
      real.endOffsets(name).then(
        ({ size }) => size === 4,
        () => false,
      )
    await real.until(areThere)
    expect((await send(three)).acked).toEqual([0])
    expect([...(await real.endOffsets(name)).values()].filter(Boolean)).toHaveLength(2)
  })

  it('tries again while no broker answers', async () => {
    const nobody = kafkajs(kafkaClient({ brokers: ['127.0.0.1:1'], retry: { retries: 0 } }))
    const operator = sendTo<string, string>(nobody, topic('any', text), (value) => ({ key: null, value }), {
      retry: { attempts: 3, delay: 10 },
    })
    const { nacked } = await throughOperator(['a'], operator)
    expect(String(nacked.get(0))).toContain('sendTo gave up after 3 tries: Cannot send to any')
    expect(errorClassOf((nacked.get(0) as Error).cause)).toBe('transient')
  })

  it('is content with the leader', async () => {
    const name = await real.topic(1)
    const { acked } = await settle(name, [{ key: null, value: 'a' }], { acks: 'leader' })
    expect([acked, (await read(name, 1))[0]?.value]).toEqual([[0], 'a'])
  })

  it('compresses by gzip, and says what is missing for another codec', async () => {
    const name = await real.topic(1)
    const value = 'compressible '.repeat(1000)
    const { acked } = await settle(name, [{ key: null, value }], { compression: 'gzip' })
    expect([acked, (await read(name, 1))[0]?.value]).toEqual([[0], value])
    const { error } = await settle(name, [{ key: null, value }], { compression: 'zstd' })
    expect([errorClassOf(error), error?.message]).toEqual([
      'fatal',
      expect.stringContaining('add it to its CompressionCodecs'),
    ])
  })

  it('ends the stream at a name that no topic can have', async () => {
    const { error } = await settle('no such/topic', [{ key: null, value: 'a' }])
    expect([errorClassOf(error), error?.message]).toEqual([
      'fatal',
      expect.stringContaining('Cannot send to no such/topic'),
    ])
  })

  it('ends the stream where there is no such topic', async () => {
    const { error, abandoned } = await settle(real.uniqueName('missing'), [{ key: null, value: 'a' }])
    expect(error).toMatchObject({ name: 'FatalError' })
    expect(abandoned).toEqual([0])
  })

  it('hands messages on from topic to topic, with headers and timestamp', async () => {
    const from = await real.topic(1)
    const to = await real.topic(1)
    await settle(from, [{ key: 'k', value: '{"n":1}', headers: { trace: 't' }, timestamp: 1_700_000_000_000 }])
    const kafka = kafkajs(real.kafka)
    const numbers = topic(from, json<{ n: number }>())
    const doubled = topic(to, json<{ n: number }>())
    const pipe: Observable<{ n: number }> = fromTopic(kafka, numbers, { groupId: real.uniqueName('group') }).pipe(
      sendTo(kafka, doubled, ({ n }, { key }) => ({ key, value: { n: n * 2 } })),
      ack(),
      take(1),
    )
    await new Promise<void>((resolve, reject) => pipe.subscribe({ complete: resolve, error: reject }))
    const [got] = await read(to, 1)
    expect(got).toMatchObject({ key: 'k', value: '{"n":2}', timestamp: 1_700_000_000_000 })
    expect(Object.entries(got?.headers ?? {}).map(([name, value]) => [name, String(value)])).toEqual([['trace', 't']])
  })
})
