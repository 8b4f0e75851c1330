import { isDeepStrictEqual } from 'node:util'
import { messageOf } from '../errors.ts'

/** Whether an error is as a test expects it: any, one that has a text in it or matches a pattern, or an equal one. */
export function isSameError(expected: unknown, error: unknown): boolean {
  if (expected === undefined) return true
  if (typeof expected === 'string') return messageOf(error).includes(expected)
  return expected instanceof RegExp ? expected.test(messageOf(error)) : isDeepStrictEqual(expected, error)
}
