import { bufferCount, concatMap, map, mergeMap, NEVER, type OperatorFunction, Subject, take } from 'rxjs'
import type { TestScheduler } from 'rxjs/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import { json } from '../../lib/codec.ts'
import { TransientError } from '../../lib/errors.ts'
import type { SourceEvent } from '../../lib/events.ts'
import { fromTopic } from '../../lib/fromTopic.ts'
import type { Member } from '../../lib/members.ts'
import type { Message } from '../../lib/message.ts'
import { deadLetter, retry } from '../../lib/onNack.ts'
import { perBatch } from '../../lib/perBatch.ts'
import { perMessage } from '../../lib/perMessage.ts'
import type { SourceOptions } from '../../lib/sourceOptions.ts'
import { topic } from '../../lib/topic.ts'
import { HandBroker } from '../support/handBroker.ts'
import { advance, virtualTime } from '../support/virtualTime.ts'

type Numbers = Message<number>

const numbers = topic('numbers', json<number>())

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
const told = (type: SourceEvent['type']) => events.filter((event) => event.type === type)
const healthOf = (partition: number) => member.health().partitions[partition]

/** Reads numbers[0] through an operator; what comes out is kept in `open`. */
function start(
  options: Partial<SourceOptions> = {},
  op: OperatorFunction<Numbers, Message<unknown>> = (source) => source,
): void {
  const take = (joined: Member) => {
    member = joined
    joined.listen((event) => events.push(event))
  }
  const source = fromTopic(kafka, numbers, { groupId: 'group', ...options }).pipe(op)
  kafka.members.claim(take, () => {
    source.subscribe({ next: (message) => open.push(message), error: (error) => errors.push(error) })
  })
  kafka.assign()
}

const fails = () => {
  throw new TransientError('busy')
}
const ackAll = () => {
  for (const message of open.splice(0)) message.ack()
}

describe('a stuck message', () => {
  it('is told once, after maxProcessing', () => {
    start({ maxProcessing: 5000 })
    kafka.deliver(0, 2)
    pass(4999)
    expect(told('stuck')).toEqual([])
    expect(healthOf(0)).toMatchObject({ oldestMs: 4999 })
    pass(1)
    const place = { topic: 'numbers', partition: 0, offset: 0 }
    expect(told('stuck')).toEqual([expect.objectContaining({ groupId: 'group', place, ageMs: 5000 })])
    expect(member.health().isStuck).toBe(true)
    pass(1e6)
    expect(told('stuck')).toHaveLength(1)
    open[0]?.ack()
    expect(member.health().isStuck).toBe(false)
  })

  it('leaves no timer, although it is never settled', () => {
    start()
    kafka.deliver(0, 2)
    pass(100_000)
    expect(clock.actions).toEqual([])
  })

  it('is none while it only waits in a queue for its turn', () => {
    start({ maxProcessing: 5000 })
    kafka.deliver(0, 10)
    // Each takes 4 s: the last has waited for 36 s when its turn comes.
    for (let i = 0; i < 10; i++) {
      pass(4000)
      open[i]?.ack()
    }
    pass(10_000)
    expect(told('stuck')).toEqual([])
    expect(member.health().partitions[0]).toMatchObject({ oldestMs: 0 })
  })

  it('is also the one behind it, counted from when it is the oldest', () => {
    start({ maxProcessing: 5000 })
    kafka.deliver(0, 2)
    pass(20_000)
    open[0]?.ack()
    pass(4999)
    expect(told('stuck')).toHaveLength(1)
    pass(1001)
    expect(told('stuck').map((event) => (event as { place: { offset: number } }).place.offset)).toEqual([0, 1])
  })

  it('is none while it waits for its next delivery, and then counts anew', () => {
    start({ maxProcessing: 5000, onNack: retry({ delay: 20_000, jitter: 'none' }) })
    kafka.deliver(0, 1)
    pass(4000)
    open[0]?.nack(new Error('boom'))
    pass(20_000 + 4999)
    expect(told('stuck')).toEqual([])
    pass(1)
    expect(told('stuck')).toHaveLength(1)
  })

  it('is none while its dead letter is written', () => {
    start({ maxProcessing: 5000, onNack: deadLetter('failed') })
    kafka.deliver(0, 1)
    open[0]?.nack(new Error('boom'))
    pass(20_000)
    expect(told('stuck')).toEqual([])
    expect(clock.actions).toEqual([])
  })

  it('is none in a process that stood still', () => {
    start({ maxProcessing: 5000 })
    kafka.deliver(0, 1)
    pass(2100)
    // Time goes by, and no timer fires: as when a laptop sleeps.
    clock.frame += 60_000
    const [timer] = clock.actions
    if (timer) timer.delay += 60_000
    pass(2000)
    expect(told('stuck')).toEqual([])
    pass(3000)
    expect(told('stuck')).toHaveLength(1)
  })

  it('says whether it only waits for its next try', () => {
    const tried = perBatch((n: number) => n, fails, { retry: { delay: 1e9, jitter: 'none' } })
    for (const op of [tried, perMessage(mergeMap((_: number) => NEVER))]) {
      kafka = new HandBroker(clock)
      start({ maxProcessing: 5000 }, op)
      kafka.deliver(0, 2)
      pass(5000)
    }
    expect(told('stuck')).toMatchObject([{ isWaiting: true }, { isWaiting: false }])
  })

  it('is told of only, whatever onStuck says, while it waits for a next try, and the source is not stuck', () => {
    const tried = perBatch((n: number) => n, fails, { retry: { delay: 1e9, jitter: 'none' } })
    for (const onStuck of ['nack', 'stop'] as const) {
      events = []
      kafka = new HandBroker(clock)
      start({ maxProcessing: 5000, onStuck, onNack: 'skip' }, tried)
      kafka.deliver(0, 1)
      pass(10_000)
      expect(told('stuck')).toMatchObject([{ isWaiting: true }])
      expect(member.health()).toMatchObject({ isStuck: false, nacked: 0, state: 'reading' })
      expect(errors).toEqual([])
    }
  })

  it('is nacked where onStuck says so, and an ack that comes later is late', () => {
    start({ maxProcessing: 5000, onStuck: 'nack', onNack: deadLetter('failed') })
    kafka.deliver(7, 1)
    pass(5000)
    expect(kafka.sends[0]?.messages[0]?.value).toEqual(Buffer.from('7'))
    open[0]?.ack()
    expect(member.health()).toMatchObject({ late: 1, nacked: 1, deadLettered: 0 })
    kafka.sends[0]?.done(null)
    expect(member.health()).toMatchObject({ late: 1, deadLettered: 1 })
    expect(healthOf(0)).toMatchObject({ low: 8 })
  })

  it('is nacked once where onStuck says so, though it fails by itself later', () => {
    start({ maxProcessing: 5000, onStuck: 'nack', onNack: deadLetter('failed') })
    kafka.deliver(0, 2)
    pass(15_000)
    open[0]?.nack(new Error('no answer'))
    expect(kafka.sends).toHaveLength(1)
    expect(member.health()).toMatchObject({ nacked: 1, late: 1, state: 'reading' })
  })

  it('is nacked although it was not looked at yet', () => {
    start({ maxProcessing: 0, onStuck: 'nack', onNack: deadLetter('failed') })
    kafka.deliver(7, 1)
    pass(1000)
    expect(kafka.sends).toHaveLength(1)
  })

  it('stops the source where onStuck says so, whatever onNack says', () => {
    start({ maxProcessing: 5000, onStuck: 'stop', onNack: 'skip' })
    kafka.deliver(0, 1)
    pass(5000)
    kafka.answerLeave()
    expect(String(errors)).toContain(
      'Cannot process numbers[0]@0: numbers[0]@0 is the oldest message in flight for 5000 ms',
    )
  })

  it('is no longer watched once the source has closed', () => {
    start()
    kafka.deliver(0, 1)
    pass(100)
    member.drain()
    ackAll()
    kafka.answerCommit()
    kafka.answerLeave()
    expect(clock.actions).toEqual([])
  })
})

describe('a stalled source', () => {
  const buffer: OperatorFunction<Numbers, Numbers> = (source) =>
    source.pipe(
      bufferCount(5),
      concatMap((all) => all),
    )

  it('is told once, when a buffer holds all that may be in flight', () => {
    start({ maxInFlight: 3 }, buffer)
    kafka.deliver(0, 10)
    pass(9999)
    expect(told('stalled')).toEqual([])
    pass(1001)
    const counts = { inFlight: 3, maxInFlight: 3, place: { topic: 'numbers', partition: 0, offset: 0 } }
    expect(told('stalled')).toEqual([expect.objectContaining(counts)])
    expect(String((told('stalled')[0] as { error: Error }).error)).toContain('raise maxInFlight (3 a partition)')
    expect(member.health().isStalled).toBe(true)
    pass(1e6)
    expect(told('stalled')).toHaveLength(1)
  })

  it('is told when a buffer holds all the bytes', () => {
    start({ maxBytes: 2 }, buffer)
    kafka.deliver(0, 4)
    pass(11_000)
    expect(told('stalled')).toEqual([expect.objectContaining({ inFlight: 4, bytes: 4, maxBytes: 2 })])
  })

  it('is none while there is room', () => {
    start({ maxInFlight: 10 }, buffer)
    kafka.deliver(0, 4)
    pass(30_000)
    expect(told('stalled')).toEqual([])
  })

  it('is none while something settles, or is delivered', () => {
    const gate = new Subject<void>()
    const one = mergeMap(
      (message: Numbers) =>
        gate.pipe(
          take(1),
          map(() => message),
        ),
      1,
    )
    start({ maxInFlight: 3 }, one)
    kafka.deliver(0, 10)
    for (let i = 0; i < 7; i++) {
      pass(8000)
      gate.next()
      ackAll()
    }
    expect(told('stalled')).toEqual([])
  })

  it.each([
    [
      'a request',
      perBatch(
        (n: number) => n,
        () => NEVER,
        { timeout: 1e9 },
      ),
    ],
    ['a request that is tried again', perBatch((n: number) => n, fails, { retry: { delay: 1e9, jitter: 'none' } })],
    ['a run', perMessage(mergeMap(() => NEVER))],
  ])('is none while %s is under way', (_, op) => {
    start({ maxInFlight: 3 }, op)
    kafka.deliver(0, 10)
    pass(100_000)
    expect(told('stalled')).toEqual([])
    expect(told('stuck')).toHaveLength(1)
  })

  it('is told when what was under way is done, and a buffer holds all', () => {
    const gate = new Subject<void>()
    start({ maxInFlight: 3 }, (source) =>
      source.pipe(
        perMessage(
          mergeMap((n) =>
            gate.pipe(
              take(1),
              map(() => n),
            ),
          ),
        ),
        buffer,
      ),
    )
    kafka.deliver(0, 10)
    pass(15_000)
    gate.next()
    pass(15_000)
    expect(told('stalled')).toHaveLength(1)
  })

  it('is none while the user has paused it', () => {
    start({ maxInFlight: 3 }, buffer)
    kafka.deliver(0, 10)
    pass(2000)
    member.pause()
    pass(30_000)
    expect(told('stalled')).toEqual([])
  })

  it('goes on when the buffer lets go', () => {
    start({ maxInFlight: 3 })
    kafka.deliver(0, 10)
    pass(12_000)
    expect(member.health().isStalled).toBe(true)
    ackAll()
    pass(1)
    expect(member.health().isStalled).toBe(false)
    expect(open).toHaveLength(3)
    pass(12_000)
    expect(told('stalled')).toHaveLength(2)
  })
})
