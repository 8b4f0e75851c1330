import { refuse } from './expect.ts'

/**
 * What becomes of a message for which nothing was found: it passes on with `null`, it is dropped and acked, it is nacked
 * with a `MissError`, so that the source's `onNack` decides, or it passes on with a default.
 */
export type OnMiss = 'null' | 'drop' | 'nack' | { readonly default: unknown }

/** What stands in the place of what was not found, for the messages that pass on. */
export type Missed<M extends OnMiss> = M extends 'null' ? null : M extends { readonly default: infer D } ? D : never

/** Refuses what says no place for what was found. */
export function expectInto(name: string, value: unknown): void {
  if (typeof value === 'function' || (typeof value === 'string' && value !== '')) return
  refuse(name, 'a key or a function', value)
}

/** Refuses what is no {@link OnMiss}. */
export function expectOnMiss(name: string, value: unknown): void {
  if (value === 'null' || value === 'drop' || value === 'nack') return
  if (typeof value === 'object' && value !== null && 'default' in value) return
  refuse(name, "'null', 'drop', 'nack' or { default }", value)
}
