import { beforeEach, describe, expect, it } from 'vitest'
import type { AssignedPartition, OutgoingMessage } from '../../../lib/broker.ts'
import { errorClassOf } from '../../../lib/errors.ts'
import type { KafkaClient, ProducedBatch, ProducerConfig } from '../../../lib/kafkajs/client.ts'
import { PartitionProducer } from '../../../lib/kafkajs/partitionProducer.ts'

const place = { topic: 'words', partition: 0 }
const start: AssignedPartition = { ...place, committed: 7, position: 7, logStart: 0, highWatermark: 9 }
const message = (value: string): OutgoingMessage => ({ topic: 'target', key: null, value, partition: 0 })
const typed = (type: string) => Object.assign(new Error(type), { type })

/** A clock on which nothing has to be waited for. */
const atOnce = {
  now: () => 0,
  schedule: (work: () => void) => {
    queueMicrotask(work)
    return { unsubscribe: () => {} }
  },
}

/** What KafkaJS's producers were asked, each by its number. */
let asked: string[]
/** What the next requests of a kind fail with. */
let failures: Record<string, Error[]>
/** Fulfils what is taken back, where a spec wants that to take its time. */
let aborted: Promise<void>
let producer: PartitionProducer
/** The next assignment has the partition too. */
let reassign: () => Promise<void>

beforeEach(() => {
  asked = []
  failures = {}
  aborted = Promise.resolve()
  const host = {
    groupId: 'group',
    configOf: () => ({
      ...{ kafka: fakeKafka(), timeout: 60_000, transactionalId: 'id', createPartitioner: undefined },
      clock: atOnce,
    }),
    startOf: async () => start,
  }
  producer = new PartitionProducer(host, place)
  reassign = () => {
    const former = producer
    producer = new PartitionProducer(host, place)
    return producer.begin(former)
  }
})

function fakeKafka(): KafkaClient {
  const ask = async (who: number, what: string, detail = '') => {
    asked.push(`${who} ${what}${detail}`)
    const failure = failures[what]?.shift()
    if (failure !== undefined) throw failure
  }
  const made = (config: ProducerConfig) => {
    const who = asked.filter((line) => line.endsWith('connect')).length + 1
    const choose = config.createPartitioner?.()
    return {
      connect: () => ask(who, 'connect'),
      disconnect: () => ask(who, 'close'),
      transaction: async () => {
        await ask(who, 'begin')
        return {
          sendBatch: async ({ topicMessages }: ProducedBatch) => {
            const all = topicMessages.flatMap(({ topic, messages }) => messages.map((one) => ({ topic, one })))
            await ask(who, 'send', ` ${all.map(({ one }) => one.value)}`)
            return all.map(({ topic, one }) => {
              const partitionMetadata = [{ partitionId: 0, leader: 1 }]
              return { topicName: topic, partition: choose?.({ topic, partitionMetadata, message: one }) ?? 0 }
            })
          },
          sendOffsets: () => ask(who, 'offsets'),
          commit: () => ask(who, 'commit'),
          abort: async () => {
            await ask(who, 'abort')
            await aborted
          },
        }
      },
    }
  }
  return { producer: made } as unknown as KafkaClient
}

const send = (...values: string[]) =>
  new Promise<[Error | null, string[]]>((resolve) =>
    producer.send(values.map(message), (error, refused) =>
      resolve([error, [...refused.keys()].map((m) => `${m.value}`)]),
    ),
  )
const commit = () => new Promise<Error | null>((resolve) => producer.commit(8, resolve))
const renew = () => new Promise((resolve) => producer.renew(resolve))
const abort = () => new Promise<void>((resolve) => producer.abort(() => resolve()))

describe("a partition's producer", () => {
  it('does one thing after the other, in the order in which it was asked', async () => {
    await producer.begin()
    expect(await Promise.all([send('a', 'b'), send('c'), commit(), send('d')])).toEqual([
      [null, []],
      [null, []],
      null,
      [null, []],
    ])
    const first = ['1 connect', '1 begin', '1 send a,b', '1 send c', '1 offsets', '1 commit']
    expect(asked).toEqual([...first, '1 begin', '1 send d'])
  })

  it('has its id kept over an assignment when nothing is open, and taken anew when something is', async () => {
    await producer.begin()
    await send('a')
    await commit()
    await reassign()
    expect(asked.filter((line) => line.endsWith('connect'))).toHaveLength(1)
    await send('b')
    await reassign()
    expect(asked.slice(-3)).toEqual(['1 close', '2 connect', '2 begin'])
  })

  it('finishes what was asked for before the next assignment, and does nothing after it', async () => {
    await producer.begin()
    const before = [send('a'), commit()]
    const former = producer
    const begun = reassign()
    expect(await Promise.all(before)).toEqual([[null, []], null])
    await begun
    await send('b')
    const late = await new Promise<Error | null>((resolve) => former.commit(9, resolve))
    expect([errorClassOf(late), late?.message]).toEqual([
      'transient',
      expect.stringContaining('words[0] is not assigned any more'),
    ])
    expect(asked.slice(-3)).toEqual(['1 commit', '1 begin', '1 send b'])
  })

  it('does nothing more after a failure, until it is renewed', async () => {
    await producer.begin()
    failures = { send: [typed('REQUEST_TIMED_OUT')] }
    const [[error], late] = [await send('a'), await commit()]
    expect([errorClassOf(error), errorClassOf(late)]).toEqual(['transient', 'transient'])
    expect(asked.at(-1)).toBe('1 close')
    expect(await renew()).toEqual(start)
    expect(await send('b')).toEqual([null, []])
    expect(asked.slice(-3)).toEqual(['2 connect', '2 begin', '2 send b'])
  })

  it('does nothing more after a commit whose answer is lost', async () => {
    await producer.begin()
    await send('a')
    failures = { commit: [typed('REQUEST_TIMED_OUT')] }
    expect(errorClassOf(await commit())).toBe('transient')
    expect(errorClassOf((await send('b'))[0])).toBe('transient')
    expect(asked.filter((line) => line.includes('send'))).toEqual(['1 send a'])
  })

  it('asks again while the markers of the last transaction are being written', async () => {
    await producer.begin()
    failures = { offsets: [typed('CONCURRENT_TRANSACTIONS'), typed('CONCURRENT_TRANSACTIONS')] }
    expect(await commit()).toBeNull()
    expect(asked.filter((line) => line.endsWith('offsets'))).toHaveLength(3)
  })

  it('goes on when one message is refused, and finds the one of several after it is renewed', async () => {
    await producer.begin()
    failures = { send: [typed('MESSAGE_TOO_LARGE')] }
    expect(await send('a')).toEqual([null, ['a']])
    failures = { send: [typed('MESSAGE_TOO_LARGE')] }
    expect(errorClassOf((await send('b', 'c'))[0])).toBe('transient')
    await renew()
    failures = { send: [typed('MESSAGE_TOO_LARGE')] }
    expect(await send('b', 'c')).toEqual([null, ['b']])
    expect(asked.slice(-2)).toEqual(['2 send b', '2 send c'])
    // After a commit they go together again.
    await commit()
    await send('d', 'e')
    expect(asked.at(-1)).toBe('2 send d,e')
  })

  it('is fenced as something that may pass, and refused rights are final', async () => {
    await producer.begin()
    failures = { send: [typed('INVALID_PRODUCER_EPOCH')], begin: [typed('TRANSACTIONAL_ID_AUTHORIZATION_FAILED')] }
    const [error] = await send('a')
    expect([errorClassOf(error), error?.message]).toEqual([
      'transient',
      expect.stringContaining('another producer has taken'),
    ])
    expect(errorClassOf(await renew())).toBe('fatal')
  })

  it('refuses what is asked for while it takes back what is open, and goes on with that', async () => {
    await producer.begin()
    await send('a')
    let answer = () => {}
    aborted = new Promise((resolve) => {
      answer = resolve
    })
    const ended = producer.end()
    expect(errorClassOf(await commit())).toBe('transient')
    expect(asked.at(-1)).toBe('1 abort')
    answer()
    await ended
    expect(asked.slice(-2)).toEqual(['1 abort', '1 close'])
  })

  it('takes back what is open at its end, and nothing follows', async () => {
    await producer.begin()
    await send('a')
    await producer.end()
    expect(asked.slice(-2)).toEqual(['1 abort', '1 close'])
    expect(errorClassOf((await renew()) as Error)).toBe('transient')
    await abort()
    expect(asked.at(-1)).toBe('1 close')
  })
})
