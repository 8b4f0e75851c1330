import { LRUCache } from 'lru-cache'
import { expectInteger, expectMs, refuse } from './expect.ts'

/** What one request found; `null` or `undefined` is a miss. */
export interface Answer<F> {
  readonly found: F | null | undefined
}

/** How answers are kept, so that equal requests are not asked again. Times in ms. */
export interface CacheOptions {
  /** Answers kept; those not used for longest go first. @default 10_000 */
  readonly max?: number
  /** How long an answer counts, from the moment it was asked for: what changes later is not seen before. @default 30_000 */
  readonly ttl?: number
  /** The same for a miss. @default 1_000, or `ttl` when that is shorter */
  readonly negativeTtl?: number
}

/** {@link CacheOptions} with their defaults. */
export type AllCacheOptions = Required<CacheOptions>

/** Keeps answers of one subscription. */
export interface AnswerCache<R, N> {
  /** The answer to a request, if it is known and counts at `now`. */
  get(key: string, request: R, now: number): N | undefined
  /** Takes an answer that was asked for at `asked`. */
  set(key: string, request: R, answer: N, asked: number): void
}

/** Gives the options of a cache their defaults, and refuses wrong ones. */
export function cacheOptions(options: CacheOptions): AllCacheOptions {
  if (typeof options !== 'object' || options === null) refuse('cache', 'an object, {} for the defaults', options)
  const { max = 10_000, ttl = 30_000, negativeTtl = Math.min(1_000, ttl) } = options
  expectInteger('cache.max', max, 1)
  // Its tables are laid out at once.
  if (max > MOST) refuse('cache.max', `an integer <= ${MOST}`, max)
  expectMs('cache.ttl', ttl)
  expectMs('cache.negativeTtl', negativeTtl)
  return { max, ttl, negativeTtl }
}

const MOST = 10_000_000

/** Keeps the answer to each request for a while: for answers that hold as long as nobody changes them. */
export class ExpiringCache<N extends Answer<unknown>> implements AnswerCache<unknown, N> {
  private readonly options: AllCacheOptions
  /** Told when to forget by the message's clock, not by its own: so it runs in virtual time. */
  private readonly kept: LRUCache<string, { readonly answer: N; readonly until: number }>

  constructor(options: AllCacheOptions) {
    this.options = options
    this.kept = new LRUCache({ max: options.max })
  }

  get(key: string, _request: unknown, now: number): N | undefined {
    const entry = this.kept.get(key)
    return entry !== undefined && now < entry.until ? entry.answer : undefined
  }

  set(key: string, _request: unknown, answer: N, asked: number): void {
    const { ttl, negativeTtl } = this.options
    this.kept.set(key, { answer, until: asked + (isMiss(answer) ? negativeTtl : ttl) })
  }
}

/** Whether a request found nothing. */
export function isMiss({ found }: Answer<unknown>): boolean {
  return found === null || found === undefined
}
