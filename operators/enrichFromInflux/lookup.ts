import { excerpt } from '../../lib/codec.ts'
import { PermanentError } from '../../lib/errors.ts'
import { nanoseconds } from './nanoseconds.ts'

/** One field, or several of the same series. */
export type InfluxFields = string | readonly string[]

/** What a message asks InfluxDB: the latest value of a field at or before an instant, or that of each of several fields. */
export interface InfluxLookup<F extends InfluxFields = string> {
  readonly measurement: string
  /** Each of several has a latest value of its own, which may be from another instant. */
  readonly field: F
  /** Tags that the value's series has, by name. It may have more: of several series the latest value counts. */
  readonly tags: Readonly<Record<string, string>>
  /**
   * The instant: a `Date`, RFC 3339 text with up to nine digits of a second, or a bigint of ns since 1970. Not a
   * number, which might be meant in s, ms or ns.
   */
  readonly at: Date | string | bigint
}

/** The series that a look-up is about. */
export interface Target {
  readonly measurement: string
  readonly field: string
  /** Names and values, in order of the names. */
  readonly tags: readonly (readonly [name: string, value: string])[]
  /** The same for the same series. */
  readonly id: string
}

/** A look-up that was checked. */
export interface Lookup {
  /** One a field. */
  readonly targets: readonly Target[]
  /** Whether several fields were asked for, be it a list of one. */
  readonly isList: boolean
  /** In ns since 1970. */
  readonly at: bigint
}

/** @throws PermanentError when no query can be made of it */
export function lookupOf({ measurement, field, tags, at }: InfluxLookup<InfluxFields>): Lookup {
  expectName('measurement', measurement)
  const isList = Array.isArray(field)
  const fields = (isList ? field : [field]) as readonly string[]
  if (fields.length === 0) refuse('field', 'a name or several', field)
  for (const name of fields) expectName('field', name)
  const sorted = Object.entries(tags ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
  for (const [name, value] of sorted) {
    expectName('name of a tag', name)
    expectText('tag', value, name)
    if (name.startsWith('_')) refuse('name of a tag', 'other than a column of InfluxDB (_value, _time ...)', name)
  }
  const target = (field: string) => ({ measurement, field, tags: sorted, id: seriesId(measurement, field, sorted) })
  return { targets: fields.map(target), isList, at: nanoseconds(at) }
}

/** Names a series by what it is found by. Each part with its length: no text can pass for two. */
export function seriesId(measurement: string, field: string, tags: Target['tags']): string {
  let id = part(measurement) + part(field)
  for (const [name, value] of tags) id += part(name) + part(value)
  return id
}

function part(text: string): string {
  return `${text.length}:${text}`
}

/** By what equal look-ups are known. */
export function lookupId({ targets, isList, at }: Lookup): string {
  return `${at}${isList ? '*' : ' '}${targets.map(({ id }) => id).join()}`
}

/** Says in words what is looked up. */
export function lookupText({ targets, at }: Lookup): string {
  const [{ measurement, tags }] = targets as [Target]
  const fields = targets.map(({ field }) => excerpt(field)).join(', ')
  const where = tags.map(([name, value]) => `${name}=${excerpt(value)}`).join(' ')
  return `field ${fields} of measurement ${excerpt(measurement)}${where && ` with ${where}`} at or before ${instantText(at)}`
}

/** RFC 3339 to the nanosecond. */
export function instantText(ns: bigint): string {
  const fraction = ((ns % SECOND) + SECOND) % SECOND
  const seconds = new Date(Number((ns - fraction) / 1_000_000n)).toISOString().slice(0, 19)
  return `${seconds}.${String(fraction).padStart(9, '0')}Z`
}

const SECOND = 1_000_000_000n

function expectName(what: string, value: unknown): void {
  expectText(what, value)
  if (value === '') refuse(what, 'a name that is not empty', value)
}

function expectText(what: string, value: unknown, name?: string): asserts value is string {
  const isText = typeof value === 'string'
  // Half a surrogate pair has no UTF-8: InfluxDB could not have stored it.
  if (isText && !/\p{Surrogate}/u.test(value)) return
  const named = name === undefined ? what : `${what} ${excerpt(name)}`
  refuse(named, isText ? 'well-formed Unicode' : 'a string', value)
}

function refuse(what: string, expected: string, value: unknown): never {
  const got = `got ${excerpt(value)}; see to it in the selector`
  throw new PermanentError(`Expected the ${what} of enrichFromInflux to be ${expected}, ${got}`)
}
