import { map, type Observable } from 'rxjs'
import { type Clock, systemClock } from '../../../clock.ts'
import { abortable } from '../abortable.ts'
import { afterServing, Script } from '../script.ts'
import type { Scripted } from '../scripted.ts'
import { connectionError, failure, noSuchIndex, responseError } from './errors.ts'
import { EsIndex, type EsSource } from './esIndex.ts'
import { Refused } from './query.ts'
import { type EsSearchLines, search, sourceOf } from './search.ts'

/** A document that a `_mget` asks for. */
export interface EsWanted {
  readonly _index: string
  readonly _id: string
  readonly _source?: unknown
}

/** What the fake is asked with a request: a search of a `_msearch`, or a document of a `_mget`. */
export type EsItem = EsSearchLines | EsWanted

/** An Elasticsearch of one node and one shard an index, at the port of `searchEs`. */
export interface FakeEs extends Scripted<EsItem> {
  msearch(params: { searches: object[] }, options?: EsOptions): Observable<{ responses: readonly object[] }>
  mget(params: { docs: readonly EsWanted[] }, options?: EsOptions): Observable<{ docs: readonly object[] }>
  /** Puts documents into an index, by id: found at once. An index that is not there is made, without any too. */
  put(index: string, documents?: Readonly<Record<string, EsSource>>): void
  /** A request's refusal, as the client shows it: a letter of a drawing. */
  refusal(status: number, options?: EsRefusal): Error
}

/** What a refusal says. */
export interface EsRefusal {
  readonly type?: string
  readonly reason?: string
  /** How long the client is asked to wait, in s. @default 0 */
  readonly retryAfter?: number
}

/** What a fake looks at of a request's options. */
interface EsOptions {
  readonly signal?: AbortSignal
}

/**
 * A fake Elasticsearch for `searchEs(es, …)`: searches by `match`, `multi_match`, `term`, `ids`, `bool` and `match_all`
 * over documents, scored by BM25 as Elasticsearch does; documents by id.
 *
 * ```ts
 * const es = fakeEs(scheduler)
 * es.put('articles', { a1: { text: 'red fox' }, a2: { text: 'red dog' } })
 * es.replies({ 'red fox': '---(h|)' }, { h: { _id: 'a2', _source: { text: 'another' } } })
 * ```
 *
 * A call's name is the first text of the query, or the id. A letter may stand for a hit, for null (none), or for a reply
 * in Elasticsearch's own words: `{ status: 503, error: { type: '…' } }`. Its errors fail a whole request: *transient*, 429;
 * *lost*, a cut connection; *permanent*, 400; *fatal*, 401.
 */
export function fakeEs(clock: Clock = systemClock): FakeEs {
  const indices = new Map<string, EsIndex>()
  const script = new Script<EsItem, object>({
    clock,
    errors: errors(),
    namesOf: (item) => [nameOf(item)],
  })
  const ask = (items: readonly EsItem[], { signal }: EsOptions = {}) =>
    script
      .ask(items, (served) => attempt(served, () => served.map((item) => replyTo(indices, item))))
      .pipe(
        abortable(signal, () => Object.assign(new Error('Request aborted'), { name: 'RequestAbortedError' })),
        map((replies) => {
          const error = replies.find((reply) => reply instanceof Error)
          if (error !== undefined) throw error
          return replies.map((reply, i) => shown(reply, items[i] as EsItem))
        }),
      )
  return script.control({
    msearch: ({ searches }: { searches: object[] }, options?: EsOptions) =>
      ask(linesOf(searches), options).pipe(map((responses) => ({ took: 1, responses }))),
    mget: ({ docs }: { docs: readonly EsWanted[] }, options?: EsOptions) =>
      ask(docs, options).pipe(map((replies) => ({ docs: replies }))),
    put: (name: string, documents: Readonly<Record<string, EsSource>> = {}) => {
      const index = indices.get(name) ?? new EsIndex(name)
      indices.set(name, index)
      for (const [id, source] of Object.entries(documents)) index.put(id, source)
    },
    refusal: (status: number, { type = 'refused', reason = 'refused', retryAfter = 0 }: EsRefusal = {}) =>
      responseError(failure(status, type, reason), retryAfter),
  })
}

function linesOf(searches: readonly object[]): EsSearchLines[] {
  return searches.flatMap((header, i) =>
    i % 2 === 0 ? [{ header, body: searches[i + 1] ?? {} } as EsSearchLines] : [],
  )
}

function isWanted(item: EsItem): item is EsWanted {
  return '_id' in item
}

function replyTo(indices: ReadonlyMap<string, EsIndex>, item: EsItem): object {
  if (!isWanted(item)) return search(indices, item)
  const { _index, _id, _source } = item
  const index = indices.get(_index)
  if (index === undefined) return { _index, _id, error: noSuchIndex(_index).error }
  const document = index.documents.get(_id)
  if (document === undefined) return { _index, _id, found: false }
  const { version, seqNo, source } = document
  return { _index, _id, _version: version, _seq_no: seqNo, _primary_term: 1, found: true, ...sourceOf(source, _source) }
}

/** Shows what a letter stands for as a reply. */
function shown(reply: object | null, item: EsItem): object {
  const isHit = reply !== null && '_id' in reply
  if (isWanted(item)) return isHit ? { ...item, found: true, ...reply } : (reply ?? { ...item, found: false })
  if (!isHit && reply !== null) return reply
  const hits = isHit ? [{ _index: item.header.index, _score: 1, ...reply }] : []
  const _shards = { total: 1, successful: 1, skipped: 0, failed: 0 }
  return { took: 1, timed_out: false, _shards, hits: { max_score: null, hits }, status: 200 }
}

/** One part that can't be read has the whole request refused. */
function attempt(items: readonly unknown[], serve: () => readonly object[]): readonly object[] {
  try {
    return serve()
  } catch (error) {
    if (!(error instanceof Refused)) throw error
    return items.map(() => responseError(error.failure))
  }
}

/** What a search or an id is called by: the first text that it looks for. */
function nameOf(item: EsItem): string {
  return isWanted(item) ? item._id : (firstText(item.body.query) ?? JSON.stringify(item.body.query))
}

function firstText(query: unknown): string | undefined {
  if (typeof query === 'string') return query
  if (typeof query !== 'object' || query === null) return undefined
  for (const part of Object.values(query)) {
    const text = firstText(part)
    if (text !== undefined) return text
  }
  return undefined
}

function errors() {
  return {
    transient: responseError(failure(429, 'es_rejected_execution_exception', 'rejected execution of a search')),
    permanent: responseError(failure(400, 'parsing_exception', 'unknown query')),
    fatal: responseError(failure(401, 'security_exception', 'missing authentication credentials')),
    lost: afterServing(connectionError('other side closed')),
  }
}
