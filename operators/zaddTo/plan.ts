import type { Plan } from './commands.ts'
import type { AnyZaddOptions } from './options.ts'
import type { Extras } from './script.ts'

type Options = AnyZaddOptions<never, unknown> & { readonly isEach: boolean }

/** How the options have the members written. */
export function planOf({ when, incr, result, isEach, ...options }: Options): Plan {
  const flags = when === undefined ? [] : when.split(' ')
  if (result === 'changed' && isEach) flags.push('CH')
  if (incr) flags.push('INCR')
  return { flags, isEach, extras: extrasOf(options) }
}

function extrasOf({ maxLen, keep, maxAge, ttl, ttlMode, dedupe }: Omit<Options, 'isEach'>): Extras | undefined {
  if (maxLen === undefined && maxAge === undefined && ttl === undefined && dedupe === undefined) return undefined
  return { ranks: ranksOf(maxLen, keep), maxAge, ttl, isOnce: ttlMode === 'once', seenFor: dedupe?.ttl ?? 0 }
}

/** The places of those that are too many: ranks go from the lowest score up. */
function ranksOf(maxLen: number | undefined, keep: 'highest' | 'lowest' | undefined): Extras['ranks'] {
  if (maxLen === undefined || maxLen === Number.POSITIVE_INFINITY) return undefined
  return keep === 'lowest' ? [maxLen, -1] : [0, -maxLen - 1]
}
