import type { RetryOptions } from './backoff.ts'
import { backoff } from './backoff.ts'
import type { Entry } from './entry.ts'
import { Holds } from './holds.ts'

/** How often the entries of an operator are tried, and how long they wait between tries. */
export class Tries {
  private readonly retry: RetryOptions
  private readonly holds = new Holds()

  constructor(retry: RetryOptions) {
    this.retry = retry
  }

  /** Whether an entry has had all its tries, or all its time. */
  isOver(entry: Entry<unknown, unknown>): boolean {
    return entry.failures >= (this.retry.attempts ?? Number.POSITIVE_INFINITY) || isLate(entry)
  }

  /** How long the servers of some entries want to be left alone, in ms. */
  heldFor(entries: readonly Entry<unknown, unknown>[]): number {
    let held = 0
    for (const { server, message } of entries)
      if (server !== undefined) held = Math.max(held, this.holds.left(server, message.origin.clock.now()))
    return held
  }

  /** How long entries wait after a failed try, in ms. */
  pauseAfter(entries: readonly Entry<unknown, unknown>[], retryAfter: number): number {
    const [{ failures, message }] = entries as [Entry<unknown, unknown>]
    const { origin } = message
    for (const { server } of entries)
      if (retryAfter > 0 && server !== undefined) this.holds.note(server, origin.clock.now() + retryAfter)
    const pause = backoff(this.retry, failures, () => origin.random())
    return Math.max(pause, retryAfter, this.heldFor(entries))
  }
}

/** Whether all the time of an entry is over. */
export function isLate({ deadline, message }: Entry<unknown, unknown>): boolean {
  return deadline !== undefined && deadline <= message.origin.clock.now()
}

/** How long a failure asks to wait, in ms. */
export function retryAfterOf(error: unknown): number {
  const { retryAfter } = (error ?? {}) as { retryAfter?: unknown }
  return typeof retryAfter === 'number' && retryAfter > 0 ? retryAfter : 0
}
