import type { Kafka } from 'kafkajs'
import { describe, expectTypeOf, it } from 'vitest'
import type { KafkaClient } from '../../lib/kafkajs/client.ts'
import { kafkajs } from '../../lib/kafkajs/kafkajs.ts'
import { brokerSuite } from '../broker.suite.ts'
import { RealKafka } from './support/kafka.ts'

brokerSuite('kafkajs on a real Kafka', async () => {
  const real = await RealKafka.connect()
  return {
    broker: kafkajs(real.kafka),
    createTopic: (name, partitions) => real.createTopic(name, partitions),
    committed: (groupId, topic) => real.committed(groupId, topic),
    deleteRecords: (topic, partition, before) => real.deleteRecords(topic, partition, before),
    recreateTopic: (name) => real.recreateTopic(name),
    endOffsets: (topic) => real.endOffsets(topic),
    until: (condition) => real.until(condition),
    uniqueName: (prefix) => real.uniqueName(prefix),
    close: () => real.close(),
  }
})

describe('the client that kafkajs() takes', () => {
  it("is KafkaJS's own", () => {
    expectTypeOf<Kafka>().toExtend<KafkaClient>()
  })
})
