/** What a fetch gives of a partition. */
export interface FetchedPartition {
  messages: FetchedMessage[]
  abortedTransactions?: { readonly producerId: string; readonly firstOffset: string }[] | null
}

interface FetchedMessage {
  readonly offset: string
  readonly key: Uint8Array | null
  isControlRecord?: boolean
  readonly batchContext?: { readonly producerId: string; readonly inTransaction: boolean }
}

/**
 * Hides aborted messages as KafkaJS hides control records: their offsets count as read. By itself it lets such messages
 * through where transactions of several producers overlap: Kafka lists the aborted ones by their end, and KafkaJS takes
 * them as listed by their beginning, no more than one at each message.
 */
export function hideAborted(partition: FetchedPartition): void {
  const { abortedTransactions, messages } = partition
  if (!abortedTransactions?.length) return
  const later = [...abortedTransactions].sort((a, b) => Number(a.firstOffset) - Number(b.firstOffset))
  const aborted = new Set<string>()
  for (const message of messages) {
    while (later[0] !== undefined && Number(later[0].firstOffset) <= Number(message.offset))
      aborted.add((later.shift() as { producerId: string }).producerId)
    const { producerId = '', inTransaction = false } = message.batchContext ?? {}
    if (message.isControlRecord) {
      if (isAbort(message)) aborted.delete(producerId)
    } else if (inTransaction && aborted.has(producerId)) message.isControlRecord = true
  }
  partition.abortedTransactions = []
}

/** A marker's key is its version and its kind: 0 of what is taken back, 1 of what is committed. */
function isAbort({ key }: FetchedMessage): boolean {
  return key?.[3] === 0
}
