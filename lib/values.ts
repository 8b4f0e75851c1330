import type { OperatorFunction } from 'rxjs'
import type { Message } from './message.ts'
import { operate } from './operate.ts'
import { Scope } from './scope.ts'

/**
 * Maps the value and keeps the message. If `project` throws, the message is nacked. Synchronous: a promise would be the
 * new value; use `perMessage(mergeMap(f))` to wait for one.
 *
 *     source            a--b--c
 *     mapValue(x => 2x) A--B--C
 */
export function mapValue<A, B>(
  project: (value: A, message: Message<A>) => B,
): OperatorFunction<Message<A>, Message<B>> {
  return operate((message, out) => out.next(message.with(project(message.value, message))))
}

/**
 * Passes on the messages whose value satisfies `predicate`, and acks the others. If it throws, the message is nacked.
 *
 *     source               a--b--c
 *     filterValue(x => …)  a-----c
 *     acked                ---b---
 */
export function filterValue<A, B extends A>(
  predicate: (value: A, message: Message<A>) => value is B,
): OperatorFunction<Message<A>, Message<B>>
export function filterValue<A>(
  predicate: (value: A, message: Message<A>) => boolean,
): OperatorFunction<Message<A>, Message<A>>
export function filterValue<A>(
  predicate: (value: A, message: Message<A>) => boolean,
): OperatorFunction<Message<A>, Message<A>> {
  return operate((message, out) => {
    if (predicate(message.value, message)) out.next(message)
    else message.ack()
  })
}

/**
 * Looks at each value and passes the message on. If `look` throws, the message is nacked. Does not wait for a promise:
 * for asynchronous work use `perMessage(mergeMap(f))`.
 */
export function tapValue<A>(look: (value: A, message: Message<A>) => void): OperatorFunction<Message<A>, Message<A>> {
  return operate((message, out) => {
    look(message.value, message)
    out.next(message)
  })
}

/**
 * Makes several messages of one, which is acked with the last of them; of no value, at once. If `project` throws, the
 * message is nacked.
 *
 *     source               a-------b
 *     flatMapValue(split)  (xyz)----
 *     acked                a-------b
 */
export function flatMapValue<A, B>(
  project: (value: A, message: Message<A>) => Iterable<B>,
): OperatorFunction<Message<A>, Message<B>> {
  return operate((message, out) => {
    const values = [...project(message.value, message)]
    const scope = new Scope(message)
    for (const value of values) out.next(scope.child(value))
    scope.close()
  })
}
