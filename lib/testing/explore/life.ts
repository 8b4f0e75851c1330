import type * as FastCheck from 'fast-check'

/**
 * What may happen to a process beside failing servers: a crash and its restart, a drain as by SIGTERM and its restart,
 * partitions revoked or lost and assigned again, the broker away and back.
 */
export type Fault = 'crash' | 'drain' | 'revoked' | 'lost' | 'broker'

/** The faults, by the marbles of their beginning and of their end. */
export const FAULTS: Readonly<Record<Fault, readonly [string, string?]>> = {
  crash: ['X'],
  drain: ['S', 'X'],
  revoked: ['R', 'A'],
  lost: ['L', 'A'],
  broker: ['P', 'B'],
}

/** A message that comes: which, where and when. */
export interface Arrival {
  readonly name: string
  readonly partition: number
  readonly at: number
}

/** A fault, and how long it lasts, in ms. */
export interface Ordeal {
  readonly fault: Fault
  readonly at: number
  readonly lasts: number
}

/** How a server answers a request: after some ms, or not at all. */
export interface Answer {
  readonly ms: number
  readonly fails: boolean
}

/** All that is random about a run. */
export interface Life {
  /** In the order of time. */
  readonly arrivals: readonly Arrival[]
  readonly ordeals: readonly Ordeal[]
  /** Of each server to its first requests; then it answers at once. */
  readonly answers: readonly Answer[]
  /** Whether an answer that does not come is of something done. */
  readonly isDone: boolean
}

/** Which lives are drawn. */
export interface LifeOptions {
  readonly names: readonly string[]
  readonly partitions: number
  readonly faults: readonly Fault[]
}

/** Draws lives: short gaps often, for what happens at one instant, long ones for what waits. */
export function livesOf(fc: typeof FastCheck, options: LifeOptions): FastCheck.Arbitrary<Life> {
  const ms = fc.oneof(fc.nat(3), fc.nat(40), fc.nat(1500))
  const arrivals = fc
    .tuple(
      fc.shuffledSubarray([...options.names], { minLength: 1 }),
      fc.array(fc.record({ partition: fc.nat(options.partitions - 1), gap: ms }), { minLength: options.names.length }),
    )
    .map(([names, places]) => arrivalsOf(names, places))
  const ordeals =
    options.faults.length === 0
      ? fc.constant([])
      : fc.array(fc.record({ fault: fc.constantFrom(...options.faults), at: fc.nat(4000), lasts: fc.nat(6000) }), {
          maxLength: 4,
        })
  return fc.record({
    arrivals,
    ordeals,
    answers: fc.array(fc.record({ ms: fc.oneof(fc.nat(3), fc.nat(300)), fails: fc.boolean() }), { maxLength: 12 }),
    isDone: fc.boolean(),
  })
}

/** A life in which one message comes, and nothing else happens. */
export function calmLife(name: string): Life {
  return { arrivals: [{ name, partition: 0, at: 0 }], ordeals: [], answers: [], isDone: false }
}

interface Place {
  readonly partition: number
  readonly gap: number
}

function arrivalsOf(names: readonly string[], places: readonly Place[]): readonly Arrival[] {
  let at = 0
  return names.map((name, i) => {
    const { partition, gap } = places[i] as Place
    at += gap
    return { name, partition, at }
  })
}
