import { memoryBroker } from '../../../lib/memory/memoryBroker.ts'
import { brokerSuite } from '../../broker.suite.ts'
import { until, virtualTime } from '../../support/virtualTime.ts'

brokerSuite('memoryBroker', async () => {
  const clock = virtualTime()
  const broker = memoryBroker({ clock })
  let names = 0
  return {
    broker,
    createTopic: async (name, partitions) => broker.createTopic(name, partitions),
    committed: async (groupId, topic) => broker.committed(groupId, topic),
    endOffsets: async (topic) => broker.endOffsets(topic),
    until: (condition) => until(clock, condition),
    uniqueName: (prefix) => `${prefix}-${++names}`,
    close: async () => {},
  }
})
