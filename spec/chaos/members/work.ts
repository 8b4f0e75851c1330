import type { Handled } from './ledgerFile.ts'

/** The longest work, in ms. */
export const LONGEST_WORK = 300

/** How long the work for a message takes, in ms: a few, for one in fifty up to {@link LONGEST_WORK}. `faustMember.py` says the same. */
export function workOf(seed: number, { partition, offset }: Handled): number {
  const drawn = (seed * 31 + partition * 7919 + offset * 104_729) % 1009
  return drawn < 20 ? 100 + 10 * drawn : drawn % 10
}
