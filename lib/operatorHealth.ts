import type { Entry } from './entry.ts'
import type { OperatorHealth } from './events.ts'
import type { Request } from './request.ts'

/** What an operator counts of its messages. */
export interface Counts {
  done: number
  failed: number
  lastError: unknown
}

/** Tells how an operator stands. Counts what it holds when asked: a message on its way pays nothing. */
export function operatorHealth<A, R, B>(
  name: string,
  counts: Counts,
  requests: Iterable<Request<A, R, B>>,
  held: Iterable<Entry<A, R>>,
): OperatorHealth {
  let inFlight = 0
  const waiting = [...held]
  for (const request of requests) {
    waiting.push(...request.waiting)
    inFlight += request.unsettled.length - request.waiting.length
  }
  const retrying = waiting.filter(({ failures }) => failures > 0).length
  return { name, inFlight, waiting: waiting.length - retrying, retrying, ...counts }
}
