import { excerpt, toJson } from '../../lib/codec.ts'
import { PermanentError } from '../../lib/errors.ts'

declare const source: unique symbol

/**
 * What a message searches for: a query of the Query DSL, and any other field of a search's body (`sort`, `highlight`,
 * `fields` …). `Source` is the type of the documents, as the caller says: `(q): EsSearch<Product> => ({ … })`.
 */
export interface EsSearch<Source = unknown> {
  /** The index, alias or pattern, or several. */
  readonly index: string | readonly string[]
  readonly query: object
  readonly routing?: string
  /** Which copies of the shards answer: the same text, the same copies. */
  readonly preference?: string
  readonly [field: string]: unknown
  readonly [source]?: Source
}

/** The document that a message asks for by its id: read as it is now, without the wait for a refresh of the index. */
export interface EsGet<Source = unknown> {
  /** An index, or an alias of one. */
  readonly index: string
  readonly id: string
  readonly routing?: string
  readonly query?: undefined
  readonly [source]?: Source
}

/** What all searches of a pipe have in common. */
export interface SearchDefaults {
  readonly source?: readonly string[]
  readonly minScore?: number
  readonly allowPartial: boolean
}

/** A document within a `_mget`. */
interface EsDocWanted {
  readonly _index: string
  readonly _id: string
  readonly routing: string | undefined
  readonly _source: readonly string[] | undefined
}

/** The two lines of a search within a `_msearch`: whereto, and what. */
type EsLines = readonly [header: Line & Pick<EsSearch, 'index'>, body: Line & { readonly query: object }]
type Line = Readonly<Record<string, unknown>>

/** A message's part of a request, and the text of what it asks for, by which equal ones are known. */
export type EsPart = ({ readonly lines: EsLines } | { readonly doc: EsDocWanted }) & { readonly key: string }

/**
 * By score; of equal ones the document that was written first in its shard, which all copies of a shard agree on. `_id`
 * can't be sorted by (its fielddata is off by default), `_shard_doc` needs a point in time, and `_doc`, which is the
 * default of Elasticsearch, is another on each copy and after each merge.
 */
const BEST_FIRST = [{ _score: 'desc' }, { _seq_no: { order: 'asc', unmapped_type: 'long' } }]

/**
 * Writes down what a message asks for.
 *
 * @throws PermanentError when it is no search
 */
export function partOf(asked: EsSearch | EsGet, defaults: SearchDefaults): EsPart {
  if (isGet(asked)) return { doc: docOf(asked, defaults), key: toJson(asked) }
  return { lines: linesOf(asked, defaults), key: toJson(asked) }
}

/** What was asked, for an error that tells of it. */
export function askedFor(part: EsPart): string {
  if ('doc' in part) return `the id ${excerpt(part.doc._id)} in ${part.doc._index}`
  const [{ index }, { query }] = part.lines
  return `${excerpt(query)} in ${String(index)}`
}

function isGet(asked: EsSearch | EsGet): asked is EsGet {
  return asked.query === undefined && 'id' in asked
}

function docOf({ index, id, routing }: EsGet, { source }: SearchDefaults): EsDocWanted {
  if (!isName(index)) refuse('index', 'the name of one index when it looks up an id', index)
  if (!isName(id)) refuse('id', 'a string that is not empty', id)
  return { _index: index, _id: id, routing, _source: source }
}

function linesOf(
  { index, routing, preference, query, ...body }: EsSearch,
  { source, minScore, allowPartial }: SearchDefaults,
): EsLines {
  const names = typeof index === 'string' ? [index] : index
  // Without an index, Elasticsearch would search them all.
  if (!Array.isArray(names) || names.length === 0 || !names.every(isName)) {
    refuse('index', 'a name that is not empty', index)
  }
  const { id } = body
  if (id !== undefined) refuse('id', 'absent beside a query', id)
  // Without a query, it would find any document.
  if (typeof query !== 'object' || query === null || Array.isArray(query)) refuse('query', 'an object', query)
  return [
    // A pattern that fits no index would find nothing, and look like any other miss.
    { index, routing, preference, allow_partial_search_results: allowPartial, allow_no_indices: false },
    { sort: BEST_FIRST, _source: source, min_score: minScore, ...body, query, size: 1, track_total_hits: false },
  ]
}

function isName(name: unknown): name is string {
  return typeof name === 'string' && name !== ''
}

function refuse(name: string, expected: string, value: unknown): never {
  throw new PermanentError(
    `Expected the ${name} of searchEs to be ${expected}, got ${excerpt(value)}; see to it in the selector`,
  )
}
