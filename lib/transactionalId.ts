import type { ConsumeOptions, TopicPartition } from './broker.ts'

/** The transactional id under which the messages made of a partition are sent. */
export function transactionalId(
  { groupId, transaction }: ConsumeOptions,
  { topic, partition }: TopicPartition,
): string {
  return `${transaction?.id}-${groupId}-${topic}-${partition}`
}
