import { openSync, writeSync } from 'node:fs'
import { delay, tap } from 'rxjs'
import { ack, fromTopic, kafkajs, perMessage, run, text, topic } from 'rxjs-kafka-toolkit'
import { kafkaClient } from './kafka.ts'

/** A child process that takes its time over each message of a topic, and notes when it begins with one. */
const { name, groupId, log } = JSON.parse(process.argv[2] as string) as Record<'name' | 'groupId' | 'log', string>
const file = openSync(log, 'a')
const write = (what: string, detail = '') => writeSync(file, `${Date.now()} ${what} ${detail}\n`)

const broker = kafkajs(kafkaClient())
const options = { groupId, sessionTimeout: 3000, commitInterval: 100, maxInFlight: 10, maxWaitTimeInMs: 100 }
const pipeline = fromTopic(broker, topic(name, text), options).pipe(
  tap(({ id }) => write('start', id)),
  perMessage(delay(50), { concurrency: 1, order: 'partition' }),
  tap(({ id }) => write('acked', id)),
  ack(),
)
const running = run(broker, pipeline)
running.events.subscribe((event) => write(event.type, 'error' in event ? String(event.error) : ''))
await running.closed
