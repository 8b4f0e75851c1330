import { expectOneOf, refuse } from './expect.ts'
import type { Outcome } from './perBatch.ts'

/** What becomes of a message for which nothing was found: it passes on with `null`, or is dropped and acked. */
export type OnMiss = 'null' | 'drop'

/** Refuses what is no {@link OnMiss}. */
export function expectOnMiss(name: string, value: unknown): void {
  expectOneOf(name, value, ['null', 'drop'])
}

/** Refuses what says no place for what was found. */
export function expectInto(name: string, value: unknown): void {
  if (typeof value === 'function' || (typeof value === 'string' && value !== '')) return
  refuse(name, 'a key or a function', value)
}

/**
 * Says where what was found goes: under a key of the value, or wherever a function puts it. A function that throws
 * fails its own message, not the request that carried it.
 *
 * @param show what is put under a key
 */
export function intoValue<A, F, B>(
  into: string | ((value: A, found: F | null) => B),
  onMiss: OnMiss,
  show: (found: F) => unknown,
): (value: A, found: F | null) => Outcome<B> {
  const put =
    typeof into === 'function'
      ? into
      : (value: A, found: F | null) => ({ ...value, [into]: found === null ? null : show(found) }) as B
  return (value, found) => {
    if (found === null && onMiss === 'drop') return 'drop'
    try {
      return { value: put(value, found) }
    } catch (error) {
      return { error }
    }
  }
}
