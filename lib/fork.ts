import { merge, Observable, type OperatorFunction, Subject } from 'rxjs'
import type { Message } from './message.ts'
import { operate } from './operate.ts'
import { Scope } from './scope.ts'

/**
 * Gives each message to several branches and merges what they emit. The message settles when all branches have
 * settled their part; if one nacks, it is nacked, once the others have settled too.
 *
 *     source             a-----b
 *     fork(store, notify)
 *       store            ---a-----b
 *       notify           -a-----b
 *     acked              ---a-----b
 *
 * A message may come out once for each branch, in the order they are done.
 */
export function fork<A, B, C>(one: Branch<A, B>, two: Branch<A, C>): Branch<A, B | C>
export function fork<A, B, C, D>(one: Branch<A, B>, two: Branch<A, C>, three: Branch<A, D>): Branch<A, B | C | D>
export function fork<A, B>(...branches: Branch<A, B>[]): Branch<A, B>
export function fork<A>(...branches: Branch<A, unknown>[]): Branch<A, unknown> {
  return (source) =>
    new Observable((out) => {
      const inputs = branches.map(() => new Subject<Message<A>>())
      out.add(merge(...branches.map((branch, i) => (inputs[i] as Subject<Message<A>>).pipe(branch))).subscribe(out))
      const split = operate<A, never>((message) => {
        const scope = new Scope(message)
        for (const input of inputs) {
          const child = scope.child(message.value)
          // A branch that has had enough listens no more.
          if (input.observed) input.next(child)
          else child.abandon()
        }
        scope.close()
      })
      const complete = () => {
        for (const input of inputs) input.complete()
      }
      out.add(split(source).subscribe({ error: (error) => out.error(error), complete }))
    })
}

/** An operator over messages. */
type Branch<A, B> = OperatorFunction<Message<A>, Message<B>>
