import { TransientError } from '../../lib/errors.ts'
import type { EsDoc, EsReply } from './client.ts'
import { refusal, refusalOfDoc } from './esError.ts'

/** The document that was found. */
export interface EsHit<Source = unknown> {
  readonly _index: string
  readonly _id: string
  /** Null when the search has a `sort` that leaves it out, and for a document that was asked for by its id. */
  readonly _score: number | null
  /** The document, or the fields of it that were asked for. */
  readonly _source: Source
  /** When the search asks for `fields`. */
  readonly fields?: Readonly<Record<string, readonly unknown[]>>
  /** When the search asks for a `highlight`. */
  readonly highlight?: Readonly<Record<string, readonly string[]>>
}

/** What a search found: its top hit, null for none. */
export interface Found<S> {
  readonly found: EsHit<S> | null
  /** Whether some of the shards gave no answer. */
  readonly isPartial?: boolean
}

/** What became of one search: what it found, or why there is no answer. */
export type Answer<S> = Found<S> | { readonly error: Error }

/** Reads the reply to a search. */
export function answerOfSearch<S>(reply: EsReply, allowPartial: boolean): Answer<S> {
  const { status = 200, error, hits } = reply
  if (error !== undefined || status >= 400) return { error: refusal(status, error) }
  // Half a result might miss the best hit, and look like any other.
  const lack = lackOf(reply)
  if (lack !== undefined && !allowPartial) return { error: new TransientError(lack) }
  const [hit] = hits?.hits ?? []
  return { found: hit === undefined ? null : shown(hit as EsHit<S>), isPartial: lack !== undefined }
}

/** Says what a reply leaves out. */
function lackOf({ timed_out, _shards }: EsReply): string | undefined {
  if (timed_out === true) return 'Elasticsearch ran out of the time that the search allows'
  return _shards !== undefined && _shards.failed > 0
    ? `Elasticsearch could not search ${_shards.failed} shards`
    : undefined
}

/** Reads the reply to an id. */
export function answerOfId<S>(doc: EsDoc): Answer<S> {
  if (doc.error !== undefined) return { error: refusalOfDoc(doc.error) }
  return { found: doc.found === true ? shown({ ...(doc as EsHit<S>), _score: null }) : null }
}

/** Without the values that it was sorted by, and what else belongs to the search. */
function shown<S>({ _index, _id, _score, _source, fields, highlight }: EsHit<S>): EsHit<S> {
  return { _index, _id, _score, _source, ...(fields && { fields }), ...(highlight && { highlight }) }
}
