import { excerpt, safeText } from './codec.ts'
import { near } from './near.ts'

/** Looks at the value of an option, and refuses a wrong one. */
export type Check = (name: string, value: unknown) => void

/** Refuses an option that is not a whole number from `min` up. */
export function expectInteger(name: string, value: unknown, min: number): void {
  if (value === Number.POSITIVE_INFINITY) return
  if (!Number.isInteger(value) || (value as number) < min) refuse(name, `an integer >= ${min}`, value)
}

/** Refuses an option that is not a number of ms. */
export function expectMs(name: string, value: unknown): void {
  if (typeof value !== 'number' || !(value >= 0)) refuse(name, 'a number of ms >= 0', value)
}

/** Refuses an option that is not one of a few words. */
export function expectOneOf(name: string, value: unknown, words: readonly string[]): void {
  if (!words.includes(value as string)) refuse(name, `one of ${words.join(', ')}`, value)
}

/** Refuses an option that is neither true nor false. */
export function expectBoolean(name: string, value: unknown): void {
  if (typeof value !== 'boolean') refuse(name, 'a boolean', value)
}

/** Refuses an option that is no function. */
export function expectFunction(name: string, value: unknown): void {
  if (typeof value !== 'function') refuse(name, 'a function', value)
}

/** Refuses an option that is no text, or an empty one. */
export function expectText(name: string, value: unknown): void {
  if (typeof value !== 'string' || value === '') refuse(name, 'a string that is not empty', value)
}

/** Makes a check of one that an option passes, too, that was left out. */
export function optional(check: Check): Check {
  return (name, value) => {
    if (value !== undefined) check(name, value)
  }
}

/** Refuses options that are no object, and names that nobody knows: mostly slips of the pen. */
export function expectKnown(of: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    refuse(of, `an object with some of ${known.join(', ')}`, options)
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || known.includes(name)) continue
    const meant = near(name, known)
    const advice = meant.length > 0 ? `did you mean ${meant.map(quoted).join(' or ')}?` : `it has ${known.join(', ')}`
    throw new TypeError(`Expected no \`${name}\` in \`${of}\`, got ${shown(value)}; ${advice}`)
  }
}

/** Refuses an option of several parts, of which one is wrong or not known. */
export function expectParts(name: string, value: unknown, checks: Readonly<Record<string, Check>>): void {
  expectKnown(name, value, Object.keys(checks))
  for (const [part, given] of Object.entries(value as object))
    if (given !== undefined) checks[part]?.(`${name}.${part}`, given)
}

/** Refuses what is not a broker, such as KafkaJS's own `Kafka`. */
export function expectBroker(value: unknown, method: 'consume' | 'send'): void {
  if (typeof (value as Record<string, unknown> | null | undefined)?.[method] === 'function') return
  refuse('kafka', 'a broker: kafkajs(yourKafka) or memoryBroker()', value)
}

/** Refuses an option: which, what was expected, what came. */
export function refuse(name: string, expected: string, value: unknown): never {
  throw new TypeError(`Expected ${quoted(name)} to be ${expected}, got ${shown(value)}`)
}

/** Of a class's instance, a client perhaps, only its name: it may hold passwords. */
function shown(value: unknown): string {
  const isData = Array.isArray(value) || [Object.prototype, null].includes(prototypeOf(value) as object | null)
  return `${quoted(isData ? excerpt(value) : safeText(value))} (${typeof value})`
}

function prototypeOf(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? Object.getPrototypeOf(value) : undefined
}

function quoted(text: string): string {
  return `\`${text}\``
}
