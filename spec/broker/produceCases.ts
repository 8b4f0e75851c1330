import { expect, it } from 'vitest'
import type { OutgoingMessage, RawMessage } from '../../lib/broker.ts'
import { errorClassOf } from '../../lib/errors.ts'
import type { Bench } from './harness.ts'

/** Keys and their partitions of four, as Kafka's own client hashes them. */
const hashed: readonly (readonly [key: string, partition: number])[] = [
  ['21', 0],
  ['foobar', 2],
  ['a-little-bit-long-string', 0],
  ['a-little-bit-longer-string', 3],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', 1],
  ['abc', 3],
  ['', 1],
  ['Zürich', 1],
  ['日本', 3],
  ['🦊', 3],
]

/** What becomes of a message that is sent. */
export function produceCases(bench: () => Bench): void {
  /** Sends messages to a new topic of one partition and reads them back. */
  async function roundTrip(...messages: Omit<OutgoingMessage, 'topic'>[]): Promise<RawMessage[]> {
    const topic = await bench().topic(1)
    expect(await bench().send(...messages.map((message) => ({ ...message, topic })))).toBeNull()
    const reader = bench().reader({ groupId: bench().group(), topics: [topic] })
    await bench().on.until(() => reader.seen.length >= messages.length)
    return reader.seen.map(({ raw }) => raw)
  }

  it('gives each partition offsets from 0 in the order of sending', async () => {
    const topic = await bench().topic(2)
    await bench().fill(topic, 0, 3)
    await bench().fill(topic, 1, 2)
    await bench().fill(topic, 0, 2, 3)
    expect(await bench().on.endOffsets(topic)).toEqual(
      new Map([
        [0, 5],
        [1, 2],
      ]),
    )
  })

  it("chooses the partition of a key as Kafka's own client does", async () => {
    const topic = await bench().topic(4)
    expect(await bench().send(...hashed.map(([key]) => ({ topic, key, value: key })))).toBeNull()
    const reader = bench().reader({ groupId: bench().group(), topics: [topic] })
    await bench().on.until(() => reader.seen.length >= hashed.length)
    const placed = hashed.map(([key]) => [key, reader.seen.find(({ raw }) => String(raw.value) === key)?.partition])
    expect(placed).toEqual(hashed)
  })

  it('chooses the same partition for a key given as bytes', async () => {
    const topic = await bench().topic(4)
    const keys = hashed.map(([key]) => Buffer.from(key))
    expect(await bench().send(...keys.map((key) => ({ topic, key, value: key })))).toBeNull()
    const reader = bench().reader({ groupId: bench().group(), topics: [topic] })
    await bench().on.until(() => reader.seen.length >= hashed.length)
    const placed = hashed.map(([key]) => [key, reader.seen.find(({ raw }) => String(raw.key) === key)?.partition])
    expect(placed).toEqual(hashed)
  })

  it('spreads messages without a key over the partitions', async () => {
    const topic = await bench().topic(3)
    const messages = Array.from({ length: 12 }, () => ({ topic, key: null, value: 'x' }))
    expect(await bench().send(...messages)).toBeNull()
    expect(await bench().on.endOffsets(topic)).toEqual(
      new Map([
        [0, 4],
        [1, 4],
        [2, 4],
      ]),
    )
  })

  it('keeps keys and values as bytes', async () => {
    const value = Uint8Array.of(0, 255, 128, 10)
    const [first, second] = await roundTrip({ key: 'schlüssel', value: 'grün' }, { key: Uint8Array.of(0, 200), value })
    expect(Buffer.from(first?.key ?? '').toString()).toBe('schlüssel')
    expect(Buffer.from(first?.value ?? '').toString()).toBe('grün')
    expect([...(second?.key ?? [])]).toEqual([0, 200])
    expect([...(second?.value ?? [])]).toEqual([0, 255, 128, 10])
  })

  it('tells nothing from an empty key or value', async () => {
    const [none, empty] = await roundTrip({ key: null, value: null }, { key: '', value: '' })
    expect(none).toMatchObject({ key: null, value: null })
    expect([empty?.key?.length, empty?.value?.length]).toEqual([0, 0])
  })

  it('keeps headers as bytes, and all of a name that comes more than once', async () => {
    const headers = { one: 'ä', bytes: Uint8Array.of(1, 2), many: ['x', Uint8Array.of(121)], empty: '' }
    const [message] = await roundTrip({ key: null, value: 'x', headers })
    const { one, bytes, many, empty } = message?.headers ?? {}
    expect([one, bytes, empty].map((value) => [...(value as Uint8Array)])).toEqual([[195, 164], [1, 2], []])
    expect((many as Uint8Array[]).map(String)).toEqual(['x', 'y'])
  })

  it('keeps a timestamp, or takes the time of sending', async () => {
    const before = bench().on.broker.clock.now()
    const [given, taken] = await roundTrip({ key: null, value: 'x', timestamp: 1234567 }, { key: null, value: 'y' })
    expect(Number(given?.timestamp)).toBe(1234567)
    expect(Number(taken?.timestamp)).toBeGreaterThanOrEqual(before)
    expect(Number(taken?.timestamp)).toBeLessThanOrEqual(bench().on.broker.clock.now())
  })

  it('refuses an unknown topic as fatal, and says what to do', async () => {
    const topic = bench().on.uniqueName('absent')
    const error = await bench().send({ topic, key: null, value: 'x' })
    expect(error?.message).toBe(`Cannot send to ${topic}: the topic does not exist; create it, or correct its name`)
    expect(errorClassOf(error)).toBe('fatal')
  })

  it('refuses a message that is too large as permanent', async () => {
    const topic = await bench().topic(1)
    const error = await bench().send({ topic, key: null, value: Buffer.alloc(2_000_000, 1) })
    expect(error?.message).toContain(topic)
    expect(errorClassOf(error)).toBe('permanent')
    expect(await bench().on.endOffsets(topic)).toEqual(new Map([[0, 0]]))
  })
}
