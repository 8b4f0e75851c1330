/** A word of Flux: what it is, and what it says. */
export interface Token {
  readonly kind: 'text' | 'number' | 'name' | 'sign'
  readonly text: string
}

const TOKEN = /\s+|\/\/.*|"((?:\\.|[^"\\])*)"|(\d+(?:\.\d+)?)|([A-Za-z_]\w*)|(\|>|=>|[=!<>]=|[-=<>()[\],:.])/gy

/** Parts Flux into words. The rest, from where it can't be read, is one word of its own. */
export function tokensOf(flux: string): Token[] {
  const tokens: Token[] = []
  let end = 0
  for (const match of flux.matchAll(TOKEN)) {
    const [whole, text, number, name, sign] = match
    end = match.index + whole.length
    if (text !== undefined) tokens.push({ kind: 'text', text: unescaped(text) })
    else if (number !== undefined) tokens.push({ kind: 'number', text: number })
    else if (name !== undefined) tokens.push({ kind: 'name', text: name })
    else if (sign !== undefined) tokens.push({ kind: 'sign', text: sign })
  }
  return end === flux.length ? tokens : [...tokens, { kind: 'sign', text: flux.slice(end) }]
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' }

/** `\xHH` is a byte of UTF-8. */
function unescaped(text: string): string {
  const bytes = text.replace(/(?:\\x[\da-f]{2})+/gi, (all) => Buffer.from(all.replace(/\\x/g, ''), 'hex').toString())
  return bytes === text ? text.replace(/\\(.)/g, (_, char: string) => ESCAPES[char] ?? char) : bytes
}
