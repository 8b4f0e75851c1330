import { excerpt } from '../../lib/codec.ts'
import { PermanentError } from '../../lib/errors.ts'

/** The first instant that InfluxDB can store. */
export const FIRST = -9_223_372_036_854_775_806n
/** The last. */
const LAST = 9_223_372_036_854_775_806n

const RFC3339 = /^(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)$/

/**
 * The instant in ns since 1970, to the last digit: neither `Date` nor a number can hold it.
 *
 * @throws PermanentError when it is none, or none that InfluxDB can store
 */
export function nanoseconds(at: unknown): bigint {
  const ns = typeof at === 'bigint' ? at : (fromDate(at) ?? fromText(at))
  if (ns === undefined || ns < FIRST || ns > LAST) throw new PermanentError(refusal(at))
  return ns
}

function fromDate(at: unknown): bigint | undefined {
  if (!(at instanceof Date) || Number.isNaN(at.getTime())) return undefined
  return BigInt(at.getTime()) * 1_000_000n
}

function fromText(at: unknown): bigint | undefined {
  const [, seconds, fraction = '', zone] = (typeof at === 'string' && RFC3339.exec(at)) || []
  const day = seconds?.slice(0, 10)
  if (day === undefined || !isDay(day)) return undefined
  const ms = Date.parse(`${day}T${seconds?.slice(11)}${zone?.toUpperCase()}`)
  return Number.isNaN(ms) ? undefined : BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0'))
}

/** `Date.parse` takes 30 February for 1 March. */
function isDay(day: string): boolean {
  if (day.slice(8) <= '28') return true
  const ms = Date.parse(day)
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(day)
}

function refusal(at: unknown): string {
  const expected = 'a Date, RFC 3339 text or a bigint of ns since 1970, in the years 1678 to 2261'
  const got = typeof at === 'number' || typeof at === 'bigint' ? `${at} (${typeof at})` : excerpt(at)
  return `Expected the instant \`at\` of enrichFromInflux to be ${expected}, got ${got}; see to it in the selector`
}
