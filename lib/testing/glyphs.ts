import { inspect, isDeepStrictEqual } from 'node:util'

/** What the kit calls what has no name: never a digit, which would be an offset. */
const SPARE = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz']
const LONGEST = 100

/** Gives each thing of a lane its character: those that a test has named, and a spare one for every other. */
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
    const name = SPARE.find((letter) => !this.taken.has(letter)) ?? '?'
    this.taken.add(name)
    this.named.push([name, value])
    this.added.push(`${name} = ${textOf(value)}`)
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
