import { delay, mergeMap, type Observable, type OperatorFunction, of, tap, throwError, timer } from 'rxjs'
import type { TestScheduler } from 'rxjs/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import { ack } from '../../lib/ack.ts'
import { json, text } from '../../lib/codec.ts'
import { FatalError, TransientError } from '../../lib/errors.ts'
import type { SourceEvent } from '../../lib/events.ts'
import { fromTopic } from '../../lib/fromTopic.ts'
import { type MemoryBroker, memoryBroker } from '../../lib/memory/memoryBroker.ts'
import type { Message } from '../../lib/message.ts'
import { deadLetter, retry } from '../../lib/onNack.ts'
import { perMessage } from '../../lib/perMessage.ts'
import type { SourceOptions } from '../../lib/sourceOptions.ts'
import { kafkaTest } from '../../lib/testing/kafkaTest.ts'
import type { Kit } from '../../lib/testing/kit.ts'
import { topic } from '../../lib/topic.ts'
import { type Transaction, transaction } from '../../lib/transaction.ts'
import { filterValue } from '../../lib/values.ts'
import { sendTo } from '../../operators/sendTo/sendTo.ts'
import { slow } from '../support/slow.ts'
import { advance, virtualTime } from '../support/virtualTime.ts'

const source = topic('source', text)
const target = topic('target', text)

let clock: TestScheduler
let kafka: MemoryBroker
let tx: Transaction
let events: SourceEvent[]
let ends: unknown[]

beforeEach(() => {
  clock = virtualTime()
  kafka = memoryBroker({ clock, topics: { source: 2, target: 1, failed: 1 } })
  tx = transaction(kafka, 'tx')
  events = []
  ends = []
})

const pass = (ms: number) => advance(clock, clock.now() + ms)
const told = (type: SourceEvent['type']) => events.filter((event) => event.type === type)
const send = (...values: string[]) =>
  kafka.send(
    values.map((value) => ({ topic: 'source', key: null, value, partition: 0 })),
    () => {},
  )
const values = (name: string) => kafka.messages(name).map(({ value }) => String(value))
const committed = () => kafka.committed('g', 'source').get(0)
const asIs: OperatorFunction<Message<string>, Message<string>> = (messages) => messages
const slowly = (messages: Observable<Message<string>>) =>
  messages.pipe(perMessage<string, string>((value) => value.pipe(delay(100, clock))))
const failing = perMessage<string, string>((one) =>
  one.pipe(mergeMap((value) => (value === 'b' ? throwError(() => new Error('no b')) : of(value)))),
)
/** Has `b` take so many ms. */
const holdingB = (ms: number) => (messages: Observable<Message<string>>) =>
  messages.pipe(mergeMap((message) => of(message).pipe(delay(message.value === 'b' ? ms : 0, clock))))

/** Sends what a pipe gives on to `target`, in transactions. */
function start(options: Partial<SourceOptions> = {}, pipe = asIs) {
  const toTarget = sendTo<string, string>(kafka, target, (value) => ({ key: null, value }), { transaction: tx })
  const messages = fromTopic(kafka, source, { groupId: 'g', commit: tx, ...options }).pipe(pipe, toTarget, ack())
  const listen = (event: SourceEvent) => void events.push(event)
  let subscription: { unsubscribe(): void } | undefined
  let drain = () => {}
  let seek = (_offset: number) => {}
  kafka.members.claim(
    (member) => {
      member.listen(listen)
      drain = () => member.drain()
      seek = (offset) => member.seek({ topic: 'source', partition: 0, offset })
    },
    () => {
      subscription = messages.subscribe({ error: (error) => ends.push(error), complete: () => ends.push('complete') })
    },
  )
  return { drain: () => drain(), seek: (offset: number) => seek(offset), stop: () => subscription?.unsubscribe() }
}

describe('transaction', () => {
  it('shows what was sent and commits the offsets at the same time', () => {
    start()
    send('a', 'b')
    pass(50)
    expect([values('target'), committed()]).toEqual([['a', 'b'], 2])
    expect(kafka.commits).toHaveLength(1)
  })

  it('shows nothing before all of a transaction are settled', () => {
    start({}, holdingB(500))
    send('a', 'b', 'c')
    pass(400)
    expect([values('target'), committed()]).toEqual([[], undefined])
    pass(200)
    expect([values('target').sort(), committed()]).toEqual([['a', 'b', 'c'], 3])
  })

  it('takes `max` messages into one', () => {
    tx = transaction(kafka, 'tx', { max: 2 })
    start()
    send('a', 'b', 'c', 'd', 'e')
    pass(100)
    expect(kafka.commits.map(({ offsets }) => offsets[0]?.offset)).toEqual([2, 4, 5])
    expect(values('target')).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  it('takes none after `commitInterval`, so that it ends although more come', () => {
    start({ commitInterval: 200 }, (messages) => messages.pipe(mergeMap((m) => of(m).pipe(delay(50, clock)))))
    for (let i = 0; i < 100; i++) clock.schedule(() => send(`${i}`), 20 * i)
    pass(300)
    expect(values('target').length).toBeGreaterThan(8)
    pass(2000)
    expect(values('target')).toEqual(Array.from({ length: 100 }, (_, i) => `${i}`))
  })

  it('commits messages of which nothing is made, after `commitInterval`', () => {
    start({}, (messages) => messages.pipe(filterValue((value) => value > 'b')))
    send('a', 'b')
    pass(900)
    expect(committed()).toBeUndefined()
    pass(200)
    expect([values('target'), committed()]).toEqual([[], 2])
  })

  it('sends dead letters in it', () => {
    start({ onNack: deadLetter('failed') }, (messages) => messages.pipe(failing, slowly))
    send('a', 'b', 'c')
    pass(80)
    expect([values('failed'), values('target'), committed()]).toEqual([[], [], undefined])
    pass(100)
    expect([values('failed'), values('target'), committed()]).toEqual([['b'], ['a', 'c'], 3])
  })

  it('delivers the messages again of which a send fails, after a wait', () => {
    start()
    send('a', 'b')
    kafka.failSends(new TransientError('no leader'))
    pass(1000)
    expect([values('target'), committed()]).toEqual([['a', 'b'], 2])
    expect(told('trouble')).toMatchObject([{ error: { message: 'no leader' } }])
  })

  it('delivers them again when the commit fails, and not when only its answer is lost', () => {
    start()
    kafka.failCommits('retriable')
    send('a')
    pass(1000)
    kafka.loseAnswers()
    send('b')
    pass(1000)
    send('c')
    pass(1000)
    expect([values('target'), committed()]).toEqual([['a', 'b', 'c'], 3])
  })

  it('outlasts a broker that is away', () => {
    start({}, slowly)
    send('a', 'b')
    pass(50)
    kafka.down()
    pass(40_000)
    kafka.up()
    pass(40_000)
    expect([values('target'), committed()]).toEqual([['a', 'b'], 2])
  })

  it('begins anew when the broker has taken back what was open for too long', () => {
    tx = transaction(kafka, 'tx', { timeout: 5000 })
    let hold = 6000
    const holdingOnce = perMessage<string, string>((one) =>
      one.pipe(
        mergeMap((value) => {
          const wait = value === 'b' ? hold : 0
          if (value === 'b') hold = 0
          return of(value).pipe(delay(wait, clock))
        }),
      ),
    )
    start({}, holdingOnce)
    send('a', 'b')
    pass(60_000)
    expect([values('target').sort(), committed()]).toEqual([['a', 'b'], 2])
    expect(told('trouble')).toHaveLength(1)
  })

  it('counts deliveries over transactions that failed, so that tries come to an end', () => {
    tx = transaction(kafka, 'tx', { timeout: 5000 })
    const twice = retry({ attempts: 3, delay: 4000, jitter: 'none' }).then(deadLetter('failed'))
    start({ onNack: twice }, failing)
    send('a', 'b', 'c')
    pass(120_000)
    expect([values('failed'), values('target').sort(), committed()]).toEqual([['b'], ['a', 'c'], 3])
  })

  describe('lets nothing count any more that comes of a message', () => {
    /** Copies letters in transactions; the first `b` fails after 5 ms. */
    const copying = ({ topic, kafka }: Kit, drawing: string, options: Partial<SourceOptions> = {}) => {
      topic(target, '0:')
      const commit = transaction(kafka, 'copy')
      const signals: AbortSignal[] = []
      const letters = topic('letters', drawing, {}, { commit, ...options }).pipe(
        tap(({ signal }) => void signals.push(signal)),
        perMessage((one) =>
          one.pipe(mergeMap((name) => (name === 'b' && signals.length < 3 ? failAfter(5, 'no b') : of(name)))),
        ),
        sendTo(kafka, target, (name: string) => ({ key: null, value: name }), { transaction: commit }),
        ack(),
      )
      return { letters, signals }
    }
    const failAfter = (ms: number, text: string) => timer(ms).pipe(mergeMap(() => throwError(() => new Error(text))))

    it(
      'once its transaction has failed',
      kafkaTest((kit) => {
        const { letters, signals } = copying(kit, '0: (ab)')
        kit.kafka.failSends(new TransientError('no leader'))
        kit.expectOutput(letters).toBe('126ms (ab)')
        kit.expectLate('letters[0]: a----b')
        kit.flush()
        expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, false, false])
      }),
    )

    it(
      'once its transaction was taken back in a rebalance that did not wait for it',
      kafkaTest((kit) => {
        // The other member takes its time, and until then nobody knows who gets what.
        const drawing = `
          0: (ab)
          1: c
        `
        const { letters, signals } = copying(kit, drawing, { drainTimeout: 1 })
        const others = fromTopic(kit.kafka, topic('letters', json<string>()), { groupId: 'group' })
        kit.time.clock.schedule(() => kit.kafka.rebalance('group'), 2)
        kit.expectOutput(letters).toBe('a-------(ab)')
        kit.expectOutput(others.pipe(slow(8), ack())).toBe('--------c')
        kit.expectLate('letters[0]: -----b')
        kit.flush()
        expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, false, false])
      }),
    )
  })

  it('finishes what is in flight before a rebalance, and commits it', () => {
    start({}, slowly)
    send('a', 'b')
    pass(50)
    kafka.rebalance('g')
    pass(60)
    expect([values('target'), committed()]).toEqual([['a', 'b'], 2])
    pass(5000)
    expect(values('target')).toEqual(['a', 'b'])
  })

  it('takes back what a rebalance does not wait for, and delivers it again', () => {
    start({ drainTimeout: 200 }, holdingB(1000))
    send('a', 'b')
    pass(50)
    kafka.rebalance('g')
    pass(300)
    expect([values('target'), committed()]).toEqual([[], undefined])
    pass(5000)
    expect([values('target'), committed()]).toEqual([['a', 'b'], 2])
  })

  it('fences a member that was given up and does not know it', () => {
    start({}, slowly)
    send('a', 'b')
    pass(50)
    kafka.expel('g')
    pass(5000)
    expect([values('target'), committed()]).toEqual([['a', 'b'], 2])
    expect(told('lost')).toHaveLength(1)
  })

  it('commits what is settled when it is drained, and completes', () => {
    const { drain } = start({}, slowly)
    send('a', 'b')
    pass(50)
    drain()
    pass(200)
    expect([values('target'), committed(), ends]).toEqual([['a', 'b'], 2, ['complete']])
    expect(told('closed')).toMatchObject([{ unsettled: 0 }])
  })

  it('takes back what is unsettled when it is unsubscribed', () => {
    const { stop } = start({}, holdingB(1000))
    send('a', 'b')
    pass(50)
    stop()
    pass(100)
    expect([values('target'), committed(), told('trouble')]).toEqual([[], undefined, []])
    start()
    pass(100)
    expect([values('target'), committed()]).toEqual([['a', 'b'], 2])
  })

  it('commits none of a transaction in which a message stops the source', () => {
    start({}, failing)
    send('a', 'b')
    pass(500)
    expect([values('target'), committed()]).toEqual([[], undefined])
    expect(ends).toMatchObject([{ message: expect.stringContaining('source[0]@1: no b') }])
  })

  it('goes on where it is told, and keeps that over a failure', () => {
    const { seek } = start()
    send('a', 'b', 'c')
    pass(100)
    kafka.failCommits('retriable')
    seek(1)
    pass(5000)
    expect([values('target'), committed()]).toEqual([['a', 'b', 'c', 'b', 'c'], 3])
  })

  it('ends a bounded read when all is committed', () => {
    send('a', 'b', 'c')
    pass(1)
    kafka.failCommits('retriable', 2)
    start({ until: 3 })
    pass(5000)
    expect([values('target'), committed(), ends]).toEqual([['a', 'b', 'c'], 3, ['complete']])
  })

  describe('is refused', () => {
    const other = () => memoryBroker({ clock })

    it('of another broker than the source', () => {
      const commit = transaction(other(), 'tx')
      expect(() => fromTopic(kafka, source, { groupId: 'g', commit })).toThrow(
        'Expected `kafka` to be the broker of the transaction tx',
      )
    })

    it('of another broker than sendTo', () => {
      const options = { transaction: transaction(other(), 'tx') }
      expect(() => sendTo<string, string>(kafka, target, (value) => ({ key: null, value }), options)).toThrow(
        'Expected `kafka` to be the broker of the transaction tx',
      )
    })

    it('with keepAcks', () => {
      expect(() => fromTopic(kafka, source, { groupId: 'g', commit: tx, keepAcks: true })).toThrow('`keepAcks`')
    })

    it('in JavaScript, when it is none', () => {
      const commit = 'tx' as unknown as Transaction
      expect(() => fromTopic(kafka, source, { groupId: 'g', commit })).toThrow(
        'Expected `commit` to be a transaction: transaction(kafka, id), got `tx` (string)',
      )
    })

    const wrong: readonly [string, unknown[], string][] = [
      ['without an id', [''], 'Expected `id` to be a non-empty string'],
      ['with no messages', ['tx', { max: 0 }], 'Expected `max` to be an integer >= 1, got `0` (number)'],
      ['with no time', ['tx', { timeout: 0 }], 'Expected `timeout` to be a whole number of ms > 0, got `0` (number)'],
    ]
    it.each(wrong)('%s', (_, args, error) => {
      expect(() => transaction(kafka, ...(args as [string, object]))).toThrow(error)
    })

    const pipes = (commit: Transaction | undefined, transaction: Transaction | undefined) => {
      const options = transaction === undefined ? {} : { transaction }
      const all = commit === undefined ? {} : { commit }
      const to = sendTo<string, string>(kafka, target, (value) => ({ key: null, value }), options)
      fromTopic(kafka, source, { groupId: 'g', ...all })
        .pipe(to, ack())
        .subscribe({ error: (error) => ends.push(error) })
      send('a')
      pass(100)
      expect(ends).toMatchObject([expect.any(FatalError)])
      return (ends[0] as Error).message
    }

    it('in sendTo when the source has none', () => {
      expect(pipes(undefined, tx)).toContain('Expected the `transaction` of sendTo to be none, as the source has none')
    })

    it('in sendTo when the source has another', () => {
      expect(pipes(tx, transaction(kafka, 'other'))).toContain('to be that of the source, tx; got other')
    })

    it('when sendTo to the same broker lacks it', () => {
      expect(pipes(tx, undefined)).toContain('to be that of the source, tx; got none')
    })
  })

  it('lets sendTo write to another broker without one', () => {
    const elsewhere = memoryBroker({ clock, topics: { target: 1 } })
    const to = sendTo<string, string>(elsewhere, target, (value) => ({ key: null, value }))
    fromTopic(kafka, source, { groupId: 'g', commit: tx }).pipe(to, ack()).subscribe()
    send('a')
    pass(2000)
    expect([elsewhere.messages('target').length, committed()]).toEqual([1, 1])
  })
})
