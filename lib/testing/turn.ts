import { setImmediate } from 'node:timers'

/** Kept, because a test may put a fake in its place. */
const macrotask = setImmediate

/** Resolves when all promises have gone on that can. */
export function turn(): Promise<void> {
  return new Promise((resolve) => macrotask(resolve))
}
