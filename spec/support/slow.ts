import { delay, mergeMap, type OperatorFunction, of } from 'rxjs'
import type { Message } from '../../lib/message.ts'
import { perMessage } from '../../lib/perMessage.ts'

/** A server that answers after some ms, whatever it has to do beside. */
export function slow<A>(ms: number | ((value: A) => number)): OperatorFunction<Message<A>, Message<A>> {
  return perMessage(
    mergeMap((value: A) => of(value).pipe(delay(typeof ms === 'number' ? ms : ms(value)))),
    { concurrency: 8, order: 'none' },
  )
}
