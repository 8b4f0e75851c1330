import { batchesByHand, eachBatch, eachMessage } from './handWritten.ts'
import { bare, batches, chains, distinctBatches, inMemory, loop, overKafka, values } from './toolkit.ts'
import type { Variant } from './variant.ts'

/** All variants by the names that the cases use. */
export const variants = {
  eachBatch,
  eachMessage,
  batchesByHand,
  values: overKafka(values),
  chains: overKafka(chains),
  batches: overKafka(batches),
  distinctBatches: overKafka(distinctBatches),
  loop,
  memoryBare: inMemory(bare),
  memoryValues: inMemory(values),
  memoryChains: inMemory(chains),
  memoryBatches: inMemory(batches),
} satisfies Record<string, Variant>

export type VariantName = keyof typeof variants
