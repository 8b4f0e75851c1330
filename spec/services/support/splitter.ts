import { openSync, writeSync } from 'node:fs'
import { type Broker, kafkajs, run, type TransactionalProducer } from 'rxjs-kafka-toolkit'
import { type Splitting, splitOrders } from '../../../examples/splitOrders.ts'
import { kafkaClient } from './kafka.ts'

/** Between what a transaction sends last and its commit, in ms: most faults fall in there. */
const LATE = 100

/** What a child process runs that splits orders. It keeps a log of what happens, which outlives `kill -9`. */
const { job, log } = JSON.parse(process.argv[2] as string) as { readonly job: Splitting; readonly log: string }
const file = openSync(log, 'a')

const broker = committingLate(kafkajs(kafkaClient()))
const running = run(broker, splitOrders(broker, job))
running.events.subscribe((event) => {
  const detail = 'error' in event ? String(event.error).replaceAll('\n', ' ') : ''
  writeSync(file, `${Date.now()} ${event.type} ${detail}\n`)
})
await running.closed

function committingLate(kafka: Broker): Broker {
  return {
    ...kafka,
    consume: (options, handler) => {
      const consumer = kafka.consume(options, handler)
      const producerOf = consumer.producerOf?.bind(consumer)
      consumer.producerOf = (place) => late(producerOf?.(place) as TransactionalProducer)
      return consumer
    },
  }
}

function late(producer: TransactionalProducer): TransactionalProducer {
  return {
    send: (messages, done) => producer.send(messages, done),
    commit: (offset, done) => setTimeout(() => producer.commit(offset, done), LATE),
    abort: (done) => producer.abort(done),
    renew: (done) => producer.renew(done),
  }
}
