import { beforeEach, describe, expect, it } from 'vitest'
import { json } from '../../lib/codec.ts'
import type { SourceEvent } from '../../lib/events.ts'
import { fromTopic } from '../../lib/fromTopic.ts'
import type { MemoryBrokerOptions } from '../../lib/memory/memoryBroker.ts'
import type { Message } from '../../lib/message.ts'
import type { SourceOptions } from '../../lib/sourceOptions.ts'
import { topic } from '../../lib/topic.ts'
import { HandBroker } from '../support/handBroker.ts'
import { memoryBench } from '../support/memoryBench.ts'
import { advance, virtualTime } from '../support/virtualTime.ts'

const numbers = topic('numbers', json<number>())
const place = { topic: 'numbers', partition: 0 }
let open: Message<number>[]
let events: SourceEvent[]
let errors: Error[]

beforeEach(() => {
  open = []
  events = []
  errors = []
})

function read(kafka: Parameters<typeof fromTopic>[0], options: Partial<SourceOptions>) {
  kafka.members.claim(
    (member) => member.listen((event) => events.push(event)),
    () => {
      const source = fromTopic(kafka, numbers, { groupId: 'group', ...options })
      source.subscribe({ next: (message) => open.push(message), error: (error) => errors.push(error) })
    },
  )
}

const moves = () => events.filter(({ type }) => type === 'outOfRange')
const offsets = () => open.map(({ offset }) => offset)

describe('a source whose next offset is not in the log', () => {
  let kafka: HandBroker
  const pass = (ms: number) => advance(kafka.clock, kafka.clock.now() + ms)

  function start(options: Partial<SourceOptions>) {
    kafka = new HandBroker(virtualTime())
    read(kafka, options)
    kafka.assign(5)
    kafka.deliver(5, 3)
  }

  it('fails unless told otherwise: commits what is acked, leaves, and says what was lost', () => {
    start({})
    kafka.outOfRange(8, 20, 30)
    open[0]?.ack()
    expect(kafka.calls).toEqual([])
    open[1]?.ack()
    open[2]?.ack()
    expect(kafka.calls).toEqual(['commit 0@8'])
    kafka.answerCommit()
    kafka.answerLeave()
    expect(String(errors[0])).toBe(
      "FatalError: Cannot read numbers[0] as group group: the next offset to read is 8, but the log begins at 20 and ends at 30: 12 messages were deleted before they were read; say with onOutOfRange where to go on, set the group's offset (kafka-consumer-groups --reset-offsets), or use a new groupId",
    )
    expect(moves()).toEqual([])
  })

  it('says of a log that ends before it that it is another one', () => {
    start({ drainTimeout: 0 })
    kafka.outOfRange(8, 0, 3)
    pass(0)
    kafka.answerLeave()
    expect(String(errors[0])).toContain(
      'the next offset to read is 8, but the log begins at 0 and ends at 3: the topic was recreated or truncated, and what it holds now may be unread',
    )
  })

  it('goes on at the oldest message as over a gap: what is in flight may still be acked', () => {
    start({ onOutOfRange: 'earliest' })
    kafka.outOfRange(8, 20, 30)
    expect(kafka.calls).toEqual(['seek 0@20'])
    expect(moves()).toEqual([
      {
        type: 'outOfRange',
        groupId: 'group',
        place: { ...place, offset: 8 },
        log: { logStart: 20, highWatermark: 30 },
        to: 20,
        missed: 12,
      },
    ])
    kafka.deliver(20, 2)
    for (const message of open) message.ack()
    pass(1000)
    expect(kafka.calls).toEqual(['seek 0@20', 'commit 0@22'])
  })

  it('commits the new place when nothing is in flight', () => {
    start({ onOutOfRange: 'latest' })
    for (const message of open) message.ack()
    pass(1000)
    kafka.answerCommit()
    kafka.outOfRange(8, 20, 30)
    pass(1000)
    expect(moves()).toMatchObject([{ to: 30, missed: 22 }])
    expect(kafka.calls).toEqual(['commit 0@8', 'seek 0@30', 'commit 0@30'])
  })

  it('goes back in a log that ends before it, where what is in flight comes too late', () => {
    start({ onOutOfRange: 'earliest' })
    kafka.outOfRange(8, 0, 3)
    expect(moves()).toMatchObject([{ to: 0, missed: null }])
    for (const message of open) message.ack()
    pass(1000)
    expect(kafka.calls).toEqual(['seek 0@0', 'commit 0@0'])
    kafka.answerCommit()
    kafka.deliver(0, 3)
    expect(offsets()).toEqual([5, 6, 7, 0, 1, 2])
    for (const message of open) message.ack()
    pass(1000)
    expect(kafka.calls).toEqual(['seek 0@0', 'commit 0@0', 'commit 0@3'])
  })

  it('goes on at the end of a log that ends before it', () => {
    start({ onOutOfRange: 'latest' })
    kafka.outOfRange(8, 0, 3)
    expect(moves()).toMatchObject([{ to: 3, missed: null }])
    pass(1000)
    expect(kafka.calls).toEqual(['seek 0@3', 'commit 0@3'])
  })

  it('takes a topic whose committed offset is gone for recreated, although its place is in the log', () => {
    start({ onOutOfRange: 'earliest', fromBeginning: false })
    kafka.revoke()
    kafka.assign(null)
    expect(moves()).toEqual([
      {
        type: 'outOfRange',
        groupId: 'group',
        place: { ...place, offset: 8 },
        log: { logStart: 0, highWatermark: 1000 },
        to: 0,
        missed: null,
      },
    ])
    expect(kafka.calls).toEqual(['seek 0@0', 'commit 0@0'])
  })

  it('is refused a policy that there is not', () => {
    const policy = 'none' as 'fail'
    expect(() => fromTopic(kafka, numbers, { groupId: 'group', onOutOfRange: policy })).toThrow(
      'Expected `onOutOfRange` to be one of fail, earliest, latest, got `none` (string)',
    )
  })
})

describe('a source of the memory broker', () => {
  function bench(options: Partial<SourceOptions>, brokerOptions: MemoryBrokerOptions = {}) {
    const made = memoryBench({ topics: { numbers: 1 }, ...brokerOptions })
    read(made.broker, options)
    return made
  }

  it('goes on in a topic that was recreated, from its beginning', async () => {
    const { broker, bench: on, advance: pass } = bench({ onOutOfRange: 'earliest', fromBeginning: false })
    pass(10)
    await on.fill('numbers', 0, 5)
    pass(10)
    for (const message of open) message.ack()
    pass(2000)
    broker.recreateTopic('numbers')
    await on.fill('numbers', 0, 2)
    pass(2000)
    expect(offsets()).toEqual([0, 1, 2, 3, 4, 0, 1])
    expect(moves()).toMatchObject([{ place: { offset: 5 }, log: { logStart: 0, highWatermark: 2 }, to: 0 }])
  })

  it('fails in a topic that was recreated', async () => {
    const { broker, bench: on, advance: pass } = bench({})
    pass(10)
    await on.fill('numbers', 0, 5)
    pass(10)
    for (const message of open) message.ack()
    pass(2000)
    broker.recreateTopic('numbers')
    await on.fill('numbers', 0, 9)
    pass(2000)
    expect(String(errors[0])).toContain('the next offset to read is 5, but the log begins at 0 and ends at 9')
  })

  it('goes on after retention and after a truncation', async () => {
    const options = { onOutOfRange: 'earliest', maxInFlight: 2 } as const
    const { broker, bench: on, advance: pass } = bench(options, { batchSize: 2 })
    const ackAll = (times: number) => {
      for (let i = 0; i < times; i++) {
        for (const message of open) message.ack()
        pass(1000)
      }
    }
    pass(10)
    // Two are delivered, and two fetched.
    await on.fill('numbers', 0, 10)
    pass(10)
    broker.trim('numbers', 0, 6)
    ackAll(5)
    expect(offsets()).toEqual([0, 1, 2, 3, 6, 7, 8, 9])
    broker.truncate('numbers', 0, 7)
    await on.fill('numbers', 0, 1)
    ackAll(2)
    expect(offsets()).toEqual([0, 1, 2, 3, 6, 7, 8, 9, 6, 7])
    expect(broker.committed('group', 'numbers')).toEqual(new Map([[0, 8]]))
    expect(moves()).toMatchObject([
      { place: { offset: 4 }, to: 6, missed: 2 },
      { place: { offset: 10 }, to: 6, missed: null },
    ])
  })
})
