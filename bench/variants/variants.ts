import { batchesByHand, eachBatch, eachMessage } from './consume.ts'
import { held } from './held.ts'
import { inMemory, overKafka } from './ours.ts'
import { bare, batches, chains, distinctBatches, loop, values } from './pipes.ts'
import { zadd, zaddByHand, zaddEachMessage } from './redis.ts'
import { fanOut, fanOutByHand, send, sendByHand, sendEachMessage } from './send.ts'
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
  held,
  loop,
  memoryBare: inMemory(bare),
  memoryValues: inMemory(values),
  memoryChains: inMemory(chains),
  memoryBatches: inMemory(batches),
  zaddByHand,
  zadd,
  zaddEachMessage,
  sendByHand,
  send,
  sendEachMessage,
  fanOutByHand,
  fanOut,
} satisfies Record<string, Variant>

export type VariantName = keyof typeof variants
