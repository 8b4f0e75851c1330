/** How often and how long apart something is tried again. */
export interface RetryOptions {
  /** Tries in all, the first included. @default Infinity */
  readonly attempts?: number
  /** ms before the second try. @default 200 */
  readonly delay?: number
  /** By how much each further wait is longer. @default 2 */
  readonly factor?: number
  /** The longest wait, in ms. @default 30_000 */
  readonly max?: number
  /** `full`: a random part of the wait, so that many clients don't come back at once. @default 'full' */
  readonly jitter?: 'full' | 'none'
}

/**
 * The wait before the next try, in ms: exponential with full jitter.
 *
 * @param attempt how many tries have failed, from 1
 * @param random a number in [0, 1)
 * @see https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function backoff(options: RetryOptions, attempt: number, random: () => number): number {
  const { delay = 200, factor = 2, max = 30_000, jitter = 'full' } = options
  const wait = Math.min(max, delay * factor ** (attempt - 1))
  return jitter === 'full' ? Math.ceil(wait * random()) : wait
}
