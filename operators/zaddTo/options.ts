import {
  expectBoolean,
  expectFunction,
  expectInteger,
  expectKnown,
  expectMs,
  expectOneOf,
  optional,
  refuse,
} from '../../lib/expect.ts'
import type { Message } from '../../lib/message.ts'
import { expectInto } from '../../lib/onMiss.ts'
import type { BatchOptions, RequestOptions } from '../../lib/operatorOptions.ts'

/**
 * Which members are written. `NX`: only new ones. `XX`: only those that are there. `GT`, `LT`: those that are there only
 * if their score rises or falls, and new ones unless `XX` is there too.
 */
export type ZaddWhen = 'NX' | 'XX' | 'GT' | 'LT' | 'XX GT' | 'XX LT'

/** How it is known that a message has been counted. */
export interface ZaddDedupe<A> {
  /** For how long that is known, in ms: a message that comes again later is counted twice. */
  readonly ttl: number
  /** What tells one count from another, within the group and the operator's `name`. @default the message's `id` */
  readonly by?: (value: A, message: Message<A>) => string
}

interface CommonOptions extends RequestOptions {
  /** Half of a partition's default `maxInFlight`, so that one batch fills while another is under way. @default { max: 500, wait: 5 } */
  readonly batch?: BatchOptions
  /** Which members are written. `GT` makes repeats and disorder harmless where scores are times. @default all */
  readonly when?: ZaddWhen
  /** Members that a set keeps at most. @default as many as come */
  readonly maxLen?: number
  /** Which they are. @default 'highest' */
  readonly keep?: 'highest' | 'lowest'
  /** How much older than the newest message a member's score may be, where scores are ms since 1970. @default any age */
  readonly maxAge?: number
  /** When a set expires, in ms. @default never */
  readonly ttl?: number
  /** Whether each write puts that off, or the first one counts, which needs Redis 7. @default 'refresh' */
  readonly ttlMode?: 'refresh' | 'once'
  /** Waits until so many replicas have a write before its message goes on: else a failover may lose it. @default 0 */
  readonly waitReplicas?: number
}

/** Options of `zaddTo` that set scores. */
export interface ZaddSetOptions extends CommonOptions {
  readonly incr?: false
  readonly dedupe?: never
  /** What `into` is given: whether the member is new, or whether it is new or its score has changed. @default 'added' */
  readonly result?: 'added' | 'changed'
}

/** Options of `zaddTo` that add to scores. */
export interface ZaddIncrOptions<A> extends CommonOptions {
  /** Adds to the score in the place of setting it. */
  readonly incr: true
  /** A message may come twice, and would be counted twice: says how it is known again. */
  readonly dedupe: ZaddDedupe<A>
  readonly result?: never
}

/** Options of {@link zaddTo}. Times in ms. */
export type ZaddToOptions<A = unknown> = ZaddSetOptions | ZaddIncrOptions<A>

/** All of them, of both kinds. */
export interface AnyZaddOptions<A, B> extends CommonOptions {
  readonly incr?: boolean
  readonly dedupe?: ZaddDedupe<A>
  readonly result?: 'added' | 'changed'
  readonly into?: string | ((value: A, result: never) => B)
}

export const DEFAULTS = {
  name: 'zaddTo',
  batch: { max: 500 },
  incr: false,
  keep: 'highest',
  ttlMode: 'refresh',
  waitReplicas: 0,
  result: 'added',
} as const

const oneOf =
  (...words: string[]) =>
  (name: string, value: unknown) =>
    expectOneOf(name, value, words)

export const CHECKS = {
  when: optional(oneOf('NX', 'XX', 'GT', 'LT', 'XX GT', 'XX LT')),
  incr: expectBoolean,
  dedupe: optional((name, value) => {
    expectKnown(name, value, ['ttl', 'by'])
    const { ttl, by } = value as Partial<ZaddDedupe<unknown>>
    expectWholeMs(`${name}.ttl`, ttl)
    optional(expectFunction)(`${name}.by`, by)
  }),
  maxLen: optional((name, value) => expectInteger(name, value, 1)),
  keep: oneOf('highest', 'lowest'),
  maxAge: optional(expectMs),
  ttl: optional(expectWholeMs),
  ttlMode: oneOf('refresh', 'once'),
  waitReplicas: (name: string, value: unknown) => expectInteger(name, value, 0),
  result: oneOf('added', 'changed'),
  into: optional(expectInto),
}

/** Refuses options that say nothing without another one, or contradict it. */
export function expectFit(options: AnyZaddOptions<never, unknown>): void {
  const { incr, dedupe, result, into, maxLen, keep, ttl, ttlMode } = options
  if (incr && dedupe === undefined)
    refuse('dedupe', '{ ttl, by } where `incr` is: a message that comes twice would be counted twice', dedupe)
  if (!incr && dedupe !== undefined) refuse('dedupe', 'left out without `incr`: the same score is set twice', dedupe)
  if (incr && result !== undefined) refuse('result', 'left out with `incr`, which gives the new score', result)
  if (result !== undefined && into === undefined) refuse('result', 'left out without `into`', result)
  if (keep !== undefined && maxLen === undefined) refuse('keep', 'left out without `maxLen`', keep)
  if (ttlMode !== undefined && ttl === undefined) refuse('ttlMode', 'left out without `ttl`', ttlMode)
}

/** Redis takes no parts of a ms, and none that are too large. */
function expectWholeMs(name: string, value: unknown): void {
  if (!Number.isSafeInteger(value) || (value as number) < 1) refuse(name, 'a whole number of ms >= 1', value)
}
