import type { RawMessage } from '../broker.ts'
import type { Batch } from './client.ts'

/**
 * Takes the messages out of a batch of KafkaJS, which looks at them no more once their last offset is resolved, but
 * would keep them: while `eachBatch` is held, and longer by the functions it gave, which commits and heartbeats go on
 * using. So each lives as long as somebody else holds it, and its buffer too.
 */
export function letGo(batch: Batch): readonly RawMessage[] {
  const { messages } = batch
  const last = messages.at(-1)
  if (last === undefined) return messages
  // The last one is kept by those functions themselves, so another takes its place.
  const all = messages.with(-1, { ...last })
  Object.assign(batch, { messages: [], messagesWithinOffset: [], rawMessages: [] })
  Object.assign(last, { key: null, value: null, headers: {} })
  return all
}
