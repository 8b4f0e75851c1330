import { Kafka, logLevel } from 'kafkajs'

/** A client as most applications make it, but for its talk. */
export function kafkaClient(brokers: readonly string[]): Kafka {
  return new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING })
}
