import { concatMap, delay, filter, type Observable, type OperatorFunction, of } from 'rxjs'
import type { TestScheduler } from 'rxjs/testing'
import { beforeEach, describe, expect, it } from 'vitest'
import { ack } from '../../lib/ack.ts'
import { json } from '../../lib/codec.ts'
import type { SourceEvent } from '../../lib/events.ts'
import { fromTopic } from '../../lib/fromTopic.ts'
import type { Member } from '../../lib/members.ts'
import { isMessage, type Message } from '../../lib/message.ts'
import { perMessage } from '../../lib/perMessage.ts'
import type { SourceOptions } from '../../lib/sourceOptions.ts'
import { topic } from '../../lib/topic.ts'
import { collectGarbage } from '../support/collectGarbage.ts'
import { HandBroker } from '../support/handBroker.ts'
import { HandServer } from '../support/handServer.ts'
import { advance, virtualTime } from '../support/virtualTime.ts'

type Numbers = Message<number>

const numbers = topic('numbers', json<number>())
const asTheyAre: OperatorFunction<Numbers, unknown> = (messages) => messages

let clock: TestScheduler
let kafka: HandBroker
let member: Member
let stop: () => void
let events: SourceEvent[]
let ends: unknown[]
let open: Numbers[]
/** The offsets of all that was delivered. */
let seen: unknown[]

beforeEach(() => {
  clock = virtualTime()
  kafka = new HandBroker(clock)
  events = []
  ends = []
  open = []
  seen = []
})

const pass = (ms: number) => advance(clock, clock.now() + ms)
/** Lets time pass, and takes each commit. */
const passCommitting = (ms: number) => {
  for (let left = ms; left > 0; left -= 100) {
    pass(100)
    kafka.answerCommit()
  }
}
const told = (type: SourceEvent['type']) => events.filter((event) => event.type === type)
const ackAll = () => {
  for (const message of open.splice(0)) message.ack()
}

/** Reads through a pipe; the messages that come out are kept in `open`. */
function start(options: Partial<SourceOptions> = {}, pipe = asTheyAre, onNext = () => {}): void {
  const source: Observable<unknown> = fromTopic(kafka, numbers, { groupId: 'group', ...options }).pipe(pipe)
  const take = (joined: Member) => {
    member = joined
    joined.listen((event) => events.push(event))
  }
  kafka.members.claim(take, () => {
    const subscription = source.subscribe({
      next: (value) => {
        if (isMessage(value)) open.push(value as Numbers)
        seen.push(isMessage(value) ? value.offset : value)
        onNext()
      },
      error: (error) => ends.push(error),
      complete: () => ends.push('complete'),
    })
    stop = () => subscription.unsubscribe()
  })
}

describe('an order at the source', () => {
  it('takes a message whose turn came in a pause for no stuck one', () => {
    start({ order: 'partition', onStuck: 'nack', onNack: 'skip' })
    kafka.assign()
    kafka.deliver(0, 2)
    member.pause()
    ackAll()
    pass(100_000)
    expect(told('stuck')).toEqual([])
    member.resume()
    pass(0)
    expect(seen).toEqual([0, 1])
    ackAll()
    expect(member.health().partitions[0]?.low).toBe(2)
  })

  it('has a bounded read wait for messages whose turn has not come', () => {
    start({ until: 5, order: 'partition', drainTimeout: 5000 }, perMessage(delay(3000, clock)))
    kafka.assign()
    kafka.deliver(0, 6)
    for (let i = 0; i < 5; i++) {
      expect(ends).toEqual([])
      pass(3000)
      ackAll()
    }
    pass(10_000)
    expect([seen, ends]).toEqual([[0, 1, 2, 3, 4], ['complete']])
  })
})

describe('a bounded read', () => {
  it('waits for what an operator works on, however long the whole takes', () => {
    start({ until: 4, drainTimeout: 5000 }, (messages) =>
      messages.pipe(perMessage(delay(4000, clock), { concurrency: 1 }), ack()),
    )
    kafka.assign()
    kafka.deliver(0, 5)
    passCommitting(15_900)
    expect([seen, kafka.calls.includes('leave')]).toEqual([[0, 1, 2], false])
    passCommitting(2000)
    expect([seen, kafka.calls.includes('leave')]).toEqual([[0, 1, 2, 3], true])
  })

  it('waits for work of a chain of the user, as long as it goes on', () => {
    start({ until: 4, drainTimeout: 5000 }, (messages) =>
      messages.pipe(
        concatMap((message) => of(message).pipe(delay(4000, clock))),
        ack(),
      ),
    )
    kafka.assign()
    kafka.deliver(0, 5)
    passCommitting(15_900)
    expect([seen, kafka.calls.includes('leave')]).toEqual([[0, 1, 2], false])
    passCommitting(2000)
    expect([seen, kafka.calls.includes('leave')]).toEqual([[0, 1, 2, 3], true])
  })

  it('leaves no timer when an operator never lets go', () => {
    start({ until: 2, drainTimeout: 5000, maxProcessing: 1000 }, perMessage(delay(1e12, clock)))
    kafka.assign()
    kafka.deliver(0, 2)
    pass(1_000_000)
    expect(clock.actions).toHaveLength(2)
  })

  it('counts what was given up with a membership as not read', () => {
    start({ until: 2 })
    kafka.assign()
    kafka.deliver(0, 3)
    open.pop()?.ack()
    kafka.lose()
    kafka.assign()
    expect(ends).toEqual([])
    kafka.deliver(0, 3)
    expect(seen).toEqual([0, 1, 0])
    ackAll()
    pass(0)
    expect(ends).toEqual(['complete'])
  })
})

describe('a leak', () => {
  it('is told once where it is only told', async () => {
    start(
      { onLeak: 'warn' },
      filter((message) => message.value > 0),
    )
    kafka.assign()
    kafka.deliver(0, 2)
    pass(2100)
    await collectGarbage(() => told('leaked').length > 0)
    await collectGarbage()
    await collectGarbage()
    expect(told('leaked')).toHaveLength(1)
    expect(member.health().leaked).toBe(1)
  })
})

describe('a pause', () => {
  it('from within a delivery holds back what is behind it', () => {
    start({}, asTheyAre, () => member.pause())
    kafka.assign()
    kafka.deliver(0, 5)
    expect(seen).toEqual([0])
    member.resume()
    pass(0)
    expect(seen).toEqual([0, 1])
  })

  it('from within a delivery holds back those whose turn it is', () => {
    start(
      { order: 'partition' },
      (messages) => messages.pipe(ack()),
      () => member.pause(),
    )
    kafka.assign()
    kafka.deliver(0, 5)
    expect(seen).toEqual([0])
    member.resume()
    pass(0)
    expect(seen).toEqual([0, 1])
  })
})

describe('a drain', () => {
  it('asked for by the news of an assignment has nothing tried again', () => {
    const server = new HandServer()
    start({ drainTimeout: 5000 }, server.operator())
    kafka.assign()
    kafka.deliver(0, 1)
    kafka.revoke()
    member.listen((event) => event.type === 'assigned' && member.drain())
    pass(5000)
    kafka.assign()
    server.fail()
    expect(kafka.calls).toContain('leave')
  })

  it('waits for what is worked on, although a message that was nacked as stuck is still with its operator', () => {
    const server = new HandServer()
    start(
      { maxProcessing: 10_000, onStuck: 'nack', onNack: 'skip' },
      server.operator({ retry: { delay: 50_000, factor: 1, jitter: 'none' } }),
    )
    kafka.assign()
    kafka.deliver(0, 1)
    pass(12_000)
    expect(told('nacked')).toHaveLength(1)
    server.fail()
    kafka.deliver(1, 1)
    member.drain()
    kafka.answerCommit()
    expect(kafka.calls).not.toContain('leave')
    server.answer()
    ackAll()
    kafka.answerCommit()
    expect(kafka.calls).toContain('commit 0@2')
    expect(kafka.calls).toContain('leave')
  })

  it('commits also when the answer that it waits for was of a lost membership, and is no', () => {
    start()
    kafka.assign()
    kafka.deliver(0, 1)
    ackAll()
    pass(1000)
    kafka.lose()
    kafka.assign()
    kafka.deliver(0, 1)
    ackAll()
    member.drain()
    kafka.answerCommit('fenced')
    kafka.answerCommit()
    expect(kafka.calls).toEqual(['commit 0@1', 'commit 0@1', 'leave'])
  })
})

describe('an unsubscription', () => {
  it('tells how many messages it gave up', () => {
    start()
    kafka.assign()
    kafka.deliver(0, 3)
    open[0]?.ack()
    stop()
    kafka.answerCommit()
    kafka.answerLeave()
    expect(told('closed')).toMatchObject([{ unsettled: 2, workedOn: 0, failure: null }])
  })
})

describe('a seek', () => {
  it('back is committed again when the answer was lost, though the group had stood where it stands then', () => {
    start()
    kafka.assign(1)
    member.seek({ topic: 'numbers', partition: 0, offset: 0 })
    kafka.deliver(0, 1)
    ackAll()
    kafka.answerCommit('retriable')
    pass(1000)
    expect(kafka.calls).toEqual(['seek 0@0', 'commit 0@0', 'commit 0@1'])
  })

  it('to where the group stands is committed when a commit of the old place had no answer', () => {
    start()
    kafka.assign(0)
    kafka.deliver(0, 1)
    ackAll()
    pass(1000)
    member.seek({ topic: 'numbers', partition: 0, offset: 0 })
    kafka.answerCommit('retriable')
    pass(1000)
    expect(kafka.calls).toEqual(['commit 0@1', 'seek 0@0', 'commit 0@0'])
  })

  it('to where the group stands commits that nothing behind is acked any more', () => {
    start({ keepAcks: true })
    kafka.assign()
    kafka.deliver(0, 3)
    open[1]?.ack()
    pass(1000)
    kafka.answerCommit()
    member.seek({ topic: 'numbers', partition: 0, offset: 0 })
    pass(1000)
    expect(kafka.commits.map(({ offsets }) => offsets)).toEqual([[{ topic: 'numbers', partition: 0, offset: 0 }]])
  })
})
