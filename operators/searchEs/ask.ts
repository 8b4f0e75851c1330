import { catchError, defer, forkJoin, from, map, type Observable, of } from 'rxjs'
import { FatalError, TransientError } from '../../lib/errors.ts'
import type { EsLike, EsRequestOptions } from './client.ts'
import { esError } from './esError.ts'
import { type Answer, answerOfId, answerOfSearch } from './hits.ts'
import type { EsPart } from './search.ts'

/**
 * Asks for all parts at once, the searches in one `_msearch`, the ids in one `_mget`; gives the answer to each, in
 * order. When either fails both do: nothing is changed by asking again. When all answers are failures that may pass, so
 * does the whole: then it holds its place until the next try, and a server in trouble is asked no more than that.
 */
export function ask<S>(
  es: EsLike,
  parts: readonly EsPart[],
  allowPartial: boolean,
  options: EsRequestOptions,
): Observable<readonly Answer<S>[]> {
  const searches = parts.flatMap((part) => ('lines' in part ? part.lines : []))
  const docs = parts.flatMap((part) => ('doc' in part ? [part.doc] : []))
  const bySearch = defer(() => from(es.msearch({ searches }, options))).pipe(
    map(({ responses }) => responses.map((reply) => answerOfSearch<S>(reply, allowPartial))),
  )
  const byId = defer(() => from(getter(es)({ docs }, options))).pipe(
    map((answer) => answer.docs.map((doc) => answerOfId<S>(doc))),
  )
  return forkJoin([searches.length > 0 ? bySearch : of([]), docs.length > 0 ? byId : of([])]).pipe(
    map(([searched, got]) => unlessAllFail(inOrder(parts, searched, got))),
    catchError((error) => {
      throw esError(error)
    }),
  )
}

function getter(es: EsLike): NonNullable<EsLike['mget']> {
  if (typeof es.mget !== 'function')
    throw new FatalError('Cannot look up an id: the client has no mget(); give searchEs a Client')
  return es.mget.bind(es)
}

function inOrder<S>(parts: readonly EsPart[], searched: readonly Answer<S>[], got: readonly Answer<S>[]): Answer<S>[] {
  let searches = 0
  let docs = 0
  const answers = parts.map((part) => ('lines' in part ? searched[searches++] : got[docs++]))
  if (searches !== searched.length || docs !== got.length) {
    throw new FatalError(
      `Got ${searched.length} replies for ${searches} searches and ${got.length} for ${docs} ids; the client has to give one for each`,
    )
  }
  return answers as Answer<S>[]
}

function unlessAllFail<S>(answers: readonly Answer<S>[]): readonly Answer<S>[] {
  const [first] = answers
  const isOut = (answer: Answer<S>) => 'error' in answer && answer.error instanceof TransientError
  if (first !== undefined && 'error' in first && answers.every(isOut)) throw first.error
  return answers
}
