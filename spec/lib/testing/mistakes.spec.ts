import { concatMap, delay, filter, mergeMap, type Observable, of, switchMap } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { ack } from '../../../lib/ack.ts'
import type { Message } from '../../../lib/message.ts'
import { perMessage } from '../../../lib/perMessage.ts'
import { type Kit, kafkaTest } from '../../../lib/testing/index.ts'
import { filterValue } from '../../../lib/values.ts'
import { failureOf, lines } from './failureOf.ts'

type Pipe = (source: Observable<Message<string>>) => Observable<unknown>

/** A server that answers after some ms. */
const server =
  (ms: number) =>
  <T>(value: T): Observable<T> =>
    of(value).pipe(delay(ms))

/** The right pipe passes a test, the wrong one fails it with a drawing. */
function expectCaught(test: (kit: Kit, pipe: Pipe) => void, right: Pipe, wrong: Pipe, drawing: string): void {
  kafkaTest((kit) => test(kit, right))()
  expect(failureOf(kafkaTest((kit) => test(kit, wrong)))).toBe(lines(drawing))
}

describe('kafkaTest catches', () => {
  it('a commit before the effect', () => {
    const right: Pipe = (source) => source.pipe(perMessage(mergeMap(server(3))), ack())
    const wrong: Pipe = (source) => source.pipe(ack(), mergeMap(server(3)))
    const test = ({ topic, expectOutput, expectAcks }: Kit, pipe: Pipe) => {
      expectOutput(pipe(topic('0: a---b'))).toBe('---a---b')
      expectAcks('0: ---a---b')
    }
    expectCaught(
      test,
      right,
      wrong,
      `
        Expected acks of topic[0]:

          topic[0]  a---b
          expected  ---a---b
          actual    a---b
                    ^ at 0 ms: expected nothing, got a (topic[0]@0)
      `,
    )
  })

  it('a plain filter, which holds the commit', () => {
    const right: Pipe = (source) =>
      source.pipe(
        filterValue((name) => name !== 'b'),
        ack(),
      )
    const wrong: Pipe = (source) =>
      source.pipe(
        filter(({ value }) => value !== 'b'),
        ack(),
      )
    const test = ({ topic, expectOutput, expectCommits }: Kit, pipe: Pipe) => {
      expectOutput(pipe(topic('0: a-b-c'))).toBe('a---c')
      expectCommits('0: 1 199ms 3')
    }
    expectCaught(
      test,
      right,
      wrong,
      `
        Expected commits of topic[0]:

          topic[0]  a-b-c
          expected  1---- 195ms 3
          actual    1
                                ^ at 200 ms: expected 3 (up to c, offset 2), got nothing

        Expected all messages to be settled at the end, got b (topic[0]@1): a plain filter, switchMap or take drops a message unacked (use filterValue, or perMessage around it); a promise needs kafkaTest.async; when it is meant, expectUnsettled says so
      `,
    )
  })

  it('a plain switchMap, which loses a message', () => {
    const right: Pipe = (source) => source.pipe(perMessage(switchMap(server(3)), { order: 'none' }), ack())
    const wrong: Pipe = (source) => source.pipe(switchMap(server(3)), ack())
    const test = ({ topic, expectOutput, expectAcks }: Kit, pipe: Pipe) => {
      expectOutput(pipe(topic('0: a-b'))).toBe('---a-b')
      expectAcks('0: ---a-b')
    }
    expectCaught(
      test,
      right,
      wrong,
      `
        Expected output:

          expected  ---a-b
          actual    -----b
                       ^ at 3 ms: expected a, got nothing

        Expected acks of topic[0]:

          topic[0]  a-b
          expected  ---a-b
          actual    -----b
                       ^ at 3 ms: expected a, got nothing

        Expected all messages to be settled at the end, got a (topic[0]@0): a plain filter, switchMap or take drops a message unacked (use filterValue, or perMessage around it); a promise needs kafkaTest.async; when it is meant, expectUnsettled says so
      `,
    )
  })

  it('the order of a key lost to a plain mergeMap', () => {
    const right: Pipe = (source) =>
      source.pipe(perMessage(mergeMap((value) => server(value === 'a' ? 5 : 2)(value))), ack())
    const wrong: Pipe = (source) =>
      source.pipe(
        mergeMap((message) => server(message.value === 'a' ? 5 : 2)(message)),
        ack(),
      )
    const test = ({ topic, expectOutput }: Kit, pipe: Pipe) => {
      expectOutput(pipe(topic('0: a-b', {}, { key: () => 'k' }))).toBe('-----a-b')
    }
    expectCaught(
      test,
      right,
      wrong,
      `
        Expected output:

          expected  -----a-b
          actual    ----ba
                        ^ at 4 ms: expected nothing, got b ('b')
      `,
    )
  })

  it('an ack after the partition was revoked', () => {
    const pipeOf =
      (ms: number): Pipe =>
      (source) =>
        source.pipe(
          mergeMap((message) => server(message.value === 'b' ? ms : 1)(message)),
          ack(),
        )
    const test = ({ topic, expectOutput, expectAcks, expectLate }: Kit, pipe: Pipe) => {
      const source = topic(
        `
          0:   ab
          ctl: --R
        `,
        {},
        { drainTimeout: 5 },
      )
      expectOutput(pipe(source))
      expectAcks('0: -a---b')
      expectLate('0:')
    }
    expectCaught(
      test,
      pipeOf(4),
      pipeOf(9),
      `
        Expected acks of topic[0]:

          topic[0]  ab
          ctl       --R
          expected  -a---b
          actual    -a
                         ^ at 5 ms: expected b, got nothing

        Expected late settlements of topic[0]:

          topic[0]  ab
          ctl       --R
          expected  -
          actual    ----------b
                              ^ at 10 ms: expected nothing, got b (topic[0]@1)
      `,
    )
  })

  it('a buffer without bounds, behind acks that come too early', () => {
    const right: Pipe = (source) => source.pipe(perMessage(concatMap(server(3))), ack())
    const wrong: Pipe = (source) => source.pipe(ack(), concatMap(server(3)))
    const test = ({ topic, expectOutput, expectPaused }: Kit, pipe: Pipe) => {
      expectOutput(pipe(topic('0: (abcd)', {}, { maxInFlight: 2 })))
      expectPaused('0: p--r')
    }
    expectCaught(
      test,
      right,
      wrong,
      `
        Expected pauses of topic[0]:

          topic[0]  (abcd)
          expected  p-----r
          actual    -
                    ^ at 0 ms: expected p, got nothing
          (drawn late, behind a group: what is at 3 ms)
      `,
    )
  })
})
