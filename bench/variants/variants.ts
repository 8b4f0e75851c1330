import { batchesByHand, eachBatch, eachMessage } from './consume.ts'
import { drainByHand, drainOurs } from './drain.ts'
import { searchByHand, searchEachMessage, searched, searchSafelyByHand } from './es.ts'
import { held } from './held.ts'
import { enrich, enrichAgainByHand, enrichByHand, enrichEachByHand, enrichEachMessage, enrichKept } from './influx.ts'
import { slowAnyOrder, slowByHand, slowByKey, slowEachMessage } from './live.ts'
import { inMemory, overKafka } from './ours.ts'
import { bare, batches, chains, distinctBatches, loop, values } from './pipes.ts'
import { platformatic } from './platformatic.ts'
import { postByHand, postEachMessage, posted, postSafelyByHand } from './post.ts'
import { rebalance, rebalanceByHand } from './rebalance.ts'
import { zadd, zaddByHand, zaddEachMessage } from './redis.ts'
import { fanOut, fanOutByHand, send, sendByHand, sendEachMessage, sendWholeByHand } from './send.ts'
import {
  answer,
  answerByHand,
  confirm,
  confirmByHand,
  confirmByUndici,
  quality,
  qualityByHand,
  save,
  saveByHand,
} from './useCases.ts'
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
  platformatic,
  zaddByHand,
  zadd,
  zaddEachMessage,
  sendByHand,
  sendWholeByHand,
  send,
  sendEachMessage,
  fanOutByHand,
  fanOut,
  postByHand,
  postSafelyByHand,
  posted,
  postEachMessage,
  enrichByHand,
  enrich,
  enrichEachByHand,
  enrichEachMessage,
  enrichAgainByHand,
  enrichKept,
  searchByHand,
  searchSafelyByHand,
  searched,
  searchEachMessage,
  saveByHand,
  save,
  confirmByHand,
  confirm,
  confirmByUndici,
  qualityByHand,
  quality,
  answerByHand,
  answer,
  slowByHand,
  slowAnyOrder,
  slowByKey,
  slowEachMessage,
  rebalanceByHand,
  rebalance,
  drainByHand,
  drainOurs,
} satisfies Record<string, Variant>

export type VariantName = keyof typeof variants
