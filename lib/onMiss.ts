import { refuse } from './expect.ts'

/**
 * What becomes of a message for which nothing was found: it passes on with `null`, it is dropped and acked, it is nacked
 * with a `MissError`, so that the source's `onNack` decides, or it passes on with a default.
 */
export type OnMiss = 'null' | 'drop' | 'nack' | { readonly default: unknown }

/** What stands in the place of what was not found, for the messages that pass on. */
export type Missed<M extends OnMiss> = M extends 'null' ? null : M extends { readonly default: infer D } ? D : never

/** Refuses what says no place for what was found, or nothing to be done without it. */
export function expectInto(into: unknown, onMiss: unknown = 'null'): void {
  if (typeof into !== 'function' && (typeof into !== 'string' || into === ''))
    refuse('into', 'a key or a function', into)
  if (onMiss === 'null' || onMiss === 'drop' || onMiss === 'nack') return
  if (typeof onMiss !== 'object' || onMiss === null || !('default' in onMiss))
    refuse('onMiss', "'null', 'drop', 'nack' or { default }", onMiss)
  if (typeof into === 'function')
    refuse('onMiss', "'null', 'drop' or 'nack' where `into` is a function, which is given null", '{ default }')
}
