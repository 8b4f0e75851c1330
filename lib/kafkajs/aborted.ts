/** A broker as a KafkaJS consumer has it at run time: its types leave `fetch` out. */
interface FetchingBroker {
  fetch?(request: unknown): Promise<FetchResponse>
}

/** What a fetch gives. */
export interface FetchResponse {
  readonly responses: readonly { readonly partitions: readonly FetchedPartition[] }[]
}

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

/** A cluster as it gives out brokers. */
export interface FindingCluster {
  findBroker?(node: { nodeId: string }): Promise<FetchingBroker>
}

const hooked = new WeakSet<object>()

/**
 * Has KafkaJS see nothing of what was taken back. By itself it lets such messages through where transactions of several
 * producers overlap: Kafka lists the aborted ones by their end, and KafkaJS takes them as listed by their beginning, no
 * more than one at each message.
 */
export function hookFetch(cluster: FindingCluster): void {
  const find = cluster.findBroker?.bind(cluster)
  if (find === undefined) return
  cluster.findBroker = async (node) => {
    const broker = await find(node)
    const fetch = broker.fetch?.bind(broker)
    if (fetch === undefined || hooked.has(broker)) return broker
    hooked.add(broker)
    broker.fetch = async (request) => {
      const response = await fetch(request)
      for (const { partitions } of response.responses) for (const partition of partitions) hideAborted(partition)
      return response
    }
    return broker
  }
}

/** Hides aborted messages as KafkaJS hides control records: their offsets count as read. */
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
