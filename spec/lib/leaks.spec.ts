import {
  bufferCount,
  concatMap,
  filter,
  groupBy,
  map,
  mergeMap,
  type Observable,
  type OperatorFunction,
  Subject,
  switchMap,
} from 'rxjs'
import type { TestScheduler } from 'rxjs/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import { json } from '../../lib/codec.ts'
import { TransientError } from '../../lib/errors.ts'
import type { SourceEvent } from '../../lib/events.ts'
import { fork } from '../../lib/fork.ts'
import { fromTopic } from '../../lib/fromTopic.ts'
import type { Member } from '../../lib/members.ts'
import { memoryBroker } from '../../lib/memory/memoryBroker.ts'
import type { Message } from '../../lib/message.ts'
import { deadLetter, retry } from '../../lib/onNack.ts'
import { perBatch } from '../../lib/perBatch.ts'
import { perMessage } from '../../lib/perMessage.ts'
import type { SourceOptions } from '../../lib/sourceOptions.ts'
import { topic } from '../../lib/topic.ts'
import { collectGarbage } from '../support/collectGarbage.ts'
import { HandBroker } from '../support/handBroker.ts'
import { produce } from '../support/produce.ts'
import { advance, virtualTime } from '../support/virtualTime.ts'

type Numbers = Message<number>

const numbers = topic('numbers', json<number>())
/** Long enough for two looks. */
const A_WHILE = 2100

let clock: TestScheduler
let kafka: HandBroker
let member: Member
let events: SourceEvent[]
let errors: unknown[]
let open: Message<unknown>[]

beforeEach(() => {
  clock = virtualTime()
  kafka = new HandBroker(clock)
  events = []
  errors = []
  open = []
})

const pass = (ms: number) => advance(clock, clock.now() + ms)
const leaks = () => events.flatMap((event) => (event.type === 'leaked' ? [event.place.offset] : []))
const found = (count: number) => () => leaks().length >= count
const isEven = ({ value }: Numbers) => value % 2 === 0

/** Reads through an operator; what comes out is kept in `open`. */
function start(
  op: OperatorFunction<Numbers, Message<unknown>>,
  options: Partial<SourceOptions> = {},
  broker = kafka,
): void {
  const take = (joined: Member) => {
    member = joined
    joined.listen((event) => events.push(event))
  }
  const source = fromTopic(broker, numbers, { groupId: 'group', onNack: 'skip', ...options }).pipe(op)
  broker.members.claim(take, () => {
    source.subscribe({ next: (message) => open.push(message), error: (error) => errors.push(error) })
  })
}

const ackAll = (count = open.length) => {
  for (const message of open.splice(0, count)) message.ack()
}

describe('a leak', () => {
  it('is found, and nacked', async () => {
    start(filter(isEven))
    kafka.assign()
    kafka.deliver(0, 4)
    pass(A_WHILE)
    await collectGarbage(found(2))
    expect(leaks().sort()).toEqual([1, 3])
    expect(member.health()).toMatchObject({ leaked: 2, nacked: 2, skipped: 2 })
    ackAll()
    expect(kafka.calls).toEqual(['commit 0@4'])
  })

  it('is told with its place, what to do, and where the stream was made', async () => {
    start(filter(({ value }) => value !== 2))
    kafka.assign()
    kafka.deliver(0, 3)
    pass(A_WHILE)
    await collectGarbage(found(1))
    const leaked = events.find((event) => event.type === 'leaked')
    expect(leaked).toMatchObject({ groupId: 'group', place: { topic: 'numbers', partition: 0, offset: 2 } })
    expect(String(leaked?.error)).toContain('nobody holds numbers[0]@2 any more, and nobody acked it')
    expect(leaked?.stack).toMatch(/^ {4}at start .*leaks\.spec/)
  })

  it('stops the source where onNack does, and where onLeak says so', async () => {
    for (const options of [{ onNack: 'stop' }, { onLeak: 'stop' }] as const) {
      kafka = new HandBroker(clock)
      start(filter(isEven), options)
      kafka.assign()
      kafka.deliver(0, 2)
      pass(A_WHILE)
      await collectGarbage(() => kafka.calls.length > 0 || member.health().state === 'draining')
      ackAll()
      kafka.answerCommit()
      kafka.answerLeave()
      expect(String(errors.pop())).toContain('Cannot process numbers[0]@1: nobody holds numbers[0]@1 any more')
    }
  })

  it('is only told where onLeak says so', async () => {
    start(filter(isEven), { onLeak: 'warn' })
    kafka.assign()
    kafka.deliver(0, 3)
    pass(A_WHILE)
    await collectGarbage(found(1))
    ackAll()
    expect(member.health()).toMatchObject({ leaked: 1, nacked: 0 })
    expect(member.health().partitions[0]).toMatchObject({ low: 1, inFlight: 1 })
  })

  it('is delivered again, and found again', async () => {
    start(filter(isEven), { onNack: retry({ attempts: 2, delay: 100, jitter: 'none' }).then('skip') })
    kafka.assign()
    kafka.deliver(1, 1)
    pass(A_WHILE)
    await collectGarbage(found(1))
    pass(A_WHILE)
    await collectGarbage(found(2))
    expect(leaks()).toEqual([1, 1])
    expect(member.health()).toMatchObject({ nacked: 2, skipped: 1 })
  })

  it('becomes a dead letter as it was', async () => {
    start(filter(isEven), { onNack: deadLetter('failed') })
    kafka.assign()
    kafka.deliver(1, 1)
    pass(A_WHILE)
    await collectGarbage(found(1))
    expect(kafka.sends[0]?.messages[0]?.value).toEqual(Buffer.from('1'))
  })

  it('is found in a batch that there is no room to deliver the rest of', async () => {
    start(
      filter(() => false),
      { maxInFlight: 3 },
    )
    kafka.assign()
    kafka.deliver(0, 8)
    for (const count of [3, 6, 8]) {
      pass(A_WHILE)
      await collectGarbage(found(count))
    }
    expect(leaks().sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    expect(member.health().partitions[0]).toMatchObject({ low: 8, inFlight: 0 })
  })

  it('has its own place when a batch brings some messages for the second time', async () => {
    start(filter(({ value }) => value !== 3))
    kafka.assign()
    kafka.deliver(0, 2)
    kafka.deliver(1, 4)
    pass(A_WHILE)
    await collectGarbage(found(1))
    expect(leaks()).toEqual([3])
  })

  it('is what a switchMap over messages leaves behind', async () => {
    const gate = new Subject<void>()
    start(switchMap((message) => gate.pipe(map(() => message))))
    kafka.assign()
    kafka.deliver(0, 3)
    pass(A_WHILE)
    await collectGarbage(found(2))
    expect(leaks().sort()).toEqual([0, 1])
    gate.next()
    expect(open.map(({ value }) => value)).toEqual([2])
  })

  it('is none once the partition is gone', async () => {
    start(filter(isEven))
    kafka.assign()
    kafka.deliver(0, 4)
    pass(A_WHILE)
    kafka.lose()
    await collectGarbage()
    expect(leaks()).toEqual([])
  })

  it('is found over the memory broker, which keeps its messages', async () => {
    const broker = memoryBroker({ clock, topics: { numbers: 1 } })
    produce(broker, 'numbers', [0, 1, 2])
    start(filter(isEven), {}, broker as unknown as HandBroker)
    pass(A_WHILE)
    await collectGarbage(found(1))
    ackAll()
    pass(1000)
    expect(broker.committed('group', 'numbers').get(0)).toBe(3)
  })
})

const gate = new Subject<void>()
const behindGate = <T>(value: T): Observable<T> => gate.pipe(map(() => value))
const sendLater = (concurrency: number) =>
  perBatch(
    (value: number) => value,
    (values) => behindGate(values.map((value) => ({ value }))),
    { concurrency, batch: { max: 1 } },
  )
const sendFails = perBatch(
  (value: number) => value,
  () => {
    throw new TransientError('busy')
  },
  { retry: { delay: 1e6, jitter: 'none' } },
)

const holders: readonly [name: string, op: OperatorFunction<Numbers, Message<unknown>>][] = [
  ['a subscriber of its own', (source) => source],
  ['another view', map((message) => message.with(message.value + 1))],
  [
    'a buffer',
    (source) =>
      source.pipe(
        bufferCount(100),
        concatMap((all) => all),
      ),
  ],
  [
    'groups',
    (source) =>
      source.pipe(
        groupBy(isEven),
        mergeMap((group) =>
          group.pipe(
            bufferCount(9),
            concatMap((all) => all),
          ),
        ),
      ),
  ],
  ['runs of its own', mergeMap(behindGate)],
  ['a queue of its own', concatMap(behindGate)],
  ['perMessage', perMessage(mergeMap(behindGate))],
  ['the queue of perMessage', perMessage(mergeMap(behindGate), { concurrency: 1 })],
  ['the lanes of perMessage', perMessage(mergeMap(behindGate), { order: 'partition' })],
  [
    'one child of three',
    (source) =>
      source.pipe(
        perMessage(concatMap((n) => [n, n, n])),
        filter(({ id }) => id.endsWith('.1')),
      ),
  ],
  [
    'a fork',
    fork(
      (source: Observable<Numbers>) => source.pipe(perMessage(mergeMap(behindGate))),
      (source) => source.pipe(perMessage(filter((value) => value < 0))),
    ),
  ],
  ['a request', sendLater(16)],
  ['the queue of requests', sendLater(1)],
  ['a next try in place', sendFails],
]

describe('a message that is held', () => {
  it.each(holders)('by %s is no leak', async (_, op) => {
    start(op)
    kafka.assign()
    kafka.deliver(0, 4)
    pass(A_WHILE)
    await collectGarbage()
    expect(leaks()).toEqual([])
    expect(member.health().partitions[0]).toMatchObject({ inFlight: 4 })
  })

  it('by the wait for its next delivery is no leak', async () => {
    start((source) => source, { onNack: retry({ delay: 1e6, jitter: 'none' }) })
    kafka.assign()
    kafka.deliver(0, 4)
    for (const message of open.splice(0)) message.nack(new Error('boom'))
    pass(A_WHILE)
    await collectGarbage()
    expect(leaks()).toEqual([])
  })
})

describe('a fetched message', () => {
  const settlings: [string, () => void][] = [
    ['by itself', () => ackAll()],
    ['with others', () => open[0]?.origin.slice(() => ackAll())],
  ]

  it.each(settlings)('that is settled %s is let go of, also when no more is fetched', async (_, settle) => {
    start((source) => source)
    kafka.assign()
    kafka.deliver(0, 4)
    const raws = open.map(({ raw }) => new WeakRef(raw))
    settle()
    await collectGarbage()
    expect(raws.map((raw) => raw.deref())).toEqual(raws.map(() => undefined))
  })

  it('that is settled is let go of while one of the next batch is in flight', async () => {
    start((source) => source)
    kafka.assign()
    kafka.deliver(0, 4)
    const raws = open.map(({ raw }) => new WeakRef(raw))
    kafka.deliver(4, 4)
    ackAll(4)
    await collectGarbage()
    expect(raws.map((raw) => raw.deref())).toEqual(raws.map(() => undefined))
  })
})
