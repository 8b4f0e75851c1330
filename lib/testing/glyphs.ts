import { inspect, isDeepStrictEqual } from 'node:util'

/** What the kit calls what has no name: never a digit, which would be an offset. */
const SPARE = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz']
/** A character that a lane can have as it is. */
const PLAIN = /^[^\s\-|#()^!]$/u
const LONGEST = 100

/**
 * Gives each thing of a lane its character: those that a test has named, and for every other itself, if it is one, or a
 * spare one.
 */
export class Glyphs {
  private readonly named: (readonly [name: string, value: unknown])[]
  private readonly isSame: (one: unknown, other: unknown) => boolean
  private readonly taken: Set<string>
  private readonly added: string[] = []

  constructor(named: ReadonlyMap<string, unknown>, isSame = isDeepStrictEqual as (a: unknown, b: unknown) => boolean) {
    this.named = [...named]
    this.isSame = isSame
    this.taken = new Set(named.keys())
  }

  nameOf(value: unknown): string {
    const known = this.named.find(([, one]) => this.isSame(one, value))
    if (known !== undefined) return known[0]
    const isItsName = typeof value === 'string' && PLAIN.test(value) && !this.taken.has(value)
    const name = isItsName ? value : (SPARE.find((letter) => !this.taken.has(letter)) ?? '?')
    this.taken.add(name)
    this.named.push([name, value])
    if (!isItsName) this.added.push(`${name} = ${textOf(value)}`)
    return name
  }

  /** What the spare characters stand for, a line each. */
  get legend(): readonly string[] {
    return this.added
  }
}

/** A value, in one line. */
export function textOf(value: unknown): string {
  if (value instanceof Error) return `${value.name}: ${value.message}`
  const text = inspect(value, { breakLength: Number.POSITIVE_INFINITY, depth: 4 })
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text
}
