import type { OperatorFunction } from 'rxjs'
import type { Message } from './message.ts'
import { operate } from './operate.ts'

/**
 * Ends a pipe: acks each message and emits its bare value.
 *
 *     source  a--b--c
 *     acked   a--b--c
 *     ack()   a--b--c   values
 *
 * Each message is acked before its value is emitted: what comes after `ack()` may be lost in a crash.
 */
export function ack<A>(): OperatorFunction<Message<A>, A> {
  return operate((message, out) => {
    message.ack()
    out.next(message.value)
  })
}
