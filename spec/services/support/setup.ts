import { expectReachable } from '../../../examples/demo/reachable.ts'
import { connectionSettings } from '../../../services/defaults.ts'
import { kafkaClient } from './kafka.ts'
import { until } from './until.ts'

/** Fails at once, and in words, where the servers are not up. */
export async function setup(): Promise<void> {
  await expectReachable(connectionSettings())
  await groupsAreServed()
}

/** A Kafka that was never asked for a group makes the topic of their offsets first, and refuses questions meanwhile. */
async function groupsAreServed(): Promise<void> {
  const admin = kafkaClient().admin()
  await admin.connect()
  const isServed = () =>
    admin.fetchOffsets({ groupId: 'setup' }).then(
      () => true,
      () => false,
    )
  try {
    await until('Kafka serves groups', isServed, 60_000)
  } finally {
    await admin.disconnect()
  }
}
