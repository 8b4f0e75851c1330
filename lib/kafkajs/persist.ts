import { backoff } from '../backoff.ts'
import type { Clock } from '../clock.ts'
import { FatalError } from '../errors.ts'
import { consumeError } from './errors.ts'

const WAITS = { delay: 100, max: 1000, jitter: 'none' } as const

/**
 * Asks the broker again what it could not answer: a membership that ended for this would lose what is in flight. It is
 * given up in time for the session, as nothing beats meanwhile.
 */
export async function persist<T>(
  question: () => Promise<T>,
  clock: Clock,
  sessionTimeout: number,
  isEnded: () => boolean,
): Promise<T> {
  const until = clock.now() + sessionTimeout / 2
  for (let attempt = 1; ; attempt++) {
    try {
      return await question()
    } catch (error) {
      const isFatal = consumeError(error, 'ask') instanceof FatalError
      const wait = backoff(WAITS, attempt, () => 1)
      if (isFatal || isEnded() || clock.now() + wait > until) throw error
      await new Promise<void>((resolve) => clock.schedule(resolve, wait))
      // What is asked after the end would open a connection that nobody closes.
      if (isEnded()) throw error
    }
  }
}
