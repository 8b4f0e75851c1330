import type { Result } from './expected.ts'

/** How the results that came stand to those expected. */
export interface Comparison {
  /** Expected, and come as expected. */
  readonly right: number
  /** Expected, and not come. */
  readonly lost: number
  /** Come with another content than expected, or not expected at all. */
  readonly wrong: number
  /** Come once more: allowed, at least once is the promise. */
  readonly repeated: number
}

/** Compares results in any order. */
export function compare(expected: readonly Result[], observed: readonly Result[]): Comparison {
  const wanted = contentsById(expected)
  const came = contentsById(observed)
  const sum = { right: 0, lost: 0, wrong: 0, repeated: 0 }
  for (const id of new Set([...wanted.keys(), ...came.keys()])) {
    const one = compareOne(wanted.get(id) ?? [], came.get(id) ?? [])
    for (const name of ['right', 'lost', 'wrong', 'repeated'] as const) sum[name] += one[name]
  }
  return sum
}

function compareOne(wanted: readonly string[], came: readonly string[]): Comparison {
  const open = [...wanted]
  const extra = came.filter((content) => {
    const place = open.indexOf(content)
    if (place >= 0) open.splice(place, 1)
    return place < 0
  })
  const wrong = extra.filter((content) => !wanted.includes(content)).length
  return {
    right: wanted.length - open.length,
    lost: Math.max(0, open.length - wrong),
    wrong,
    repeated: extra.length - wrong,
  }
}

function contentsById(results: readonly Result[]): ReadonlyMap<string, readonly string[]> {
  const byId = new Map<string, string[]>()
  for (const { id, content } of results) {
    const contents = byId.get(id)
    if (contents === undefined) byId.set(id, [content])
    else contents.push(content)
  }
  return byId
}
