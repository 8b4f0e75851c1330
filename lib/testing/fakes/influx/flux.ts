import { type Token, tokensOf } from './tokens.ts'

/** A value that Flux computes. */
export type Expression =
  | { readonly kind: 'value'; readonly value: string | number | bigint }
  | { readonly kind: 'column'; readonly name: string }
  | { readonly kind: 'list'; readonly items: readonly Expression[] }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'call'; readonly name: string; readonly given: Given }
  | { readonly kind: 'function'; readonly body: Expression }
  | { readonly kind: 'compare'; readonly sign: string; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'and' | 'or'; readonly terms: readonly Expression[] }
  | { readonly kind: 'exists'; readonly of: Expression }

/** What a call is given, by name. */
export interface Given {
  readonly bucket?: Expression
  readonly fn?: Expression
  readonly name?: Expression
  readonly v?: Expression
  readonly [other: string]: Expression | undefined
}

/** `from(…) |> range(…) |> …` */
export type Pipe = readonly { readonly name: string; readonly given: Given }[]

/** A query: pipes, and the functions that it names. */
export interface Flux {
  readonly pipes: readonly Pipe[]
  readonly functions: ReadonlyMap<string, Expression>
}

/** A query that can't be read. */
export class FluxError extends Error {}

/**
 * Reads the part of Flux that looks points up: pipes of calls with arguments by name, comparisons of columns.
 *
 * @throws FluxError
 */
export function readFlux(text: string): Flux {
  const reader = new Reader(tokensOf(text))
  const pipes: Pipe[] = []
  const functions = new Map<string, Expression>()
  while (!reader.isAtEnd) {
    const name = reader.name()
    if (reader.takes('=')) functions.set(name, reader.expression())
    else pipes.push(reader.pipe(name))
  }
  return { pipes, functions }
}

class Reader {
  private readonly tokens: readonly Token[]
  private at = 0

  constructor(tokens: readonly Token[]) {
    this.tokens = tokens
  }

  get isAtEnd(): boolean {
    return this.at === this.tokens.length
  }

  pipe(first: string): Pipe {
    const calls = [{ name: first, given: this.given() }]
    while (this.takes('|>')) calls.push({ name: this.name(), given: this.given() })
    return calls
  }

  expression(): Expression {
    return this.joined('or', () => this.joined('and', () => this.comparison()))
  }

  name(): string {
    const token = this.tokens[this.at++]
    if (token?.kind !== 'name') this.fail(token)
    return token.text
  }

  /** Takes a sign or a word when it comes next. */
  takes(text: string): boolean {
    const token = this.tokens[this.at]
    const isNext = token?.text === text && (token.kind === 'sign' || token.kind === 'name')
    if (isNext) this.at++
    return isNext
  }

  private joined(word: 'and' | 'or', term: () => Expression): Expression {
    const terms = [term()]
    while (this.takes(word)) terms.push(term())
    return terms.length === 1 ? (terms[0] as Expression) : { kind: word, terms }
  }

  private comparison(): Expression {
    if (this.takes('exists')) return { kind: 'exists', of: this.value() }
    const left = this.value()
    const sign = ['==', '!=', '<=', '>=', '<', '>'].find((one) => this.takes(one))
    return sign === undefined ? left : { kind: 'compare', sign, left, right: this.value() }
  }

  private value(): Expression {
    if (this.takesFunction()) return { kind: 'function', body: this.expression() }
    if (this.takes('(')) return this.closed(')', this.expression())
    if (this.takes('[')) return { kind: 'list', items: this.list(']', () => this.expression()) }
    const sign = this.takes('-') ? '-' : ''
    const token = this.tokens[this.at++]
    if (token?.kind === 'text') return { kind: 'value', value: token.text }
    if (token?.kind === 'number') return { kind: 'value', value: numberOf(sign + token.text) }
    if (token?.kind !== 'name') this.fail(token)
    return this.named(token.text)
  }

  /** A column of the row `r`, a call, or a name. */
  private named(name: string): Expression {
    if (name === 'r' && this.takes('.')) return { kind: 'column', name: this.name() }
    if (name === 'r' && this.takes('[')) {
      const token = this.tokens[this.at++]
      if (token?.kind !== 'text') this.fail(token)
      return this.closed(']', { kind: 'column', name: token.text })
    }
    const isCall = this.tokens[this.at]?.kind === 'sign' && this.tokens[this.at]?.text === '('
    return isCall ? { kind: 'call', name, given: this.given() } : { kind: 'name', name }
  }

  private given(): Given {
    if (!this.takes('(')) this.fail(this.tokens[this.at])
    const pairs = this.list(')', () => {
      const name = this.name()
      if (!this.takes(':')) this.fail(this.tokens[this.at])
      return [name, this.expression()] as const
    })
    return Object.fromEntries(pairs)
  }

  private list<T>(end: string, item: () => T): T[] {
    const items: T[] = []
    while (!this.takes(end)) {
      items.push(item())
      if (!this.takes(',') && this.tokens[this.at]?.text !== end) this.fail(this.tokens[this.at])
    }
    return items
  }

  private takesFunction(): boolean {
    const texts = this.tokens.slice(this.at, this.at + 4).map(({ text }) => text)
    const isNext = texts.join('') === '(r)=>'
    if (isNext) this.at += 4
    return isNext
  }

  private closed(end: string, expression: Expression): Expression {
    if (!this.takes(end)) this.fail(this.tokens[this.at])
    return expression
  }

  private fail(token: Token | undefined): never {
    throw new FluxError(`invalid expression: ${token === undefined ? 'unexpected end' : token.text.slice(0, 60)}`)
  }
}

function numberOf(text: string): number | bigint {
  return text.includes('.') ? Number(text) : BigInt(text)
}
