import { noSuchIndex } from './errors.ts'
import { type EsDocument, type EsIndex, type EsSource, valuesOf } from './esIndex.ts'
import { find, Refused, unreadable } from './query.ts'

/** The index of one search and its body, as the lines of a `_msearch`. */
export interface EsSearchLines {
  readonly header: Readonly<Record<string, unknown>> & { readonly index?: unknown }
  readonly body: Readonly<Record<string, unknown>> & { readonly query?: unknown }
}

/** What a search within an index gives. */
export type EsSearchReply = object

interface Found {
  readonly document: EsDocument
  readonly score: number
}

const BODY = ['query', 'size', 'sort', '_source', 'min_score', 'track_total_hits']

/**
 * Searches as Elasticsearch does.
 *
 * @throws Refused when the whole request can't be read
 */
export function search(indices: ReadonlyMap<string, EsIndex>, { header, body }: EsSearchLines): EsSearchReply {
  const unknown = Object.entries(body).find(([key, value]) => value !== undefined && !BODY.includes(key))
  if (unknown !== undefined) unreadable(`Unknown key for a search [${unknown[0]}]`)
  try {
    const found = named(indices, header).flatMap((index) => foundIn(index, body))
    return replyOf(ranked(found, body), body)
  } catch (error) {
    if (error instanceof Refused && !error.isUnreadable) return error.failure
    throw error
  }
}

/** The indices that a name, a pattern or a list of them means. */
function named(
  indices: ReadonlyMap<string, EsIndex>,
  { index, allow_no_indices = true }: EsSearchLines['header'],
): EsIndex[] {
  const names = [index ?? '*'].flat().flatMap((name) => String(name).split(','))
  return names.flatMap((name) => {
    const pattern = new RegExp(`^${name.split('*').map(escaped).join('.*')}$`)
    const found = [...indices.values()].filter((one) => pattern.test(one.name))
    if (found.length === 0 && !(name.includes('*') && allow_no_indices === true))
      throw new Refused(noSuchIndex(name), false)
    return found
  })
}

function foundIn(index: EsIndex, { query = { match_all: {} }, min_score }: EsSearchLines['body']): Found[] {
  const scores = [...find(index, query)].map(([id, score]) => ({
    document: index.documents.get(id) as EsDocument,
    score,
  }))
  return scores.filter(({ score }) => min_score === undefined || score >= (min_score as number))
}

interface Sorted extends Found {
  /** What it is sorted by. */
  readonly values: readonly unknown[]
}

function ranked(found: readonly Found[], { sort }: EsSearchLines['body']): Sorted[] {
  const keys = [sort ?? { _score: 'desc' }].flat().map(keyOf)
  const all = found.map((one) => ({ ...one, values: keys.map(({ field }) => sortValue(one, field)) }))
  return all.sort((a, b) => {
    for (const [i, { sign }] of keys.entries()) {
      const difference = compare(a.values[i], b.values[i], sign)
      if (difference !== 0) return difference
    }
    return a.document.seqNo - b.document.seqNo
  })
}

function keyOf(key: unknown): { field: string; sign: 1 | -1 } {
  if (typeof key === 'string') return { field: key, sign: key === '_score' ? -1 : 1 }
  const [[field, given] = ['', 'asc']] = Object.entries(key as object)
  const order = typeof given === 'string' ? given : (given?.order ?? 'asc')
  return { field, sign: order === 'desc' ? -1 : 1 }
}

function sortValue({ document, score }: Found, field: string): unknown {
  if (field === '_score') return score
  if (field === '_seq_no') return document.seqNo
  return valuesOf(document.source, field.replace(/\.keyword$/, ''))[0]
}

/** Documents without a value come last. */
function compare(a: unknown, b: unknown, sign: 1 | -1): number {
  if (a === b) return 0
  if (a === undefined) return 1
  if (b === undefined) return -1
  return (a as number) < (b as number) ? -sign : sign
}

function replyOf(
  found: readonly Sorted[],
  { size = 10, sort, _source, track_total_hits = true }: EsSearchLines['body'],
): object {
  const isScored = sort === undefined || [sort].flat().some((key) => keyOf(key).field === '_score')
  const hits = found.slice(0, size as number).map(({ document, score, values }) => ({
    _index: document.index,
    _id: document.id,
    _score: isScored ? Math.fround(score) : null,
    ...sourceOf(document.source, _source),
    ...(sort === undefined ? {} : { sort: values }),
  }))
  const max_score = sort === undefined ? (hits[0]?._score ?? null) : null
  const total = track_total_hits === false ? {} : { total: { value: found.length, relation: 'eq' } }
  const _shards = { total: 1, successful: 1, skipped: 0, failed: 0 }
  return { took: 1, timed_out: false, _shards, hits: { ...total, max_score, hits }, status: 200 }
}

/** A document's source, or the fields of it that are asked for: names, or patterns with `*`. */
export function sourceOf(source: EsSource, wanted: unknown): { _source?: EsSource } {
  if (wanted === false) return {}
  if (wanted === undefined || wanted === true) return { _source: source }
  const patterns = [wanted].flat().map((name) => new RegExp(`^${String(name).split('*').map(escaped).join('.*')}$`))
  const fields = Object.entries(source).filter(([field]) => patterns.some((pattern) => pattern.test(field)))
  return { _source: Object.fromEntries(fields) }
}

function escaped(text: string): string {
  return text.replace(/[.+?^${}()|[\]\\]/g, '\\$&')
}
