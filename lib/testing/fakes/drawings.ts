import { refuse } from '../../expect.ts'
import type { Letters } from './scripted.ts'

/** What a script says: drawings by name, those that come in turn in lists, and what their letters stand for. */
export interface DrawnReplies {
  readonly drawings: ReadonlyMap<string, string | string[]>
  readonly letters: Letters
}

/** Time as RxJS writes it within marbles: `a 3s b`. */
const TIME = /(^| )\d+(\.\d+)?(ms|s|m)(?= |$)/g

/** Reads what `replies` was given. */
export function drawnReplies(script: readonly unknown[]): DrawnReplies {
  const [first, second] = script
  const last = script.at(-1)
  if (typeof first === 'object' && first !== null) return read(Object.entries(first), (second ?? {}) as Letters)
  if (typeof last !== 'object') return read([['*', script]], {})
  return read([['*', script.slice(0, -1)]], last as Letters)
}

function read(script: readonly (readonly [name: string, drawings: unknown])[], letters: Letters): DrawnReplies {
  const check = (drawing: unknown) => expectDrawing(drawing, letters)
  return {
    letters,
    drawings: new Map(
      script.map(([name, drawings]) => [name, Array.isArray(drawings) ? drawings.map(check) : check(drawings)]),
    ),
  }
}

/** A letter that stands for nothing would be a reply of undefined. */
function expectDrawing(drawing: unknown, letters: Letters): string {
  if (typeof drawing !== 'string') refuse('replies', 'marbles, such as --(r|)', drawing)
  const unknown = drawing
    .replace(TIME, ' ')
    .match(/[^\s\-()|#^!r]/g)
    ?.find((letter) => !(letter in letters))
  if (unknown === undefined) return drawing
  refuse('replies', `marbles of ${['r', '#', ...Object.keys(letters)].join(' ')}`, drawing)
}
