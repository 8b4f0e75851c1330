import type { TopicPartition } from '../broker.ts'
import { roundRobin, sticky } from './assigner.ts'
import type { ClusterClient, CoordinatorClient, PartitionAssigner } from './client.ts'
import type { ConnectingCluster, Connections } from './connections.ts'
import { OutOfRange } from './ended.ts'
import type { Fetches, FindingCluster, PassOver } from './fetches.ts'
import type { Owned } from './subscription.ts'

/** What a membership wants to be asked for, each time before KafkaJS goes on. */
export interface Hooks {
  /** Before every join: KafkaJS has no other moment that can be waited for. */
  beforeJoin(find: () => Promise<CoordinatorClient>): Promise<CoordinatorClient>
  /** Before every fetch. */
  beforeFetch(): Promise<void>
  /** KafkaJS reads topics that match its subscriptions: which, it tells here. */
  joining(topics: readonly string[]): void
  /** What it has, to be told in a join. */
  owned(): Owned
  /** The next offset to read is not in the log. KafkaJS waits, and goes on where it is told to seek. */
  outOfRange(place: TopicPartition): Promise<void>
  /** Nothing to see is in a part of the log: control records, aborted messages, or what compaction has left. */
  passOver: PassOver
}

/**
 * Makes the assigners of a consumer, the first of which hooks into the `cluster` it is given: the only object by which
 * a consumer can be made to wait. Each consumer has a cluster of its own, so nothing else is touched.
 *
 * A group uses the first assigner that all its members know: with consumers of KafkaJS among them, round robin.
 */
export function hookedAssigners(hooks: Hooks, connections: Connections, fetches: Fetches): PartitionAssigner[] {
  const hooked: PartitionAssigner = ({ cluster }) => {
    tellRefusals(cluster)
    hookJoin(cluster, hooks)
    hookReset(cluster)
    fetches.hook(cluster as FindingCluster, (...part) => hooks.passOver(...part))
    ownCommittedOffsets(cluster)
    connections.share(cluster as ConnectingCluster)
    const assigner = sticky(cluster, () => hooks.owned())
    return {
      ...assigner,
      protocol: (subscription) => {
        hooks.joining(subscription.topics)
        return assigner.protocol(subscription)
      },
    }
  }
  return [hooked, ({ cluster }) => roundRobin(cluster)]
}

/** KafkaJS says only that it found no coordinator, also to members that may not use the group: they would try for ever. */
function tellRefusals(cluster: ClusterClient): void {
  const { brokerPool } = cluster
  if (brokerPool === undefined) return
  cluster.findGroupCoordinatorMetadata = async (group) => {
    let refusal: unknown = new Error('no broker could be asked for the coordinator')
    const found = await brokerPool.withBroker(({ broker }) =>
      broker.findGroupCoordinator(group).catch((error: unknown) => {
        refusal = error
        throw error
      }),
    )
    if (found !== null) return found
    throw refusal
  }
}

function hookJoin(cluster: ClusterClient, hooks: Hooks): void {
  const find = cluster.findGroupCoordinator.bind(cluster)
  cluster.findGroupCoordinator = async (group) => {
    const coordinator = await hooks.beforeJoin(() => find(group))
    hookCommit(coordinator, hooks)
    return coordinator
  }
  const refresh = cluster.refreshMetadataIfNecessary.bind(cluster)
  cluster.refreshMetadataIfNecessary = async () => {
    await hooks.beforeFetch()
    return refresh()
  }
}

/**
 * KafkaJS's silent reset commits `defaultOffset` by itself, then goes on there. It is given no offset but a mark, which
 * {@link hookCommit} knows. `defaultOffset` serves the listing of offsets too.
 */
function hookReset(cluster: ClusterClient): void {
  const list = cluster.fetchTopicsOffset.bind(cluster)
  const offsetOf = cluster.defaultOffset.bind(cluster)
  let listing = false
  cluster.fetchTopicsOffset = (topics) => {
    listing = true
    try {
      return list(topics)
    } finally {
      listing = false
    }
  }
  cluster.defaultOffset = (config) => (listing ? offsetOf(config) : (RESET as unknown as number))
}

/** Has the handler say where to go on, in the place of a reset. */
function hookCommit(coordinator: CommittingCoordinator, hooks: Hooks): void {
  const { offsetCommit } = coordinator
  if (offsetCommit === undefined || hooked.has(coordinator)) return
  hooked.add(coordinator)
  coordinator.offsetCommit = (request) => {
    const { topic, partitions: [first] = [] } = request.topics[0] ?? {}
    if (first?.offset !== RESET || topic === undefined) return offsetCommit.call(coordinator, request)
    return hooks.outOfRange({ topic, partition: first.partition })
  }
}

/** A coordinator as KafkaJS has it at run time. */
interface CommittingCoordinator extends CoordinatorClient {
  offsetCommit?(request: CommitRequest): Promise<unknown>
}

interface CommitRequest {
  readonly topics: readonly { topic: string; partitions: readonly { partition: number; offset: unknown }[] }[]
}

const hooked = new WeakSet<object>()

/** Can't be sent: should a coordinator come by another way, the consumer crashes, and the next one meets this anew. */
const RESET = {
  [Symbol.toPrimitive]() {
    throw new OutOfRange()
  },
}

/**
 * KafkaJS keeps a group's committed offsets once for all consumers of a `Kafka` instance, and a join of one member
 * clears them: another member of the group in the same process then fails with a TypeError.
 */
function ownCommittedOffsets(cluster: ClusterClient & { committedOffsets?: () => object }): void {
  const own = {}
  cluster.committedOffsets = () => own
}
