import { setTimeout as sleep } from 'node:timers/promises'
import { Kafka, logLevel } from 'kafkajs'
import { readJob } from './job.ts'
import { LedgerFile } from './ledgerFile.ts'
import { workOf } from './work.ts'

/** A member written by hand with KafkaJS, as its documentation shows it: the work is awaited, commits are automatic. */
const { broker, groupId, topics, sessionTimeout, ledger: path, seed } = readJob()
const ledger = new LedgerFile(path)
const kafka = new Kafka({
  clientId: 'eachMessage',
  brokers: [broker],
  logLevel: logLevel.NOTHING,
  requestTimeout: 10_000,
})
const consumer = kafka.consumer({
  groupId,
  sessionTimeout,
  heartbeatInterval: sessionTimeout / 3,
  maxWaitTimeInMs: 250,
})

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void consumer.disconnect())

// Without a restart of its own a crashed consumer leaves a process that reads nothing: it should end, and be replaced.
consumer.on(consumer.events.CRASH, ({ payload: { restart } }) => {
  if (!restart) process.exit(1)
})

await consumer.connect()
await consumer.subscribe({ topics: [...topics], fromBeginning: true })
await consumer.run({
  partitionsConsumedConcurrently: 16,
  eachMessage: async ({ topic, partition, message }) => {
    const handled = { topic, partition, offset: Number(message.offset), key: String(message.key) }
    ledger.start(handled)
    await sleep(workOf(seed, handled))
    ledger.end(handled)
  },
})
