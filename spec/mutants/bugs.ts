import { client } from './bugs/client.ts'
import { committing } from './bugs/committing.ts'
import { rebalancing } from './bugs/rebalancing.ts'
import { watermark } from './bugs/watermark.ts'
import type { Mutant } from './mutant.ts'

/** The 25 most telling bugs of other systems, each brought into ours by one mutant or more. */
export const mutants: readonly Mutant[] = [...watermark, ...committing, ...rebalancing, ...client].sort(
  (a, b) => a.bug - b.bug,
)
