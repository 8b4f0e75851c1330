import { concatWith, delay, map, mergeMap, NEVER, of, repeat, retry as retryStream, throwError, timer } from 'rxjs'
import { TestScheduler } from 'rxjs/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import { ack } from '../../lib/ack.ts'
import { json } from '../../lib/codec.ts'
import type { SourceEvent } from '../../lib/events.ts'
import { fromTopic } from '../../lib/fromTopic.ts'
import { type MemoryBroker, memoryBroker } from '../../lib/memory/memoryBroker.ts'
import { perMessage } from '../../lib/perMessage.ts'
import { type Running, run } from '../../lib/run.ts'
import { topic } from '../../lib/topic.ts'
import { mapValue } from '../../lib/values.ts'
import { HandServer } from '../support/handServer.ts'
import { produce } from '../support/produce.ts'

const numbers = topic('numbers', json<number>())
const range = (n: number) => Array.from({ length: n }, (_, i) => i)

let clock: TestScheduler
let kafka: MemoryBroker

beforeEach(() => {
  clock = new TestScheduler(() => {})
  kafka = memoryBroker({ clock, topics: { numbers: 2, others: 1 } })
})

function pass(ms: number): void {
  clock.maxFrames = clock.now() + ms
  clock.schedule(() => {}, ms)
  clock.flush()
}

const read = (groupId = 'group') => fromTopic(kafka, numbers, { groupId })
const slow = () => read().pipe(perMessage(mergeMap((value) => of(value).pipe(delay(100, clock)))), ack())
const committed = (groupId = 'group') => kafka.committed(groupId, 'numbers').get(0)

async function outcomeOf({ closed }: Running): Promise<unknown> {
  return closed.then(
    () => 'closed',
    (error) => error,
  )
}

describe('run', () => {
  it('drains: what is in flight settles and commits, nothing new is delivered, the group is left', async () => {
    produce(kafka, 'numbers', range(20))
    const running = run(kafka, slow(), { signals: false })
    pass(50)
    running.drain()
    produce(kafka, 'numbers', range(20))
    pass(20_000)
    expect(await outcomeOf(running)).toBe('closed')
    expect(committed()).toBe(20)
    expect(running.health()[0]).toMatchObject({ state: 'closed', partitions: [] })
  })

  it('gives up what does not settle within drainTimeout; it will be delivered again', async () => {
    const never = fromTopic(kafka, numbers, { groupId: 'group', drainTimeout: 500 })
    produce(kafka, 'numbers', range(2))
    const running = run(kafka, never.pipe(perMessage(mergeMap((v) => of(v).pipe(delay(9e6, clock)))), ack()), {
      signals: false,
    })
    pass(50)
    running.drain()
    pass(700)
    expect(await outcomeOf(running)).toBe('closed')
    expect(committed()).toBeUndefined()
  })

  it('gives up what does not settle, also when another pipeline takes longer', async () => {
    const never = fromTopic(kafka, numbers, { groupId: 'stuck', drainTimeout: 50 })
    produce(kafka, 'numbers', range(2))
    const stuck = never.pipe(perMessage(mergeMap((v) => of(v).pipe(delay(9e6, clock)))), ack())
    const running = run(kafka, [stuck, slow()], { signals: false })
    pass(10)
    running.drain()
    pass(700)
    expect(running.health().map(({ state }) => state)).toEqual(['closed', 'closed'])
    expect(await Promise.race([outcomeOf(running), Promise.resolve().then(tenTicks)])).toBe('closed')
  })

  it('drains at once while the server is down, and leaves nothing behind', async () => {
    const server = new HandServer()
    server.isDown = true
    produce(kafka, 'numbers', range(20))
    const running = run(kafka, read().pipe(server.operator(), ack()), { signals: false })
    const events: SourceEvent[] = []
    running.events.subscribe((event) => events.push(event))
    pass(50)
    running.drain()
    pass(0)
    expect(await outcomeOf(running)).toBe('closed')
    expect(events.at(-1)).toMatchObject({ type: 'closed', unsettled: 20, workedOn: 0 })
    expect(committed()).toBeUndefined()
    expect(clock.actions).toEqual([])
  })

  it('rejects with what fails for good while it drains', async () => {
    produce(kafka, 'numbers', [1])
    const failing = fromTopic(kafka, numbers, { groupId: 'failing' }).pipe(
      perMessage(mergeMap(() => timer(50, clock).pipe(mergeMap(() => throwError(() => new Error('boom')))))),
      ack(),
    )
    const running = run(kafka, failing, { signals: false })
    pass(20)
    running.drain().catch(() => {})
    pass(5000)
    expect(String(await outcomeOf(running))).toContain('Cannot process numbers[0]@0: boom')
  })

  it('drains the others and rejects when one pipeline fails', async () => {
    const boom = read('b').pipe(
      mapValue(() => {
        throw new Error('boom')
      }),
      ack(),
    )
    produce(kafka, 'numbers', range(3))
    const running = run(kafka, [slow(), boom], { signals: false })
    pass(30_000)
    expect(String(await outcomeOf(running))).toContain('Cannot process numbers[0]@0: boom')
    expect(committed()).toBe(3)
    expect(running.health().map(({ state }) => state)).toEqual(['closed', 'closed'])
  })

  it('does not wait for what a pipe had in flight when it failed', async () => {
    const boom = read('b').pipe(
      perMessage(mergeMap((value) => of(value).pipe(delay(value === 0 ? 10 : 1000, clock)))),
      map((message) => {
        if (message.value === 0) throw new Error('boom')
        return message
      }),
      ack(),
    )
    produce(kafka, 'numbers', range(3))
    const running = run(kafka, [slow(), boom], { signals: false })
    pass(900)
    expect(String(await outcomeOf(running))).toBe('Error: boom')
    expect(committed()).toBe(3)
    expect(committed('b')).toBeUndefined()
  })

  it('refuses what is not a broker, and says what is', () => {
    const client = {} as unknown as MemoryBroker
    expect(() => run(client, of(1))).toThrow(
      'Expected `kafka` to be a broker: kafkajs(yourKafka) or memoryBroker(), got `{}` (object)',
    )
  })

  it('rejects with the failure although something else does not settle in time', async () => {
    const hangsOn0 = perMessage(
      mergeMap((value: number) => (value === 0 ? NEVER : throwError(() => new Error('boom')))),
    )
    produce(kafka, 'numbers', range(2))
    const running = run(kafka, read('group').pipe(hangsOn0, ack()), { signals: false })
    pass(30_000)
    expect(String(await outcomeOf(running))).toContain('Cannot process numbers[0]@1: boom')
  })

  it('reaches a source that its pipe has subscribed again', async () => {
    let failures = 0
    const pipe = read().pipe(
      mapValue((value) => {
        if (value === 1 && failures++ < 2) throw new Error('boom')
        return value
      }),
      ack(),
    )
    produce(kafka, 'numbers', range(3))
    const running = run(kafka, pipe.pipe(retryStream({ delay: () => timer(100, clock) })), { signals: false })
    pass(5000)
    expect(committed()).toBe(3)
    expect(running.health()).toMatchObject([{ state: 'reading', groupId: 'group' }])
    running.drain()
    pass(5000)
    expect(await outcomeOf(running)).toBe('closed')
  })

  it('ends although its pipe would begin again', async () => {
    const pipe = read().pipe(ack(), repeat())
    produce(kafka, 'numbers', range(3))
    const running = run(kafka, pipe, { signals: false })
    pass(2000)
    running.drain()
    pass(5000)
    expect(await outcomeOf(running)).toBe('closed')
    expect(committed()).toBe(3)
  })

  it('refuses a pipe that ends without ack()', async () => {
    produce(kafka, 'numbers', [1])
    // @ts-expect-error refused when compiled, too
    const running = run(kafka, read(), { signals: false })
    pass(30_000)
    expect(String(await outcomeOf(running))).toContain('Cannot finish numbers-0-0: this pipe ends without ack()')
    expect(committed()).toBeUndefined()
  })

  it('takes pipelines of different values', async () => {
    const texts = read('b').pipe(mapValue(String), ack())
    const running = run(kafka, [slow(), texts], { signals: false })
    running.drain()
    pass(1000)
    expect(await outcomeOf(running)).toBe('closed')
    // @ts-expect-error one of them ends without ack()
    expect(() => run(kafka, [texts, read('c')], { signals: false }).drain()).not.toThrow()
  })

  it('refuses pipelines of another broker', async () => {
    const other = memoryBroker({ clock, topics: { numbers: 1 } })
    const running = run(other, slow(), { signals: false })
    pass(30_000)
    expect(String(await outcomeOf(running))).toContain('none of them reads a topic of the broker')
  })

  it('rejects when a pipeline fails as it is subscribed', async () => {
    const running = run(kafka, [throwError(() => new Error('at once')), slow()], { signals: false })
    pass(30_000)
    expect(String(await outcomeOf(running))).toContain('at once')
  })

  it('closes by itself when all its pipelines complete', async () => {
    const running = run(kafka, [of(1).pipe(concatWith(of(2))), slow()], { signals: false })
    pass(10)
    running.drain()
    pass(1000)
    expect(await outcomeOf(running)).toBe('closed')
  })

  it('drains at SIGTERM, and leaves the signal alone afterwards', async () => {
    const before = process.listenerCount('SIGTERM')
    const running = run(kafka, slow())
    pass(10)
    expect(process.listenerCount('SIGTERM')).toBe(before + 1)
    process.emit('SIGTERM')
    pass(1000)
    expect(await outcomeOf(running)).toBe('closed')
    expect(process.listenerCount('SIGTERM')).toBe(before)
    expect(process.listenerCount('SIGINT')).toBe(before)
  })

  it('pauses and resumes without losing anything', () => {
    const seen: number[] = []
    const running = run(kafka, mapTo(seen), { signals: false })
    pass(100)
    running.pause()
    produce(kafka, 'numbers', range(5))
    pass(1000)
    expect(seen).toEqual([])
    expect(running.health()[0]?.state).toBe('paused')
    running.resume()
    pass(1000)
    expect(seen).toEqual(range(5))
    expect(committed()).toBe(5)
  })

  it('seeks: reads again from there, and commits the new place', () => {
    const seen: number[] = []
    const running = run(kafka, mapTo(seen), { signals: false })
    produce(kafka, 'numbers', range(5))
    pass(1000)
    running.seek({ topic: 'numbers', partition: 0, offset: 3 })
    pass(3000)
    expect(seen).toEqual([0, 1, 2, 3, 4, 3, 4])
    expect(committed()).toBe(5)
    expect(() => running.seek({ topic: 'numbers', partition: 9, offset: 0 })).toThrow(
      'no source of this run has it now',
    )
  })

  it('tells what happens', () => {
    const running = run(kafka, mapTo([]), { signals: false })
    const types: string[] = []
    running.events.subscribe(({ type }) => types.push(type))
    produce(kafka, 'numbers', [1])
    pass(1000)
    kafka.rebalance('group')
    pass(1000)
    running.drain()
    pass(1000)
    expect(types).toEqual(['assigned', 'committed', 'revoked', 'assigned', 'closed'])
  })

  it('shows its health', () => {
    produce(kafka, 'numbers', range(10))
    const running = run(kafka, slow(), { signals: false })
    pass(50)
    expect(running.health()).toEqual([
      expect.objectContaining({
        groupId: 'group',
        state: 'reading',
        delivered: 10,
        nacked: 0,
        trouble: null,
        partitions: [
          {
            topic: 'numbers',
            partition: 0,
            committed: null,
            low: 0,
            next: 10,
            highWatermark: 10,
            lag: 10,
            inFlight: 10,
            oldestMs: 50,
            backlog: 0,
          },
          expect.objectContaining({ partition: 1, lag: 0 }),
        ],
      }),
    ])
    pass(3000)
    expect(running.health()[0]?.partitions[0]).toMatchObject({ committed: 10, lag: 0, inFlight: 0 })
  })
})

/** Long enough for promises that are settled. */
async function tenTicks(): Promise<string> {
  for (let i = 0; i < 10; i++) await null
  return 'open'
}

function mapTo(seen: number[]) {
  return read().pipe(
    mapValue((value) => {
      seen.push(value)
      return value
    }),
    ack(),
  )
}
