import { concatMap, delay, EMPTY, merge, type OperatorFunction, of, takeUntil } from 'rxjs'
import { describe, it } from 'vitest'
import { ack } from '../../lib/ack.ts'
import type { Message } from '../../lib/message.ts'
import type { BatchOptions, RequestOptions } from '../../lib/operatorOptions.ts'
import type { Scripted } from '../../lib/testing/fakes/scripted.ts'
import { kafkaTest } from '../../lib/testing/kafkaTest.ts'
import type { Kit } from '../../lib/testing/kit.ts'

/** What the messages of the suite hold: the name that the fake knows their request by. */
export interface Item {
  readonly id: string
  readonly key: string
}

/** How an operator is brought under the suite. */
export interface OperatorHarness {
  /** The fake server that it asks. */
  server(kit: Kit): Scripted<unknown>
  /** The operator; it asks for what `idOf` gives, and passes the value on as it came. */
  operator(
    kit: Kit,
    idOf: (item: Item) => string,
    options: RequestOptions & { readonly batch?: BatchOptions },
  ): OperatorFunction<Message<Item>, Message<Item>>
  /** Whether a request may hold several messages. */
  readonly isBatched: boolean
  /** Whether `idOf` is called; else the operator asks for the value's own id. @default true */
  readonly hasSelector?: boolean
  /** Whether a fatal failure ends the stream at once; else what is under way settles first. @default true */
  readonly endsAtOnce?: boolean
}

const item = (id: string, key = id): Item => ({ id, key })
const items = { a: item('a'), b: item('b'), c: item('c'), d: item('d') }
const ofAnn = { a: item('a', 'ann'), b: item('b', 'ann'), c: item('c') }
const byKey = { key: ({ key }: Item) => key }
const idOf = ({ id }: Item) => id
const retry = { delay: 4, jitter: 'none' } as const

/**
 * Brings what came at once on, one a ms, after the source went quiet: here only size, time and a drain send a batch.
 */
const oneByOne = concatMap((message: Message<Item>) => of(message).pipe(delay(1)))

/** What every operator that asks a server owes its messages, whatever the server. */
export function operatorSuite(
  name: string,
  { server, operator, isBatched, hasSelector = true, endsAtOnce = true }: OperatorHarness,
): void {
  const single = isBatched ? { retry, batch: { max: 1 } } : { retry }

  describe(`${name} as an operator`, () => {
    it(
      'passes each message on after its reply, and not before',
      kafkaTest((kit) => {
        const messages = kit.topic('0: a---b', items, byKey)
        server(kit).takes(2)
        kit.expectOutput(messages.pipe(operator(kit, idOf, single), ack())).toBe('--a---b')
        kit.expectAcks('0: --a---b')
      }),
    )

    it(
      'keeps the order of a key, while other keys go on',
      kafkaTest((kit) => {
        const messages = kit.topic('0: abc', ofAnn, byKey)
        server(kit).replies({ a: '-----(r|)', '*': '-(r|)' })
        kit.expectOutput(messages.pipe(operator(kit, idOf, single), ack())).toBe('---c-ab')
        kit.expectCalls(server(kit)).toBe('a-c--b')
      }),
    )

    it(
      'has no more than `concurrency` requests under way',
      kafkaTest((kit) => {
        const messages = kit.topic('0: abcd', items, byKey)
        server(kit).takes(5)
        kit.expectOutput(messages.pipe(operator(kit, idOf, { ...single, concurrency: 2 }), ack())).toBe('-----ab---cd')
        kit.expectCalls(server(kit)).toBe('ab---cd')
      }),
    )

    it(
      'commits nothing behind a message that waits for its reply',
      kafkaTest((kit) => {
        const messages = kit.topic('0: ab', items, byKey)
        server(kit).replies({ a: '-----(r|)', '*': '-(r|)' })
        kit.expectOutput(messages.pipe(operator(kit, idOf, single), ack())).toBe('--b--a')
        kit.expectCommittable('0: -----2')
      }),
    )

    it(
      'completes with an empty source',
      kafkaTest((kit) => {
        kit.expectOutput(EMPTY.pipe(operator(kit, idOf, single), ack())).toBe('|')
        kit.expectCalls(server(kit)).toBe('')
      }),
    )

    it(
      'ends with the error of its source, and acks nothing that is under way',
      kafkaTest((kit) => {
        const messages = kit.topic('0: a', items, byKey)
        const failing = merge(messages, kit.cold<never>('--#', {}, new Error('boom')))
        server(kit).takes(5)
        kit.expectOutput(failing.pipe(operator(kit, idOf, single), ack())).toBe('--#', {}, 'boom')
        kit.expectAcks('')
        kit.expectNacks('0: --a')
        kit.expectCommits('')
      }),
    )

    it(
      'tries again after a transient failure, and holds the key meanwhile',
      kafkaTest((kit) => {
        const messages = kit.topic('0: abc', ofAnn, byKey)
        server(kit).replies({ a: ['-#', '-(r|)'], '*': '-(r|)' })
        kit.expectOutput(messages.pipe(operator(kit, idOf, single), ack())).toBe('---c--ab')
        kit.expectCalls(server(kit)).toBe('a-c--ab')
      }),
    )

    it(
      'nacks a message after a permanent failure, once, and goes on with the next of its key',
      kafkaTest((kit) => {
        const messages = kit.topic('0: ab', { a: item('a', 'ann'), b: item('b', 'ann') }, { ...byKey, onNack: 'skip' })
        server(kit).replies({ a: '--#', '*': '-(r|)' }, { '#': server(kit).errors.permanent })
        kit.expectOutput(messages.pipe(operator(kit, idOf, single), ack())).toBe('---b')
        kit.expectCalls(server(kit)).toBe('a-b')
        kit.expectNacks('0: --a')
        kit.expectAcks(' 0: ---b')
      }),
    )

    it(
      'ends the stream after a fatal failure, though nacked messages are skipped: nothing of it is committed',
      kafkaTest((kit) => {
        const [output, acks] = endsAtOnce ? ['--#', ''] : ['------(b#)', '0: ------b']
        const messages = kit.topic('0: ab', items, { ...byKey, onNack: 'skip' })
        server(kit).replies({ a: '--#', '*': '-----(r|)' }, { '#': server(kit).errors.fatal })
        kit.expectOutput(messages.pipe(operator(kit, idOf, single), ack())).toBe(output)
        kit.expectAcks(acks)
        kit.expectCommits('')
      }),
    )

    it(
      'abandons what is under way when it is unsubscribed',
      kafkaTest((kit) => {
        const messages = kit.topic('0: a--b', items, byKey)
        server(kit).takes(2)
        const result = messages.pipe(operator(kit, idOf, single), ack(), takeUntil(kit.cold('----x')))
        kit.expectOutput(result).toBe('--a-|')
        kit.expectAcks(' 0: --a')
        kit.expectNacks('0: ----b')
      }),
    )

    it(
      'settles what is under way before a revoked partition goes',
      kafkaTest((kit) => {
        const messages = kit.topic(
          `
            0:   ab
            ctl: --R
          `,
          items,
          byKey,
        )
        server(kit).takes(4)
        kit.expectOutput(messages.pipe(operator(kit, idOf, single), ack())).toBe('----ab')
        kit.expectCommits('0: -----2')
      }),
    )

    it(
      'settles and commits what is under way in a drain',
      kafkaTest((kit) => {
        const messages = kit.topic(
          `
            0:   ab-c
            ctl: --S
          `,
          items,
          byKey,
        )
        server(kit).takes(4)
        kit.expectOutput(messages.pipe(operator(kit, idOf, single), ack())).toBe('----a(b|)')
        kit.expectCommits('0: -----2')
      }),
    )

    it(
      'asks again after a crash before the ack, and commits once',
      kafkaTest((kit) => {
        const messages = kit.topic(
          `
            0:   a
            ctl: -X
          `,
          items,
          byKey,
        )
        server(kit).takes(2)
        kit.expectOutput(messages.pipe(operator(kit, idOf, single), ack())).toBe('---a')
        kit.expectCalls(server(kit)).toBe('aa')
        kit.expectRedeliveries('0: -a')
        kit.expectCommits('     0: ---1')
      }),
    )

    if (hasSelector) selectorCases(server, operator)
    if (isBatched) batchCases(server, operator)
  })
}

/** What operators owe besides that ask for what a selector gives. */
function selectorCases(server: OperatorHarness['server'], operator: OperatorHarness['operator']): void {
  it(
    'nacks a message for which its selector throws, and asks nothing',
    kafkaTest((kit) => {
      const messages = kit.topic('0: a-b', items, { ...byKey, onNack: 'skip' })
      const select = (value: Item) => {
        if (value.id === 'a') throw new Error('boom')
        return value.id
      }
      kit.expectOutput(messages.pipe(operator(kit, select, { retry }), ack())).toBe('--b')
      kit.expectCalls(server(kit)).toBe('--b')
      kit.expectNacks('0: a', { a: 'boom' })
    }),
  )
}

/** What operators owe besides whose requests hold several messages. */
function batchCases(server: OperatorHarness['server'], operator: OperatorHarness['operator']): void {
  it(
    'sends what came at once in one request, as soon as the source is quiet',
    kafkaTest((kit) => {
      const messages = kit.topic('0: (abc)', items, byKey)
      const options = { concurrency: 1, batch: { max: 9, wait: 50 } }
      server(kit).takes(2)
      kit.expectOutput(messages.pipe(operator(kit, idOf, options), ack())).toBe('--(abc)')
      kit.expectCalls(server(kit)).toBe('(abc)')
    }),
  )

  it(
    'sends a batch as soon as it is full',
    kafkaTest((kit) => {
      const messages = kit.topic('0: (ab)', items, byKey)
      const batches = operator(kit, idOf, { batch: { max: 2, wait: 9 } })
      kit.expectOutput(messages.pipe(oneByOne, batches, ack())).toBe('--(ab)')
      kit.expectCalls(server(kit)).toBe('--(ab)')
    }),
  )

  it(
    'sends a batch that is not full once its first message has waited',
    kafkaTest((kit) => {
      const messages = kit.topic('0: (ab)', items, byKey)
      const batches = operator(kit, idOf, { batch: { max: 9, wait: 3 } })
      kit.expectOutput(messages.pipe(oneByOne, batches, ack())).toBe('----(ab)')
      kit.expectCalls(server(kit)).toBe('----(ab)')
    }),
  )

  it(
    'sends a batch that is not full when the source drains',
    kafkaTest((kit) => {
      const messages = kit.topic(
        `
          0:   (ab)
          ctl: ---S
        `,
        items,
        byKey,
      )
      const batches = operator(kit, idOf, { batch: { max: 9, wait: 50 } })
      kit.expectOutput(messages.pipe(oneByOne, batches, ack())).toBe('---(ab|)')
      kit.expectCalls(server(kit)).toBe('---(ab)')
      kit.expectCommits('0: ---2')
    }),
  )
}
