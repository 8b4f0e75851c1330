import { LRUCache } from 'lru-cache'
import { type Check, expectInteger, expectMs, expectParts, refuse } from './expect.ts'

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
  get(request: R, now: number): N | undefined
  /** Takes an answer that was asked for at `asked`. */
  set(request: R, answer: N, asked: number): void
}

/** Refuses what are no {@link CacheOptions}. */
export function expectCache(name: string, value: unknown): void {
  expectParts(name, value, CHECKS)
}

/** Gives the options of a cache their defaults. */
export function cacheOptions({ max = 10_000, ttl = 30_000, negativeTtl }: CacheOptions): AllCacheOptions {
  return { max, ttl, negativeTtl: negativeTtl ?? Math.min(1_000, ttl) }
}

const CHECKS: Readonly<Record<keyof CacheOptions, Check>> = {
  max: (name, value) => {
    expectInteger(name, value, 1)
    // Its tables are laid out at once.
    if ((value as number) > MOST) refuse(name, `an integer <= ${MOST}`, value)
  },
  ttl: expectMs,
  negativeTtl: expectMs,
}

const MOST = 10_000_000

/** Keeps the answer to each request for a while: for answers that hold as long as nobody changes them. */
export class ExpiringCache<R, N extends Answer<unknown>> implements AnswerCache<R, N> {
  private readonly options: AllCacheOptions
  private readonly keyOf: (request: R) => string
  /** Forgets by the message's clock, not by its own: so it runs in virtual time. */
  private readonly kept: LRUCache<string, { readonly answer: N; readonly until: number }>

  constructor(options: AllCacheOptions, keyOf: (request: R) => string) {
    this.options = options
    this.keyOf = keyOf
    this.kept = new LRUCache({ max: options.max })
  }

  get(request: R, now: number): N | undefined {
    const entry = this.kept.get(this.keyOf(request))
    return entry !== undefined && now < entry.until ? entry.answer : undefined
  }

  set(request: R, answer: N, asked: number): void {
    const { ttl, negativeTtl } = this.options
    this.kept.set(this.keyOf(request), { answer, until: asked + (isMiss(answer) ? negativeTtl : ttl) })
  }
}

/** Whether a request found nothing. */
export function isMiss({ found }: Answer<unknown>): boolean {
  return found === null || found === undefined
}
