import { bufferCount, delay, filter, ignoreElements, interval, Observable, of, repeat, tap } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { ack } from '../../../lib/ack.ts'
import type { Message } from '../../../lib/message.ts'
import { kafkaTest } from '../../../lib/testing/kafkaTest.ts'
import { slow } from '../../support/slow.ts'
import { failureOf } from './failureOf.ts'

describe('the end of kafkaTest', () => {
  it('finds messages that were delivered and never settled, and says how that comes', () => {
    const test = kafkaTest(({ topic, expectOutput }) => {
      const source = topic('0: a-b-c')
      expectOutput(
        source.pipe(
          filter(({ value }) => value !== 'b'),
          ack(),
        ),
      ).toBe('a---c')
    })
    expect(failureOf(test)).toBe(
      'Expected all messages to be settled at the end, got b (topic[0]@1): a plain filter, switchMap or take drops a message unacked (use filterValue, or perMessage around it); a promise needs kafkaTest.async; when it is meant, expectUnsettled says so',
    )
  })

  it(
    'lets a test say so',
    kafkaTest(({ topic, expectOutput, expectUnsettled }) => {
      const source = topic('0: a-b-c')
      expectOutput(
        source.pipe(
          filter(({ value }) => value !== 'b'),
          ack(),
        ),
      ).toBe('a---c')
      expectUnsettled('0: b')
    }),
  )

  it('finds that a message was settled of which the test says that it is not', () => {
    const test = kafkaTest(({ topic, expectOutput, expectUnsettled }) => {
      expectOutput(topic('0: a').pipe(ack()))
      expectUnsettled('0: a')
    })
    expect(failureOf(test)).toBe('Expected topic[0]@0 to be unsettled at the end: it was settled, or never delivered')
  })

  it('finds a consumer that does not leave', () => {
    const test = kafkaTest(({ topic }) => {
      topic('0: a').pipe(ack(), repeat()).subscribe()
    })
    expect(failureOf(test)).toContain('Expected all consumers to leave at the end, got one in group group')
  })

  it('finds timers that were set and not cancelled', () => {
    const test = kafkaTest(
      ({ time, expectOutput }) => {
        const forgetful = new Observable<number>((out) => {
          time.clock.schedule(() => out.next(1), 500)
          time.clock.schedule(() => out.next(1), 7000)
        })
        expectOutput(forgetful)
      },
      { until: 100 },
    )
    expect(failureOf(test)).toBe(
      'Expected no timers to be left at the end, got 2, due at 500, 7000 ms: whoever set them has to cancel them when it is unsubscribed',
    )
  })

  it('finds a pipe that errors, when nobody looks at its output', () => {
    const test = kafkaTest(({ topic, expectOutput }) => {
      expectOutput(
        topic('0: a').pipe(
          slow(() => Number('x').toFixed(1000) as never),
          ack(),
        ),
      )
    })
    expect(failureOf(test)).toContain('Expected no error of a pipe, got MessageError: Cannot process topic[0]@0')
  })

  it(
    'empties what a pipe has buffered, as a drain does',
    kafkaTest(({ topic, expectOutput, expectAcks }) => {
      const ackAll = tap((messages: readonly Message<string>[]) => {
        for (const message of messages) message.ack()
      })
      expectOutput(topic('0: a-b').pipe(bufferCount(3), ackAll)).toBe('')
      expectAcks('0:')
    }),
  )

  it('finds what goes on for ever, and says how to end it', () => {
    const test = kafkaTest(({ expectOutput }) => expectOutput(interval(60_000).pipe(ignoreElements())).toBe(''))
    expect(failureOf(test)).toBe(
      'Expected the test to come to rest, got something that still goes on after a day of virtual time: say when it ends, kafkaTest(test, { until: ms })',
    )
  })

  it('finds a loop that lets no time go by', () => {
    const test = kafkaTest(({ time, expectOutput }) => {
      expectOutput(of(1).pipe(delay(0, time.clock), repeat(), ignoreElements()))
    })
    expect(test).toThrow('Expected 0 ms to end, got 10000 actions at that instant: a loop')
  })

  it('refuses a test that returns a promise, and says what takes one', () => {
    const test = kafkaTest((async () => {}) as () => void)
    expect(failureOf(test)).toBe(
      'Expected a test that returns nothing, got a promise; a test that awaits needs kafkaTest.async',
    )
  })
})
