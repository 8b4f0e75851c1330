import { scan } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { ack } from '../../../lib/ack.ts'
import { json } from '../../../lib/codec.ts'
import { fromTopic } from '../../../lib/fromTopic.ts'
import { kafkaTest } from '../../../lib/testing/kafkaTest.ts'
import { topic as topicOf } from '../../../lib/topic.ts'
import { slow } from '../../support/slow.ts'
import { failureOf, lines } from './failureOf.ts'

describe('the control lane', () => {
  it(
    'X crashes: what is not committed is delivered again, and no late ack of the dead process counts',
    kafkaTest(({ topic, expectOutput, expectAcks, expectCommits }) => {
      const source = topic(`
        0:   a-b
        ctl: ---X
      `)
      expectOutput(source.pipe(slow(2), ack())).toBe('--a--b')
      expectAcks('   0: --a--b')
      expectCommits('0: --1--2')
    }),
  )

  it(
    'X loses what was acked and not committed',
    kafkaTest(({ topic, kafka, expectOutput, expectAcks, expectCommits, flush }) => {
      const source = topic(`
        0:   a-b
        ctl: ---- 30ms X
      `)
      expectOutput(source.pipe(slow(1), ack())).toBe('-a-b 31ms b')
      expectAcks('   0: -a-b 31ms b')
      expectCommits('0: -1-- 31ms 2')
      flush()
      expect(kafka.commits.map(({ error }) => error)).toEqual([null, null])
    }),
  )

  it('X makes a pipe anew that is given as a function, with a state of its own', () => {
    const test = (isFunction: boolean) =>
      kafkaTest(({ topic, kafka, expectOutput }) => {
        const letters = topicOf('letters', json<string>())
        topic(
          letters,
          `
            0:   a-b
            ctl: -X
          `,
        )
        const made = () => {
          let count = 0
          return fromTopic(kafka, letters, { groupId: 'g' }).pipe(ack(), (values) =>
            values.pipe(scan(() => ++count, 0)),
          )
        }
        expectOutput(isFunction ? made : made()).toBe(isFunction ? 'x-x' : 'x-y', { x: 1, y: 2 })
      })
    test(true)()
    test(false)()
  })

  it(
    'S drains: what is in flight settles and commits, then the pipe completes',
    kafkaTest(({ topic, expectOutput, expectCommits }) => {
      const source = topic(`
        0:   ab-c
        ctl: --S
      `)
      expectOutput(source.pipe(slow(4), ack())).toBe('----a(b|)')
      expectCommits('0: -----2')
    }),
  )

  it(
    'R revokes, after what is in flight has settled and committed; A assigns again',
    kafkaTest(({ topic, expectOutput, expectCommits }) => {
      const source = topic(`
        0:   a-b-c
        ctl: ---R 10ms A
      `)
      expectOutput(source.pipe(slow(2), ack())).toBe('--a-b--- 8ms c')
      expectCommits('0: --1-2 199ms 3')
    }),
  )

  it(
    'L loses: what is in flight is fenced, and delivered again by A',
    kafkaTest(({ topic, expectOutput, expectAcks, expectCommits }) => {
      const source = topic(`
        0:   a-b
        ctl: ---L--A
      `)
      expectOutput(source.pipe(slow(2), ack())).toBe('--a-b---b')
      expectAcks('   0: --a-----b')
      expectCommits('0: --1 199ms 2')
    }),
  )

  it(
    'P takes the broker away, B brings it back',
    kafkaTest(({ topic, expectOutput, expectCommits }) => {
      const source = topic(`
        0:   a--b
        ctl: -P---B
      `)
      expectOutput(source.pipe(slow(2), ack())).toBe('--a----b')
      expectCommits('0: ----- 197ms 2')
    }),
  )

  it('refuses what has no meaning there', () => {
    const test = kafkaTest(({ topic }) => {
      topic(`
        0:   a
        ctl: Z
      `)
    })
    expect(test).toThrow('Expected `ctl` to be marbles of X S P B R L A, got `Z` (string)')
  })

  describe('of one partition', () => {
    it(
      'R revokes it: all that is in flight settles and commits, then the others go on; A assigns it again',
      kafkaTest(({ topic, expectOutput, expectCommits, expectRedeliveries, expectState }) => {
        const source = topic(`
          0:      a--c
          1:      -x-y
          ctl[1]: --R 10ms A
        `)
        expectOutput(source.pipe(slow(4), ack())).toBe('----ax---c-------y')
        expectCommits(`
          0: -----1-------2
          1: -----1------- 200ms 2
        `)
        expectRedeliveries('')
        expectState('r-b--r-------(br)')
      }),
    )

    it(
      'L loses it: the reader is expelled, so the others are delivered again at once, and it at A',
      kafkaTest(({ topic, expectCommits, expectLate, expectOutput, expectRedeliveries }) => {
        const source = topic(`
          0:      a
          1:      -x
          ctl[1]: --L 10ms A
        `)
        expectOutput(source.pipe(slow(4), ack())).toBe('----axa----------x')
        expectLate(`
          0: ----a
          1: -----x
        `)
        expectRedeliveries(`
          0: --a
          1: --- 10ms x
        `)
        expectCommits(`
          0: ------1
          1: ------ 200ms 1
        `)
      }),
    )

    it(
      'goes its own way in each lane',
      kafkaTest(({ topic, expectOutput }) => {
        const source = topic(`
          0:      ----a
          1:      ----b
          2:      ----c
          ctl[0]: -R----A
          ctl[1]: --R------A
        `)
        expectOutput(source.pipe(slow(1), ack())).toBe('-----c-a--b')
      }),
    )

    it(
      'A of all gives back also what a lane of its own took',
      kafkaTest(({ topic, expectOutput }) => {
        const source = topic(`
          0:      --a
          1:      --b
          ctl[0]: -R
          ctl:    -----A
        `)
        expectOutput(source.pipe(slow(1), ack())).toBe('---b--a')
      }),
    )

    it('is drawn with the lanes of its topic', () => {
      const test = kafkaTest(({ topic, expectOutput, expectAcks }) => {
        const source = topic(`
          0:      --a
          ctl[0]: -R--A
        `)
        expectOutput(source.pipe(ack()))
        expectAcks('0: --a')
      })
      expect(failureOf(test)).toBe(
        lines(`
          Expected acks of topic[0]:

            topic[0]  --a
            ctl[0]    -R--A
            expected  --a
            actual    ----a
                        ^ at 2 ms: expected a, got nothing
        `),
      )
    })

    it('refuses what happens to the whole process', () => {
      const test = kafkaTest(({ topic }) => {
        topic(`
          0:      a
          ctl[0]: X
        `)
      })
      expect(test).toThrow('Expected `ctl[0]` to be marbles of R L A, got `X` (string)')
    })
  })
})
