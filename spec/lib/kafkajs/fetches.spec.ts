import { beforeEach, describe, expect, it } from 'vitest'
import { Fetches, type FetchRequest, type FindingCluster } from '../../../lib/kafkajs/fetches.ts'
import { HandClock } from '../../support/handClock.ts'

const KB = 1024
/** What KafkaJS asks for. */
const MOST = 10_240 * KB

/** A broker that KafkaJS fetches from, with what it takes to get an answer and to decode it. */
class Far {
  /** Bytes of the messages that it has. */
  log = Number.POSITIVE_INFINITY
  roundTrip = 1
  /** Bytes of its smallest record batch: a broker gives no less. */
  batch = 0
  /** Bytes that are decoded in 1 ms. */
  pace = 40 * KB
  readonly brokerAddress: string

  constructor(brokerAddress: string) {
    this.brokerAddress = brokerAddress
  }
}

describe('the fetches of a consumer', () => {
  let clock: HandClock
  let fetches: Fetches
  let near: Far

  beforeEach(() => {
    clock = new HandClock()
    fetches = new Fetches(clock)
    near = new Far('near:9092')
  })

  /** Fetches so often, and gives how many bytes were asked for each time. */
  async function fetch(times: number, broker = near, most = MOST): Promise<number[]> {
    const asked: number[] = []
    const fetchOne = async ({ maxBytes }: FetchRequest) => {
      asked.push(maxBytes)
      const size = Math.max(broker.batch, Math.min(maxBytes, broker.log))
      fetches.answered({ broker: broker.brokerAddress, apiName: 'Fetch', size, duration: broker.roundTrip })
      beat(broker)
      clock.pass(size / broker.pace)
      return { responses: [] }
    }
    const cluster = { findBroker: async () => ({ ...broker, fetch: fetchOne }) } satisfies FindingCluster
    fetches.hook(cluster, () => {})
    for (let n = 0; n < times; n++) await (await cluster.findBroker()).fetch({ maxBytes: most, topics: [] })
    return asked
  }

  /** Has a broker answer a heartbeat. */
  function beat({ brokerAddress, roundTrip }: Far): void {
    fetches.answered({ broker: brokerAddress, apiName: 'Heartbeat', size: 10, duration: roundTrip })
  }

  const last = async (...how: Parameters<typeof fetch>) => (await fetch(...how)).at(-1)

  it('ask for what is decoded in 5 ms', async () => {
    expect(await fetch(3)).toEqual([128 * KB, 200 * KB, 200 * KB])
  })

  it('come to that step by step', async () => {
    near.pace = 400 * KB
    expect(await fetch(6)).toEqual([128, 256, 512, 1024, 2000, 2000].map((kb) => kb * KB))
    near.pace = 100 * KB
    expect(await fetch(4)).toEqual([2000, 1000, 500, 500].map((kb) => kb * KB))
  })

  it('ask for no more than KafkaJS does', async () => {
    near.pace = 400 * KB
    expect(await last(10, near, 1000 * KB)).toBe(1000 * KB)
    expect(await last(1, near, 10 * KB)).toBe(10 * KB)
  })

  it('ask for 64 KB at least, however long that takes, and whatever the least that a broker gives', async () => {
    near.batch = 1000 * KB
    near.pace = 1 * KB
    expect(await last(10)).toBe(64 * KB)
  })

  it('ask for more where a round trip takes longer than 5 ms, as much as is decoded in that time', async () => {
    near.roundTrip = 20
    expect(await last(50)).toBe(800 * KB)
  })

  it('ask for no more than is decoded in 50 ms, however far the broker', async () => {
    near.roundTrip = 200
    expect(await last(100)).toBe(2000 * KB)
  })

  it('go by the shortest round trip, however long ago: others had to wait for something else', async () => {
    await fetch(10)
    near.roundTrip = 1000
    expect(await last(100)).toBe(200 * KB)
  })

  it('go by the shortest round trip of any request: each fetch may have had to wait', async () => {
    near.roundTrip = 30
    expect(await last(50)).toBe(1200 * KB)
    near.roundTrip = 1
    beat(near)
    near.roundTrip = 30
    expect(await last(5)).toBe(200 * KB)
  })

  it('do not grow by each other, where the answers of one broker wait while those of another are decoded', async () => {
    const other = new Far('other:9092')
    const asked = new Map<Far, number>()
    for (let n = 0; n < 100; n++)
      for (const [one, next] of [
        [near, other],
        [other, near],
      ] as const) {
        const size = (await fetch(1, one))[0] as number
        asked.set(one, size)
        // Decoding it, and as much work again with what is in it.
        next.roundTrip = Math.max(1, (2 * size) / one.pace)
      }
    expect([...asked.values()]).toEqual([200 * KB, 256 * KB])
  })

  it('learn nothing of an answer that had little to decode', async () => {
    await fetch(3)
    near.log = 1 * KB
    expect(await last(3)).toBe(200 * KB)
    near.log = 60 * KB
    near.pace = 5 * KB
    expect(await last(2)).toBe(100 * KB)
  })

  it('ask each broker for what is right for it, also when KafkaJS makes it anew', async () => {
    const far = new Far('far:9092')
    far.roundTrip = 20
    await fetch(50, far)
    expect(await last(3)).toBe(200 * KB)
    expect(await fetch(1, far)).toEqual([800 * KB])
  })
})
