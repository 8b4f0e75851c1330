import type { Broker } from '../broker.ts'
import { systemClock } from '../clock.ts'
import { refuse } from '../expect.ts'
import { Members } from '../members.ts'
import { Admin } from './admin.ts'
import type { KafkaClient, Partitioner } from './client.ts'
import { KafkajsConsumer } from './consumer.ts'
import { Producer } from './producer.ts'

/** How KafkaJS is used. */
export interface KafkajsOptions {
  /** Chooses partitions, as the option of KafkaJS's producer. @default KafkaJS's own: murmur2 of the key */
  readonly createPartitioner?: Partitioner
}

/**
 * Makes a broker of your KafkaJS client, with whatever brokers, TLS, SASL and logger it has.
 *
 * Connects when something is first read or sent, and closes what it opened once nothing is. A consumer that crashes
 * (broker gone, session lost) is replaced with a growing wait, for ever; what no further try can mend (an unknown
 * topic, refused credentials) errors the stream.
 *
 * @param kafka an instance of KafkaJS 2.2's `Kafka`
 * @throws TypeError when it is something else, at once
 */
export function kafkajs(kafka: KafkaClient, options: KafkajsOptions = {}): Broker {
  // JavaScript users: the options of a Kafka are not a Kafka.
  if (typeof (kafka as Partial<KafkaClient> | undefined)?.consumer !== 'function')
    refuse('kafka', 'an instance of KafkaJS: new Kafka({ brokers })', kafka)
  const clock = systemClock
  const admin = new Admin(kafka)
  const producer = new Producer(kafka, clock, options.createPartitioner)
  let readers = 0
  const host = {
    kafka,
    clock,
    admin,
    random: Math.random,
    createPartitioner: options.createPartitioner,
    left: () => {
      if (--readers > 0) return
      admin.close()
      producer.need(false)
    },
  }
  return {
    clock,
    members: new Members(),
    random: Math.random,
    consume: (consumeOptions, handler) => {
      if (readers++ === 0) producer.need(true)
      return new KafkajsConsumer(host, consumeOptions, handler)
    },
    send: (messages, done, how) => producer.send(messages, done, how),
  }
}
