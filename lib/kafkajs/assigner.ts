import type { Assigner, ClusterClient, MemberAssignment } from './client.ts'

const NAME = 'RoundRobinAssigner'
const VERSION = 0
const NO_USER_DATA = int32(0)

/**
 * KafkaJS's round robin: the same name, choice and bytes, so that its own consumers can be members of the group too.
 * Written again because KafkaJS itself is never imported here.
 */
export function roundRobin(cluster: ClusterClient): Assigner {
  return {
    name: NAME,
    version: VERSION,
    assign: async ({ members, topics }) => {
      const all = topics.flatMap((topic) =>
        cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => ({ topic, partition: partitionId })),
      )
      const ids = members.map(({ memberId }) => memberId).sort()
      return ids.map((id, i) =>
        assignmentOf(
          id,
          all.filter((_, n) => n % ids.length === i),
        ),
      )
    },
    protocol: ({ topics }) => ({
      name: NAME,
      metadata: Buffer.concat([int16(VERSION), array(topics.map(text)), NO_USER_DATA]),
    }),
  }
}

function assignmentOf(memberId: string, places: readonly { topic: string; partition: number }[]): MemberAssignment {
  const byTopic = new Map<string, Buffer[]>()
  for (const { topic, partition } of places) {
    byTopic.set(topic, [...(byTopic.get(topic) ?? []), int32(partition)])
  }
  const topics = [...byTopic].map(([topic, partitions]) => Buffer.concat([text(topic), array(partitions)]))
  return { memberId, memberAssignment: Buffer.concat([int16(VERSION), array(topics), NO_USER_DATA]) }
}

function array(items: readonly Buffer[]): Buffer {
  return Buffer.concat([int32(items.length), ...items])
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([int16(bytes.length), bytes])
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}
