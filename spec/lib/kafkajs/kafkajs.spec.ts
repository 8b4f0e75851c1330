import { Kafka } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { kafkajs } from '../../../lib/kafkajs/kafkajs.ts'

// What it does with a real Kafka is in spec/services/kafkajs*.spec.ts.
describe('kafkajs', () => {
  it('takes a Kafka, and opens no connection before something is read or sent', () => {
    expect(kafkajs(new Kafka({ brokers: ['127.0.0.1:1'] }))).toMatchObject({ clock: expect.anything() })
  })

  it('refuses what is no Kafka', () => {
    // @ts-expect-error the options of a Kafka
    expect(() => kafkajs({ brokers: [] })).toThrow('Expected `kafka` to be an instance of KafkaJS')
    // @ts-expect-error nothing
    expect(() => kafkajs()).toThrow('new Kafka({ brokers })')
  })
})
