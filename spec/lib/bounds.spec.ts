import { bufferCount, mergeAll, type Observable, type OperatorFunction } from 'rxjs'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Broker } from '../../lib/broker.ts'
import { json } from '../../lib/codec.ts'
import type { SourceEvent } from '../../lib/events.ts'
import { fromTopic } from '../../lib/fromTopic.ts'
import type { MemoryBrokerOptions } from '../../lib/memory/memoryBroker.ts'
import type { Message } from '../../lib/message.ts'
import { retry } from '../../lib/onNack.ts'
import type { SourceOptions } from '../../lib/sourceOptions.ts'
import { topic } from '../../lib/topic.ts'
import { HandBroker } from '../support/handBroker.ts'
import { memoryBench } from '../support/memoryBench.ts'
import { advance, virtualTime } from '../support/virtualTime.ts'

const numbers = topic('numbers', json<number>())
const asTheyAre: OperatorFunction<Message<number>, Message<number>> = (messages) => messages

interface Read {
  readonly open: Message<number>[]
  readonly events: SourceEvent[]
  /** What ended the stream: `complete`, or an error. */
  readonly ends: unknown[]
}

function read(kafka: Broker, options: Partial<SourceOptions>, pipe = asTheyAre): Read {
  const made: Read = { open: [], events: [], ends: [] }
  kafka.members.claim(
    (member) => member.listen((event) => made.events.push(event)),
    () => {
      const source: Observable<Message<number>> = fromTopic(kafka, numbers, { groupId: 'group', ...options })
      source.pipe(pipe).subscribe({
        next: (message) => made.open.push(message),
        error: (error) => made.ends.push(error),
        complete: () => made.ends.push('complete'),
      })
    },
  )
  return made
}

const ackAll = ({ open }: Read) => {
  for (const message of open) message.ack()
}
const idsOf = ({ open }: Read) => open.map(({ partition, offset }) => `${partition}@${offset}`)
const closedOf = ({ events }: Read) => events.find(({ type }) => type === 'closed')

describe("a source that reads until 'end'", () => {
  it('completes when what was there is settled, and leaves what came later to the next', async () => {
    const { broker, bench, advance: pass } = memoryBench({ topics: { numbers: 2 } })
    await bench.fill('numbers', 0, 3)
    await bench.fill('numbers', 1, 1)
    const first = read(broker, { until: 'end' })
    pass(10)
    await bench.fill('numbers', 0, 2, 3)
    expect(idsOf(first)).toEqual(['0@0', '0@1', '0@2', '1@0'])
    expect(first.ends).toEqual([])
    ackAll(first)
    pass(1000)
    expect(first.ends).toEqual(['complete'])
    expect(closedOf(first)).toMatchObject({ unsettled: 0, failure: null })
    expect(broker.committed('group', 'numbers')).toEqual(
      new Map([
        [0, 3],
        [1, 1],
      ]),
    )
    const second = read(broker, { until: 'end' })
    pass(10)
    ackAll(second)
    pass(1000)
    expect([idsOf(second), second.ends]).toEqual([['0@3', '0@4'], ['complete']])
  })

  it('completes at once when nothing is there', () => {
    const { broker, advance: pass } = memoryBench({ topics: { numbers: 2 } })
    const made = read(broker, { until: 'end' })
    pass(0)
    expect(made.ends).toEqual(['complete'])
    pass(1000)
    expect(closedOf(made)).toBeDefined()
  })

  it('completes although only control records follow', async () => {
    const { broker, bench, advance: pass } = memoryBench({ topics: { numbers: 1 } })
    await bench.fill('numbers', 0, 2)
    broker.skip('numbers', 0, 3)
    const made = read(broker, { until: 'end' })
    pass(10)
    ackAll(made)
    pass(1000)
    expect(made.ends).toEqual(['complete'])
    expect(broker.committed('group', 'numbers')).toEqual(new Map([[0, 5]]))
  })

  it('completes when it is given no partition', async () => {
    const { broker, bench, advance: pass } = memoryBench({ topics: { numbers: 1 } })
    await bench.fill('numbers', 0, 2)
    const both = [read(broker, { until: 'end' }), read(broker, { until: 'end' })]
    pass(10)
    for (const one of both) ackAll(one)
    pass(1000)
    expect(both.map(({ ends }) => ends)).toEqual([['complete'], ['complete']])
    expect(broker.committed('group', 'numbers')).toEqual(new Map([[0, 2]]))
  })

  it('completes in each of several members', async () => {
    const { broker, bench, advance: pass } = memoryBench({ topics: { numbers: 4 } })
    for (let partition = 0; partition < 4; partition++) await bench.fill('numbers', partition, 3)
    const both = [read(broker, { until: 'end' }), read(broker, { until: 'end' })]
    pass(10)
    expect(both.map(({ open }) => open.length)).toEqual([6, 6])
    for (let i = 0; i < 3; i++) {
      for (const one of both) ackAll(one)
      pass(1000)
    }
    expect(both.map(({ ends }) => ends)).toEqual([['complete'], ['complete']])
    expect(new Set(both.flatMap(idsOf)).size).toBe(12)
    expect([...broker.committed('group', 'numbers').values()]).toEqual([3, 3, 3, 3])
  })

  it('waits for a message that is tried again', async () => {
    const { broker, bench, advance: pass } = memoryBench({ topics: { numbers: 1 } })
    await bench.fill('numbers', 0, 2)
    const made = read(broker, { until: 'end', onNack: retry({ delay: 25_000, factor: 1, jitter: 'none' }) })
    pass(10)
    made.open[0]?.ack()
    made.open[1]?.nack(new Error('later'))
    pass(24_000)
    expect(made.ends).toEqual([])
    pass(2000)
    expect(idsOf(made)).toEqual(['0@0', '0@1', '0@1'])
    made.open[2]?.ack()
    pass(1000)
    expect(made.ends).toEqual(['complete'])
    expect(broker.committed('group', 'numbers')).toEqual(new Map([[0, 2]]))
  })

  it("empties a user's buffer, which only the end does, after drainTimeout", async () => {
    const { broker, bench, advance: pass } = memoryBench({ topics: { numbers: 1 } })
    await bench.fill('numbers', 0, 2)
    const made = read(broker, { until: 'end', drainTimeout: 5000 }, (messages) =>
      messages.pipe(bufferCount(10), mergeAll()),
    )
    pass(4900)
    expect(idsOf(made)).toEqual([])
    pass(200)
    expect([idsOf(made), made.ends]).toEqual([['0@0', '0@1'], ['complete']])
    ackAll(made)
    pass(1000)
    expect(broker.committed('group', 'numbers')).toEqual(new Map([[0, 2]]))
    expect(closedOf(made)).toMatchObject({ unsettled: 0 })
  })

  it('gives up what is never settled, and completes', async () => {
    const { clock, broker, bench, advance: pass } = memoryBench({ topics: { numbers: 1 } })
    await bench.fill('numbers', 0, 2)
    const made = read(broker, { until: 'end', drainTimeout: 5000 })
    pass(10)
    made.open[0]?.ack()
    clock.flush()
    expect(made.ends).toEqual(['complete'])
    expect(closedOf(made)).toMatchObject({ unsettled: 1 })
    expect(broker.committed('group', 'numbers')).toEqual(new Map([[0, 1]]))
  })

  it('takes a place past the end of the log for none', async () => {
    const { broker, bench, advance: pass } = memoryBench({ topics: { numbers: 1 } })
    await bench.fill('numbers', 0, 5)
    const first = read(broker, { until: 'end' })
    pass(10)
    ackAll(first)
    pass(1000)
    broker.truncate('numbers', 0, 2)
    const failing = read(broker, { until: 'end' })
    pass(1000)
    expect(String(failing.ends[0])).toContain('the next offset to read is 5, but the log begins at 0 and ends at 2')
    const second = read(broker, { until: 'end', onOutOfRange: 'earliest' })
    pass(1000)
    ackAll(second)
    pass(1000)
    expect([idsOf(second), second.ends]).toEqual([['0@0', '0@1'], ['complete']])
  })

  it('goes on after it lost its membership', async () => {
    const { broker, bench, advance: pass } = memoryBench({ topics: { numbers: 1 } })
    await bench.fill('numbers', 0, 3)
    const made = read(broker, { until: 'end' })
    pass(10)
    broker.expel('group')
    expect(made.ends).toEqual([])
    pass(10)
    expect(idsOf(made)).toEqual(['0@0', '0@1', '0@2', '0@0', '0@1', '0@2'])
    ackAll(made)
    pass(1000)
    expect(made.ends).toEqual(['complete'])
  })
})

describe('a bounded source, by hand', () => {
  let kafka: HandBroker
  const pass = (ms: number) => advance(kafka.clock, kafka.clock.now() + ms)

  beforeEach(() => {
    kafka = new HandBroker(virtualTime())
  })

  it('delivers and commits nothing beyond the end, although it was fetched, and fetches no more', () => {
    const made = read(kafka, { until: 'end' })
    kafka.assign(997)
    kafka.deliver(997, 10)
    expect(idsOf(made)).toEqual(['0@997', '0@998', '0@999'])
    ackAll(made)
    expect(kafka.calls).toEqual(['pause 0', 'commit 0@1000'])
    expect(made.ends).toEqual(['complete'])
  })

  it('keeps its end over a rebalance, and delivers again what it had fetched only', () => {
    const made = read(kafka, { until: 'end', maxInFlight: 2 })
    kafka.assign(997)
    kafka.deliver(997, 10)
    kafka.revoke()
    ackAll(made)
    kafka.answerCommit()
    pass(0)
    kafka.assign(999)
    expect(made.ends).toEqual([])
    kafka.deliver(999, 10)
    expect(idsOf(made)).toEqual(['0@997', '0@998', '0@999'])
    ackAll(made)
    expect(made.ends).toEqual(['complete'])
    expect(kafka.calls.at(-1)).toBe('commit 0@1000')
  })

  it('delivers so many messages in all partitions together, and no more', () => {
    const made = read(kafka, { until: 5 })
    kafka.assign(null, [0, 1])
    kafka.deliver(0, 3)
    kafka.deliver(0, 3, 1)
    kafka.deliver(3, 3)
    expect(idsOf(made)).toEqual(['0@0', '0@1', '0@2', '1@0', '1@1'])
    expect(made.ends).toEqual([])
    ackAll(made)
    expect(made.ends).toEqual(['complete'])
    expect(kafka.calls.at(-1)).toBe('commit 0@3,1@2')
  })

  it('counts what was delivered, not what was fetched and let go in a rebalance', () => {
    const made = read(kafka, { until: 5, maxInFlight: 2 })
    kafka.assign()
    kafka.deliver(0, 10)
    kafka.revoke()
    ackAll(made)
    kafka.answerCommit()
    pass(0)
    kafka.assign(2)
    for (let i = 0; i < 3; i++) {
      if (i === 0) kafka.deliver(2, 10)
      ackAll(made)
      pass(1)
    }
    expect(idsOf(made)).toEqual(['0@0', '0@1', '0@2', '0@3', '0@4'])
    ackAll(made)
    expect(made.ends).toEqual(['complete'])
  })

  it('is refused what is no end, and a future that nobody can wait for', () => {
    const until = (value: unknown) => () => fromTopic(kafka, numbers, { groupId: 'group', until: value as number })
    expect(until(0)).toThrow("Expected `until` to be 'end', a Date, or an integer >= 1, got `0` (number)")
    expect(until('start')).toThrow("Expected `until` to be 'end', a Date, or an integer >= 1, got `start` (string)")
    expect(until(new Date(Number.NaN))).toThrow("Expected `until` to be 'end'")
    expect(until(new Date(1))).toThrow(
      'Expected `until` to be a Date that is not in the future, got `1970-01-01T00:00:00.001Z` (string)',
    )
    expect(until(new Date(0))).not.toThrow()
    expect(() => fromTopic(kafka, numbers, { groupId: 'group', fromBeginning: 'yes' as never })).toThrow(
      'Expected `fromBeginning` to be true, false or a Date, got `yes` (string)',
    )
  })
})

describe('a source that reads from and until an instant', () => {
  async function bench(options: MemoryBrokerOptions = {}) {
    const made = memoryBench({ topics: { numbers: 1 }, ...options })
    const at = [10, 20, 30, 30, 40].map((timestamp, i) => {
      return { topic: 'numbers', key: null, value: String(i), timestamp }
    })
    await made.bench.send(...at)
    made.advance(100)
    return made
  }

  it.each([
    [15, 30, ['0@1']],
    [20, 31, ['0@1', '0@2', '0@3']],
    [0, 10, []],
    [50, 100, []],
  ] as const)('reads from %i until %i what lies between', async (from, until, ids) => {
    const { broker, advance: pass } = await bench()
    const made = read(broker, { fromBeginning: new Date(from), until: new Date(until) })
    pass(10)
    ackAll(made)
    pass(1000)
    expect([idsOf(made), made.ends]).toEqual([ids, ['complete']])
  })

  it('begins where the group has committed, whatever instant it is given', async () => {
    const { broker, advance: pass } = await bench({ batchSize: 1 })
    const first = read(broker, { until: 2 })
    pass(10)
    ackAll(first)
    pass(1000)
    const second = read(broker, { fromBeginning: new Date(40), until: new Date(100) })
    pass(10)
    ackAll(second)
    pass(1000)
    expect([first, second].map(idsOf)).toEqual([
      ['0@0', '0@1'],
      ['0@2', '0@3', '0@4'],
    ])
  })
})
