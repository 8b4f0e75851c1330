import { refuse } from '../expect.ts'

/** What happens in a lane: when, in ms, and the character that stands for it. */
export interface Mark {
  readonly at: number
  readonly name: string
}

/** A span of time, alone between spaces: ` 3s `. Or a group, or one character. */
const TOKEN = /(?<=^| )(\d+(?:\.\d+)?)(ms|s|m) |\([^()]*\)|[^ ]/gu
const MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 }

/**
 * Reads marbles as RxJS does in its run mode: a character is 1 ms, a space none; `(ab)` happens at once and lasts its
 * own length; ` 3s ` lets time go by. Every other character is the name of what happens.
 *
 * @param what whose marbles they are, for the error
 * @throws TypeError when a group is not closed, or for `^` and `!`, which have no meaning here
 */
export function readMarbles(marbles: string, what: string): readonly Mark[] {
  if (/[\^!]/.test(marbles)) refuse(what, 'marbles without ^ and !', marbles)
  // Without the groups that are closed, no parenthesis is left.
  if (/[()]/.test(marbles.replace(/\([^()]*\)/g, ''))) refuse(what, 'marbles with each ( closed by a )', marbles)
  const marks: Mark[] = []
  let at = 0
  for (const [token, span, unit] of marbles.matchAll(TOKEN)) {
    if (unit !== undefined) at += Number(span) * (MS[unit] as number)
    else {
      for (const name of token) if (!'()- '.includes(name)) marks.push({ at, name })
      at += [...token.replaceAll(' ', '')].length
    }
  }
  return marks
}
