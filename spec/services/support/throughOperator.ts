import { from, type OperatorFunction } from 'rxjs'
import { systemClock } from '../../../lib/clock.ts'
import { messageOf } from '../../../lib/errors.ts'
import { Holders } from '../../../lib/holders.ts'
import { Message, type Origin, type Token } from '../../../lib/message.ts'

/** What became of values that went through an operator as messages, in real time. */
export interface Settled<B> {
  /** What was passed on, and then acked. */
  readonly values: B[]
  /** Places of the messages that were acked, in the order of settling. */
  readonly acked: number[]
  /** The errors of those that were nacked, by place. */
  readonly nacked: Map<number, unknown>
  readonly abandoned: number[]
  /** What the stream errored with. */
  readonly error: Error | undefined
}

/** Sends values through an operator, all at once, as messages of one partition without keys, and waits for its end. */
export function throughOperator<A, B>(
  values: readonly A[],
  operator: OperatorFunction<Message<A>, Message<B>>,
  tell: (event: string) => void = () => {},
): Promise<Settled<B>> {
  const settled = {
    values: [] as B[],
    acked: [] as number[],
    nacked: new Map<number, unknown>(),
    abandoned: [] as number[],
  }
  const token: Token = {
    origin,
    settle: (slot, verdict, error) => {
      tell(`${slot} ${verdict}${error === undefined ? '' : `: ${messageOf(error)}`}`)
      if (verdict === 'nacked') settled.nacked.set(slot, error)
      else settled[verdict].push(slot)
    },
    idOf: (slot) => `topic-0-${slot}`,
    attemptOf: () => 1,
    rootOf: (slot) => slot,
  }
  const messages = values.map(
    (value, offset) => new Message(value, { offset, timestamp: 0, key: null, value: null, headers: {} }, token, offset),
  )
  return new Promise((resolve) => {
    from(messages)
      .pipe(operator)
      .subscribe({
        next: (message) => {
          settled.values.push(message.value)
          message.ack()
        },
        error: (error: Error) => resolve({ ...settled, error }),
        complete: () => resolve({ ...settled, error: undefined }),
      })
  })
}

const origin: Origin = {
  topic: 'topic',
  partition: 0,
  groupId: 'group',
  clock: systemClock,
  maxInFlight: 1000,
  isEnded: false,
  isOpen: () => true,
  signal: new AbortController().signal,
  random: () => 0.5,
  onQuiet: () => false,
  slice: (work) => work(),
  holders: new Holders(),
}
