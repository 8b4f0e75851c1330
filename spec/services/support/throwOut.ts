import type { PartitionAssigner } from '../../../lib/kafkajs/client.ts'
import { kafkaClient, type RealKafka } from './kafka.ts'

/** Does to a group's members what a lost session does, at once. */
export async function throwOut(real: RealKafka, groupId: string): Promise<void> {
  const { groups } = await real.admin.describeGroups([groupId])
  const spies: Parameters<PartitionAssigner>[0]['cluster'][] = []
  const spy = kafkaClient().consumer({
    groupId,
    partitionAssigners: [
      ({ cluster }) => {
        spies.push(cluster as never)
        return {
          name: 'spy',
          version: 0,
          assign: async () => [],
          protocol: () => ({ name: 'spy', metadata: Buffer.alloc(0) }),
        }
      },
    ],
  })
  await spy.connect()
  interface Leavable {
    leaveGroup(request: { groupId: string; memberId: string }): Promise<void>
  }
  const coordinator = (await spies[0]?.findGroupCoordinator({ groupId })) as Leavable | undefined
  for (const { memberId } of groups[0]?.members ?? []) await coordinator?.leaveGroup({ groupId, memberId })
  await spy.disconnect()
}
