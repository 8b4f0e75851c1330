import type { Clock } from './clock.ts'
import type { Laned } from './laneQueue.ts'
import type { Message } from './message.ts'

/** A message on its way through `perBatch`. */
export interface Entry<A, R> extends Laned {
  readonly message: Message<A>
  readonly request: R
  /** Where the request goes to, when the operator says so. */
  readonly server: string | undefined
  /** Tries that failed. */
  failures: number
  /** What the last of them failed with. */
  error: unknown
  /** When its time for all tries is over; nothing before the first one, or without `totalTimeout`. */
  deadline: number | undefined
}

/** Whether another member has the entry now. */
export function isFenced({ message }: Entry<unknown, unknown>): boolean {
  return message.origin.isEnded
}

/** How long it is until the time of the first of some entries is over, in ms. */
export function timeLeft(entries: readonly Entry<unknown, unknown>[], clock: Clock): number {
  let end = Number.POSITIVE_INFINITY
  for (const { deadline } of entries) if (deadline !== undefined && deadline < end) end = deadline
  return end === Number.POSITIVE_INFINITY ? end : Math.max(0, end - clock.now())
}
