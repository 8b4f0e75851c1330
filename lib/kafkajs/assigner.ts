import type { TopicPartition } from '../broker.ts'
import { assignSticky } from '../sticky.ts'
import type { Assigner, ClusterClient, GroupMember, MemberAssignment } from './client.ts'
import { assignment, NOTHING_OWNED, type Owned, subscription, subscriptionOf } from './subscription.ts'

/**
 * KafkaJS's round robin: the same name, choice and bytes, so that its own consumers can be members of the group too.
 * Written again because KafkaJS itself is never imported here. Kafka takes it while any member knows no other.
 */
export function roundRobin(cluster: ClusterClient): Assigner {
  return {
    name: 'RoundRobinAssigner',
    version: 0,
    assign: async ({ members, topics }) => {
      const all = placesOf(cluster, topics)
      const ids = sorted(members).map(({ memberId }) => memberId)
      return ids.map((memberId, i) => ({
        memberId,
        memberAssignment: assignment(all.filter((_, n) => n % ids.length === i)),
      }))
    },
    protocol: ({ topics }) => ({ name: 'RoundRobinAssigner', metadata: subscription(topics) }),
  }
}

/**
 * Leaves to each member what it had, as far as their shares are equal, and gives partitions only to members that read
 * their topic. Its name and user data are those of Kafka's own StickyAssignor.
 *
 * @param owned what this member had
 */
export function sticky(cluster: ClusterClient, owned: () => Owned): Assigner {
  return {
    name: 'sticky',
    version: 0,
    assign: async ({ members, topics }) => {
      const ordered = sorted(members)
      const shares = assignSticky(
        placesOf(cluster, topics),
        ordered.map(({ memberMetadata }) => {
          const told = subscriptionOf(memberMetadata)
          const { places, generation } = told?.owned ?? NOTHING_OWNED
          return { topics: told?.topics ?? topics, owned: places, generation }
        }),
      )
      return ordered.map(
        ({ memberId }, i): MemberAssignment => ({ memberId, memberAssignment: assignment(shares[i] ?? []) }),
      )
    },
    protocol: ({ topics }) => ({ name: 'sticky', metadata: subscription(topics, owned()) }),
  }
}

/** Only what the leader reads itself: it knows of no other topic. */
function placesOf(cluster: ClusterClient, topics: readonly string[]): readonly TopicPartition[] {
  return topics.flatMap((topic) =>
    cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => ({ topic, partition: partitionId })),
  )
}

function sorted(members: readonly GroupMember[]): readonly GroupMember[] {
  return [...members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1))
}
