import { isKept, type Order, raised } from '../messages.ts'
import type { Variant } from './variant.ts'

/** The parts of @platformatic/kafka that are used: it is no dependency, but installed beside the clone when it is measured. */
interface Library {
  readonly Consumer: new (
    options: object,
  ) => {
    consume(options: object): Promise<Stream>
    close(): Promise<void>
  }
}

interface Stream {
  on(event: 'data', listener: (message: { readonly value: Order }) => void): void
  close(): Promise<void>
}

/** A stream of messages, offsets committed each second: the defaults but for the size of a fetch, which is KafkaJS's. */
export const platformatic: Variant = async ({ topic, groupId, brokers, place }, meter) => {
  const { Consumer } = (await import(place.platformatic)) as Library
  const consumer = new Consumer({
    groupId,
    clientId: 'bench',
    bootstrapBrokers: brokers,
    autocommit: 1000,
    maxBytes: 10 * 1024 * 1024,
    maxWaitTime: 250,
    deserializers: { value: (bytes: Buffer) => JSON.parse(bytes.toString()) },
  })
  const stream = await consumer.consume({ topics: [topic], mode: 'committed', fallbackMode: 'earliest' })
  stream.on('data', ({ value }) => {
    meter.count(value.due)
    isKept(raised(value))
  })
  await meter.done
  await stream.close()
  await consumer.close()
}
