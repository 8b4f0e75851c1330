import { roundRobin, sticky } from './assigner.ts'
import type { ClusterClient, CoordinatorClient, PartitionAssigner } from './client.ts'
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
  /** The offset to read from is not in the log: throws, so that KafkaJS doesn't commit another one by itself. */
  outOfRange(): never
}

/**
 * Makes the assigners of a consumer, the first of which hooks into the `cluster` it is given: the only object by which
 * a consumer can be made to wait. Each consumer has a cluster of its own, so nothing else is touched.
 *
 * A group uses the first assigner that all its members know: with consumers of KafkaJS among them, round robin.
 */
export function hookedAssigners(hooks: Hooks): PartitionAssigner[] {
  const hooked: PartitionAssigner = ({ cluster }) => {
    hookJoin(cluster, hooks)
    hookReset(cluster, hooks)
    ownCommittedOffsets(cluster)
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

function hookJoin(cluster: ClusterClient, hooks: Hooks): void {
  const find = cluster.findGroupCoordinator.bind(cluster)
  cluster.findGroupCoordinator = (group) => hooks.beforeJoin(() => find(group))
  const refresh = cluster.refreshMetadataIfNecessary.bind(cluster)
  cluster.refreshMetadataIfNecessary = async () => {
    await hooks.beforeFetch()
    return refresh()
  }
}

/** `defaultOffset` serves two callers: the listing of offsets, which it may answer, and the silent reset. */
function hookReset(cluster: ClusterClient, hooks: Hooks): void {
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
  cluster.defaultOffset = (config) => (listing ? offsetOf(config) : hooks.outOfRange())
}

/**
 * KafkaJS keeps a group's committed offsets once for all consumers of a `Kafka` instance, and a join of one member
 * clears them: another member of the group in the same process then fails with a TypeError.
 */
function ownCommittedOffsets(cluster: ClusterClient & { committedOffsets?: () => object }): void {
  const own = {}
  cluster.committedOffsets = () => own
}
