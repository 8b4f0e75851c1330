import { refuse } from './expect.ts'
import type { ReadableTopic } from './topic.ts'

/** The topics that one source reads, each with its codec. */
export class Topics<A> {
  readonly names: readonly (string | RegExp)[]
  /** The names in words. */
  readonly text: string
  private readonly all: readonly ReadableTopic<A>[]
  private readonly byName = new Map<string, ReadableTopic<A>>()

  constructor(topics: ReadableTopic<A> | readonly ReadableTopic<A>[]) {
    this.all = Array.isArray(topics) ? topics : [topics as ReadableTopic<A>]
    if (this.all.length === 0) throw new TypeError('Expected a topic to read, got none')
    for (const one of this.all) expectTopic(one)
    this.names = this.all.map(({ name }) => name)
    this.text = this.names.map(String).sort().join(', ')
  }

  decode(name: string, value: Uint8Array | null): A {
    return this.find(name).decode(value)
  }

  private find(name: string): ReadableTopic<A> {
    const known = this.byName.get(name)
    if (known !== undefined) return known
    const found = this.all.find((topic) =>
      typeof topic.name === 'string' ? topic.name === name : matches(topic.name, name),
    )
    if (found === undefined) throw new Error(`Expected a topic of ${this.text}, got ${name}`)
    this.byName.set(name, found)
    return found
  }
}

function expectTopic(one: unknown): void {
  if (typeof (one as ReadableTopic<unknown> | null | undefined)?.decode === 'function') return
  refuse('topics', 'a topic or several: topic(name, codec)', one)
}

/** A pattern with the flag `g` remembers where it stopped; that must not matter here. */
function matches(pattern: RegExp, name: string): boolean {
  pattern.lastIndex = 0
  return pattern.test(name)
}
