import { TransientError } from '../../lib/errors.ts'
import type { Outcome } from '../../lib/perBatch.ts'
import { refusal } from './esError.ts'
import type { EsReplies, EsReply } from './search.ts'

/** The document that was found. */
export interface EsHit<Source = unknown> {
  readonly _index: string
  readonly _id: string
  /** Null when the search has a `sort` of its own. */
  readonly _score: number | null
  /** The document, or what `_source` of the search asked for of it. */
  readonly _source: Source
}

/**
 * Gives each search its outcome.
 *
 * @throws TransientError when every search failed so: the batch is then tried again as it is, not each alone
 */
export function outcomesOf<S, B>(
  { responses }: EsReplies,
  put: (i: number, hit: EsHit<S> | null) => Outcome<B>,
): Outcome<B>[] {
  const errors = responses.map(errorOf)
  const [first] = errors
  if (first !== undefined && errors.every((error) => error instanceof TransientError)) throw first
  return responses.map((reply, i) => {
    const error = errors[i]
    return error === undefined ? put(i, hitOf<S>(reply)) : { error }
  })
}

function errorOf({ status = 200, error, timed_out, _shards }: EsReply): Error | undefined {
  if (error !== undefined || status >= 400) return refusal(status, error)
  // Half a result might miss the best hit, and look like any other.
  if (timed_out === true) return new TransientError('Elasticsearch ran out of the time that the search allows')
  if (_shards !== undefined && _shards.failed > 0) {
    return new TransientError(`Elasticsearch could not search ${_shards.failed} shards`)
  }
  return undefined
}

function hitOf<S>({ hits }: EsReply): EsHit<S> | null {
  const hit = hits?.hits[0] as EsHit<S> | undefined
  if (hit === undefined) return null
  const { _index, _id, _score, _source } = hit
  return { _index, _id, _score, _source }
}
