import { Observable, type ObservableInput, type OperatorFunction } from 'rxjs'
import {
  type AllCacheOptions,
  type Answer,
  type AnswerCache,
  type CacheOptions,
  cacheOptions,
  ExpiringCache,
  isMiss,
} from './answerCache.ts'
import { Batches } from './batches.ts'
import { MissError } from './errors.ts'
import { refuse } from './expect.ts'
import { Lookups, type LookupWork, type Reply } from './lookups.ts'
import type { Message } from './message.ts'
import type { OnMiss } from './onMiss.ts'
import { type PerBatchOptions, perBatchOptions } from './perBatch.ts'
import { withField } from './withField.ts'

/** Where what was found goes, and what becomes of a miss. */
export interface Into<A, F, B> {
  readonly into: string | ((value: A, found: F | null) => B)
  readonly onMiss?: OnMiss
}

/** What a kind of look-up says of itself, and the options of its user, which it has checked. */
export interface LookupSetup<A, R, F, N, B> extends Omit<PerBatchOptions<R>, 'repeats'>, Into<A, F, B> {
  readonly name: string
  readonly cache?: CacheOptions
  /** Whether a request holds messages of as few partitions as it can. @default false */
  readonly byPartition?: boolean
  /** Makes the cache of one subscription. @default one that keeps an answer for a while */
  readonly cacheOf?: (options: AllCacheOptions) => AnswerCache<R, N>
  /** By what equal requests are known. */
  keyOf(request: R): string
  /** Says what was asked, and why the answer to it is a miss. */
  asked(request: R, answer: N): string
  /** What is put under a key. */
  show(found: F, request: R): unknown
}

/** What `perLookup` and the operators that look something up are made of. */
export function lookUp<A, R, F, N extends Answer<F>, B>(
  prepare: (value: A, message: Message<A>) => R,
  ask: (requests: readonly R[], batch: { readonly signal: AbortSignal }) => ObservableInput<readonly Reply<N>[]>,
  setup: LookupSetup<A, R, F, N, B>,
): OperatorFunction<Message<A>, Message<B>> {
  const { into, onMiss = 'null', cache: _, cacheOf: __, byPartition, keyOf, asked, show, ...request } = setup
  if (typeof into === 'function' && typeof onMiss === 'object')
    refuse('onMiss', "'null', 'drop' or 'nack' where into is a function, which is given null", onMiss)
  // Those of a lane settle in their order, and one asks nothing that another could change.
  const all = { ...perBatchOptions({ ...request, repeats: true }), byPartition }
  const cacheOf = cacheOfSetup(setup)
  const work: LookupWork<A, R, N, B> = { name: request.name, keyOf, ask, put: putOf(setup) }
  return (source) =>
    new Observable((out) => {
      const lookups = new Lookups(work, cacheOf?.())
      const known = cacheOf && lookups.known
      new Batches(prepare, lookups.send, all, out, known).subscribe(source)
    })
}

function cacheOfSetup<R, N extends Answer<unknown>>({
  cache,
  cacheOf,
  keyOf,
}: LookupSetup<never, R, never, N, unknown>): (() => AnswerCache<R, N>) | undefined {
  if (cache === undefined) return undefined
  const options = cacheOptions(cache)
  return () => cacheOf?.(options) ?? new ExpiringCache(options, keyOf)
}

/** A function of the user that throws fails its own message, not the request that carried it. */
function putOf<A, R, F, N extends Answer<F>, B>(setup: LookupSetup<A, R, F, N, B>): LookupWork<A, R, N, B>['put'] {
  const { into, onMiss = 'null', name, asked, show } = setup
  const missed = typeof onMiss === 'object' ? onMiss.default : null
  const put =
    typeof into === 'function'
      ? into
      : (value: A, found: F | null, request: R) =>
          withField(value, into, found === null ? missed : show(found, request)) as B
  return (value, answer, request) => {
    const miss = isMiss(answer)
    if (miss && onMiss === 'drop') return 'drop'
    try {
      if (miss && onMiss === 'nack') throw new MissError(`${name} found nothing for ${asked(request, answer)}`)
      return { value: put(value, miss ? null : (answer.found as F), request) }
    } catch (error) {
      return { error }
    }
  }
}
