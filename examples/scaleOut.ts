import { Redis } from 'ioredis'
import { Kafka, logLevel } from 'kafkajs'
import { kafkajs, run, type SourceEvent } from 'rxjs-kafka-toolkit'
import { saveActivities } from './saveActivities.ts'

// Saves activities until it is told to end. Start it again, here or on another machine, and the two share the
// partitions; end one, and the other takes over what it had.
//
//     KAFKA_BROKERS=127.0.0.1:19092 REDIS_URL=redis://127.0.0.1:16379 npx tsx examples/scaleOut.ts

const { KAFKA_BROKERS = '127.0.0.1:9092', REDIS_URL = 'redis://127.0.0.1:6379', PREFIX = '' } = process.env

const kafka = kafkajs(new Kafka({ brokers: KAFKA_BROKERS.split(','), logLevel: logLevel.NOTHING }))
const redis = new Redis(REDIS_URL)
const running = run(kafka, saveActivities(kafka, redis, { prefix: PREFIX }))
running.events.subscribe(tell)
try {
  await running.closed
} finally {
  redis.disconnect()
}

function tell(event: SourceEvent): void {
  if (event.type !== 'assigned') return
  const partitions = event.partitions.map(({ partition }) => partition).sort()
  console.log(`${process.pid} reads partitions ${partitions.join(', ') || 'none'}`)
}
