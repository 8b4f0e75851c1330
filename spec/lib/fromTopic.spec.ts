import { config, delay, mergeMap, NEVER, type Observable, of, type Subscription, switchMap, take, tap } from 'rxjs'
import { TestScheduler } from 'rxjs/testing'
import { afterEach, beforeEach, describe, expect, expectTypeOf, it, vi } from 'vitest'
import { ack } from '../../lib/ack.ts'
import { json, text } from '../../lib/codec.ts'
import { fromTopic } from '../../lib/fromTopic.ts'
import { type MemoryBroker, memoryBroker } from '../../lib/memory/memoryBroker.ts'
import type { Message } from '../../lib/message.ts'
import { deadLetter, type NackPolicy, retry } from '../../lib/onNack.ts'
import { perMessage } from '../../lib/perMessage.ts'
import type { SourceOptions } from '../../lib/sourceOptions.ts'
import { topic } from '../../lib/topic.ts'
import { mapValue } from '../../lib/values.ts'
import { produce } from '../support/produce.ts'

const numbers = topic('numbers', json<number>())
const range = (n: number, from = 0) => Array.from({ length: n }, (_, i) => from + i)

let clock: TestScheduler
let kafka: MemoryBroker

beforeEach(() => {
  clock = new TestScheduler(() => {})
  kafka = memoryBroker({ clock, topics: { numbers: 1, failed: 1 } })
})

/** Lets virtual time pass. */
function pass(ms: number): void {
  clock.maxFrames = clock.now() + ms
  clock.schedule(() => {}, ms)
  clock.flush()
}

function read(options: Partial<SourceOptions> = {}) {
  return fromTopic(kafka, numbers, { groupId: 'group', ...options })
}

const committed = (partition = 0) => kafka.committed('group', 'numbers').get(partition)

describe('fromTopic', () => {
  it('delivers each message once, in the order of its partition, and commits what is acked', () => {
    const seen: number[] = []
    produce(kafka, 'numbers', range(3000))
    read()
      .pipe(ack())
      .subscribe((value) => seen.push(value))
    pass(2000)
    expect(seen).toEqual(range(3000))
    expect(committed()).toBe(3000)
  })

  describe('with a subscriber that throws', () => {
    const reported: unknown[] = []

    beforeEach(() => {
      vi.useFakeTimers()
      reported.length = 0
      config.onUnhandledError = (error) => reported.push(error)
    })
    afterEach(() => {
      config.onUnhandledError = null
      vi.useRealTimers()
    })

    it('has RxJS report the error, delivers on, and does not count the message as acked', () => {
      produce(kafka, 'numbers', range(5))
      const seen: number[] = []
      read().subscribe((message) => {
        seen.push(message.value)
        if (message.value === 2) throw new Error('cannot take 2')
        message.ack()
      })
      pass(2000)
      vi.runAllTimers()
      expect(reported).toEqual([new Error('cannot take 2')])
      expect(seen).toEqual(range(5))
      expect(committed()).toBe(2)
      produce(kafka, 'numbers', [5])
      pass(2000)
      expect(seen).toEqual(range(6))
      expect(committed()).toBe(2)
    })

    it('has the message delivered again to the next reader', () => {
      produce(kafka, 'numbers', range(3))
      const first = read().subscribe((message) => {
        if (message.value === 1) throw new Error('cannot take 1')
        message.ack()
      })
      pass(2000)
      first.unsubscribe()
      pass(100)
      const seen: number[] = []
      read()
        .pipe(ack())
        .subscribe((value) => seen.push(value))
      pass(2000)
      expect(seen).toEqual([1, 2])
      expect(committed()).toBe(3)
    })
  })

  it('shows where a message comes from', () => {
    let seen: Message<number> | undefined
    kafka.send([{ topic: 'numbers', partition: 0, key: 'k', value: '7', timestamp: 5, headers: { h: 'x' } }], () => {})
    read().subscribe((message) => {
      seen = message
    })
    pass(100)
    expect(seen).toMatchObject({ value: 7, topic: 'numbers', partition: 0, offset: 0, timestamp: 5, attempt: 1 })
    expect(seen?.id).toBe('numbers-0-0')
    expect(Buffer.from(seen?.key ?? []).toString()).toBe('k')
    expect(Object.keys(seen?.headers ?? {})).toEqual(['h'])
  })

  it('commits up to the first unacked message, whatever is acked behind it', () => {
    const open: Message<number>[] = []
    produce(kafka, 'numbers', range(4))
    read().subscribe((message) => open.push(message))
    pass(10)
    for (const i of [3, 1]) open[i]?.ack()
    pass(2000)
    expect(committed()).toBeUndefined()
    open[0]?.ack()
    pass(2000)
    expect(committed()).toBe(2)
    open[2]?.ack()
    pass(2000)
    expect(committed()).toBe(4)
  })

  it('commits at once when nothing is in flight any more', () => {
    produce(kafka, 'numbers', [1])
    read().pipe(delay(50, clock), ack()).subscribe()
    pass(60)
    expect(kafka.commits.map(({ offsets }) => offsets[0]?.offset)).toEqual([1])
  })

  it('commits after the interval while work goes on, one commit for many acks', () => {
    const open: Message<number>[] = []
    produce(kafka, 'numbers', range(10))
    read().subscribe((message) => open.push(message))
    pass(10)
    for (const message of open.slice(0, 5)) message.ack()
    pass(900)
    expect(kafka.commits).toHaveLength(0)
    pass(200)
    expect(kafka.commits.map(({ offsets }) => offsets[0]?.offset)).toEqual([5])
  })

  it('has no more messages in flight than maxInFlight, and goes on as they are acked', () => {
    const open: Message<number>[] = []
    produce(kafka, 'numbers', range(100))
    read({ maxInFlight: 10 }).subscribe((message) => open.push(message))
    pass(100)
    expect(open).toHaveLength(10)
    for (const message of open.splice(0)) message.ack()
    pass(1000)
    expect(open.map(({ value }) => value)).toEqual(range(10, 10))
  })

  it('holds back at ten windows behind one stuck message', () => {
    let stuck: Message<number> | undefined
    let delivered = 0
    produce(kafka, 'numbers', range(500))
    read({ maxInFlight: 10 }).subscribe((message) => {
      delivered++
      if (stuck === undefined) stuck = message
      else message.ack()
    })
    pass(5000)
    expect(delivered).toBe(100)
    stuck?.ack()
    pass(5000)
    expect(delivered).toBe(500)
    expect(committed()).toBe(500)
  })

  it('commits past the gap at the end of a batch', () => {
    produce(kafka, 'numbers', [1, 2])
    kafka.skip('numbers', 0, 3)
    read().pipe(ack()).subscribe()
    pass(2000)
    expect(committed()).toBe(5)
  })

  it('commits the start of an empty partition', () => {
    read({ fromBeginning: false }).pipe(ack()).subscribe()
    pass(2000)
    expect(committed()).toBe(0)
  })

  it('settles a message once: a second ack, or one after a nack, only counts', () => {
    produce(kafka, 'numbers', [1, 2])
    read({ onNack: 'skip' }).subscribe((message) => {
      message.ack()
      message.ack()
      message.nack(new Error('late'))
    })
    pass(2000)
    expect(committed()).toBe(2)
  })

  it('refuses a second hand-over of one message and says to use fork', () => {
    let error: unknown
    produce(kafka, 'numbers', [1])
    read().subscribe((message) => {
      message.with(2)
      try {
        message.with(3)
      } catch (thrown) {
        error = thrown
      }
    })
    pass(10)
    expect(String(error)).toContain('numbers[0]@0')
    expect(String(error)).toContain('fork()')
  })

  it('infers the type of its values', () => {
    expectTypeOf(read()).toEqualTypeOf<Observable<Message<number>>>()
    const several = fromTopic(kafka, [numbers, topic('failed', text)], { groupId: 'group' })
    expectTypeOf(several).toEqualTypeOf<Observable<Message<number | string>>>()
  })

  it('refuses wrong options when it is called', () => {
    expect(() => read({ maxInFlight: 0 })).toThrow('Expected `maxInFlight` to be an integer >= 1, got `0` (number)')
    expect(() => read({ groupId: '' })).toThrow('Expected `groupId` to be a non-empty string')
    // @ts-expect-error no such policy
    expect(() => read({ onNack: 'ignore' })).toThrow('Expected `onNack` to be one of stop, skip, got `ignore`')
    // @ts-expect-error a group is needed
    expect(() => fromTopic(kafka, numbers)).toThrow(
      'Expected `options` to be an object with a groupId, got `undefined`',
    )
    // @ts-expect-error a name is not a topic
    expect(() => fromTopic(kafka, 'numbers', { groupId: 'group' })).toThrow(
      'Expected `topics` to be a topic or several: topic(name, codec), got `numbers` (string)',
    )
    // @ts-expect-error KafkaJS's own client is not a broker
    expect(() => fromTopic({ consumer() {} }, numbers, { groupId: 'group' })).toThrow(
      'Expected `kafka` to be a broker: kafkajs(yourKafka) or memoryBroker()',
    )
  })
})

describe('fromTopic, subscribed', () => {
  it('refuses a second subscription at the same time', () => {
    const source = read()
    const errors: unknown[] = []
    source.subscribe()
    source.subscribe({ error: (error) => errors.push(error) })
    expect(String(errors[0])).toContain('Cannot subscribe twice to numbers as group group')
  })

  it('refuses a group that reads other topics already', () => {
    const errors: unknown[] = []
    read().subscribe()
    fromTopic(kafka, topic('failed', json()), { groupId: 'group' }).subscribe({ error: (error) => errors.push(error) })
    expect(String(errors[0])).toContain('this process reads numbers as that group already')
  })

  it('commits what is acked and gives up the rest when unsubscribed', () => {
    const open: Message<number>[] = []
    produce(kafka, 'numbers', range(3))
    const subscription = read().subscribe((message) => open.push(message))
    pass(10)
    open[0]?.ack()
    const { signal } = open[1] as Message<number>
    subscription.unsubscribe()
    open[1]?.ack()
    pass(100)
    expect(committed()).toBe(1)
    expect(signal.aborted).toBe(true)
  })

  it('goes on where it stopped when it is subscribed again, even at once', () => {
    const seen: number[] = []
    const source = read().pipe(ack())
    produce(kafka, 'numbers', range(5))
    source.pipe(take(2)).subscribe((value) => seen.push(value))
    pass(100)
    source.subscribe((value) => seen.push(value))
    pass(2000)
    expect(seen).toEqual([0, 1, 2, 3, 4])
    expect(committed()).toBe(5)
  })

  it('waits for the last reading to leave before it joins anew', () => {
    const seen: number[] = []
    const source = read()
    produce(kafka, 'numbers', [7])
    let subscription: Subscription | undefined = source.subscribe()
    pass(10)
    subscription.unsubscribe()
    subscription = source.pipe(ack()).subscribe((value) => seen.push(value))
    pass(2000)
    expect(seen).toEqual([7])
    subscription.unsubscribe()
  })

  it('errors with the topic when it does not exist', () => {
    const errors: unknown[] = []
    fromTopic(kafka, topic('nowhere', json()), { groupId: 'group' }).subscribe({ error: (error) => errors.push(error) })
    pass(100)
    expect(errors).toHaveLength(1)
    expect(String(errors[0])).toMatch(/FatalError: .*nowhere/)
  })
})

describe('fromTopic, when a message fails', () => {
  const failing = (options: Partial<SourceOptions>) =>
    read(options).pipe(
      mapValue((value) => {
        if (value === 1) throw new Error('boom')
        return value
      }),
      perMessage(mergeMap((value) => of(value).pipe(delay(5, clock)))),
      ack(),
    )

  it('stops: settles the rest, commits up to the failure, leaves, and errors with the place', () => {
    const seen: number[] = []
    const errors: unknown[] = []
    produce(kafka, 'numbers', range(3))
    failing({ onNack: 'stop' }).subscribe({ next: (value) => seen.push(value), error: (error) => errors.push(error) })
    pass(3000)
    expect(seen).toEqual([0])
    expect(committed()).toBe(1)
    expect(errors).toHaveLength(1)
    expect(errors[0]).toMatchObject({ name: 'MessageError', topic: 'numbers', partition: 0, offset: 1 })
    expect(String(errors[0])).toContain('Cannot process numbers[0]@1: boom')
  })

  it('skips: the message counts as done', () => {
    const seen: number[] = []
    produce(kafka, 'numbers', range(3))
    failing({ onNack: 'skip' }).subscribe((value) => seen.push(value))
    pass(3000)
    expect(seen).toEqual([0, 2])
    expect(committed()).toBe(3)
  })

  it('sends a dead letter with the raw bytes and the story, and only then acks', () => {
    produce(kafka, 'numbers', [0])
    kafka.send([{ topic: 'numbers', partition: 0, key: 'k', value: 'not json', headers: { mine: 'kept' } }], () => {})
    produce(kafka, 'numbers', [2])
    kafka.failSends(Object.assign(new Error('away'), { errorClass: 'transient' }))
    read({ onNack: deadLetter('failed') })
      .pipe(ack())
      .subscribe()
    pass(500)
    expect(committed()).toBe(1)
    pass(3000)
    expect(committed()).toBe(3)
    const [letter] = kafka.messages('failed')
    expect(Buffer.from(letter?.value ?? []).toString()).toBe('not json')
    const headers = Object.entries(letter?.headers ?? {}).map(([name, value]) => [name, String(value)])
    expect(Object.fromEntries(headers)).toMatchObject({
      mine: 'kept',
      'dlq.topic': 'numbers',
      'dlq.partition': '0',
      'dlq.offset': '1',
      'dlq.group': 'group',
      'dlq.attempts': '1',
      'dlq.error.type': 'DecodeError',
      'dlq.error.message': 'Expected JSON, got "not json"',
    })
  })

  it('delivers it again after a wait, then does what follows', () => {
    const attempts: number[] = []
    produce(kafka, 'numbers', [0, 1])
    read({ onNack: retry({ attempts: 3, delay: 100, jitter: 'none' }).then('skip') })
      .pipe(tap((message) => message.value === 1 && attempts.push(message.attempt)))
      .subscribe((message) => (message.value === 1 ? message.nack(new Error('boom')) : message.ack()))
    pass(99)
    expect(attempts).toEqual([1])
    pass(50)
    expect(attempts).toEqual([1, 2])
    pass(300)
    expect(attempts).toEqual([1, 2, 3])
    pass(2000)
    expect(committed()).toBe(2)
  })

  it.each([
    ['gives a word', () => 'skip', 'it gave "skip"'],
    ['gives nothing', () => undefined, 'it gave undefined'],
    ['retries at no time', () => ({ do: 'retry' }), 'it gave {"do":"retry"}'],
    [
      'throws',
      () => {
        throw new Error('oops')
      },
      'oops',
    ],
  ])('stops, and says why, when its policy %s', (_, policy, why) => {
    const errors: unknown[] = []
    produce(kafka, 'numbers', range(3))
    failing({ onNack: policy as unknown as NackPolicy }).subscribe({ error: (error) => errors.push(error) })
    pass(3000)
    expect(committed()).toBe(1)
    expect(String(errors[0])).toContain('Cannot process numbers[0]@1: Expected the policy of onNack to give')
    expect(String(errors[0])).toContain(`${why}; it was asked about: boom`)
  })

  it('stops at a message that was torn down before it was settled', () => {
    const errors: unknown[] = []
    produce(kafka, 'numbers', [0, 1])
    read()
      .pipe(switchMap((message) => of(message).pipe(perMessage(mergeMap(() => NEVER)))))
      .subscribe({ error: (error) => errors.push(error) })
    pass(30_000)
    expect(String(errors[0])).toContain('Cannot process numbers[0]@0: what held the message was torn down')
    expect(committed()).toBeUndefined()
  })
})

describe('fromTopic, in a rebalance', () => {
  it('lets what is in flight settle and commits it before the partitions go', () => {
    const open: Message<number>[] = []
    produce(kafka, 'numbers', range(3))
    read().subscribe((message) => open.push(message))
    pass(10)
    kafka.rebalance('group')
    pass(100)
    for (const message of open) message.ack()
    pass(100)
    expect(committed()).toBe(3)
  })

  it('emits nothing again that a retained partition has in flight or acked', () => {
    const seen: number[] = []
    const open: Message<number>[] = []
    produce(kafka, 'numbers', range(50))
    read({ maxInFlight: 10, drainTimeout: 20 }).subscribe((message) => {
      seen.push(message.value)
      open.push(message)
    })
    pass(10)
    kafka.rebalance('group')
    pass(200)
    for (let round = 0; round < 20; round++) {
      for (const message of open.splice(0)) message.ack()
      pass(300)
    }
    expect(seen).toEqual(range(50))
    expect(committed()).toBe(50)
  })

  it('fences a lost partition: late acks move nothing, and its messages are delivered again', () => {
    const seen: number[] = []
    const open: Message<number>[] = []
    produce(kafka, 'numbers', range(2))
    read().subscribe((message) => {
      seen.push(message.value)
      open.push(message)
    })
    pass(10)
    const late = open.splice(0)
    kafka.expel('group')
    pass(2000)
    for (const message of late) message.ack()
    pass(2000)
    expect(committed()).toBeUndefined()
    expect(seen).toEqual([0, 1, 0, 1])
    for (const message of open) message.ack()
    pass(2000)
    expect(committed()).toBe(2)
  })

  it('tries a commit again that the broker could not take', () => {
    produce(kafka, 'numbers', [1])
    kafka.failCommits('retriable', 3)
    read().pipe(ack()).subscribe()
    pass(10_000)
    expect(committed()).toBe(1)
  })

  it('goes on after the broker was away', () => {
    const seen: number[] = []
    read()
      .pipe(ack())
      .subscribe((value) => seen.push(value))
    pass(100)
    kafka.down()
    pass(60_000)
    kafka.up()
    produce(kafka, 'numbers', [1])
    pass(60_000)
    expect(seen).toEqual([1])
    expect(committed()).toBe(1)
  })
})
