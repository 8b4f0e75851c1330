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

/** Refuses what is not a broker, such as KafkaJS's own `Kafka`. */
export function expectBroker(value: unknown, method: 'consume' | 'send'): void {
  if (typeof (value as Record<string, unknown> | null | undefined)?.[method] === 'function') return
  refuse('kafka', 'a broker: kafkajs(yourKafka) or memoryBroker()', value)
}

/** Refuses an option: which, what was expected, what came. */
export function refuse(name: string, expected: string, value: unknown): never {
  throw new TypeError(`Expected \`${name}\` to be ${expected}, got \`${String(value)}\` (${typeof value})`)
}
