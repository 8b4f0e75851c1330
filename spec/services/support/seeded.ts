/** Whole numbers below a limit, the same for the same seed. */
export type Draw = (below: number) => number

/** The seed of a spec file: `SEED` of the environment, or a new one. Printed, so that a failure can be run again. */
export function printedSeed(): number {
  const { SEED } = process.env
  const seed = Number(SEED ?? Date.now() % 1_000_000)
  console.log(`SEED=${seed}`)
  return seed
}

/** Mulberry32. */
export function drawFrom(seed: number): Draw {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

/** One of several. */
export function pick<T>(draw: Draw, from: readonly T[]): T {
  return from[draw(from.length)] as T
}
