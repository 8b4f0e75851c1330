import { Kafka, logLevel } from 'kafkajs'
import { delay, map, mergeMap, type Observable, type OperatorFunction, of, pipe, tap } from 'rxjs'
import {
  ack,
  fromTopic,
  kafkajs,
  type Message,
  perBatch,
  perMessage,
  run,
  text,
  tombstones,
  topic,
} from 'rxjs-kafka-toolkit'
import { readJob } from './job.ts'
import { type Handled, LedgerFile } from './ledgerFile.ts'
import { workOf } from './work.ts'

/** A member that reads with the toolkit, as an application would. */
const job = readJob()
const ledger = new LedgerFile(job.ledger)

const work = (handled: Handled) =>
  of(handled).pipe(
    tap((one) => ledger.start(one)),
    delay(workOf(job.seed, handled)),
    tap((one) => ledger.end(one)),
  )

type Style = OperatorFunction<Message<Handled>, unknown>

const anyOrder: Style = mergeMap((message: Message<Handled>) => work(message.value).pipe(tap(() => message.ack())))

const byKey: Style = pipe(perMessage<Handled, Handled>(mergeMap(work), { concurrency: 64 }), ack())

const inBatches: Style = pipe(
  perBatch(
    (handled: Handled) => handled,
    (all) => {
      for (const one of all) ledger.start(one)
      const longest = Math.max(...all.map((one) => workOf(job.seed, one)))
      const outcomes = all.map((value) => ({ value }))
      return of(outcomes).pipe(
        delay(longest),
        tap(() => {
          for (const one of all) ledger.end(one)
        }),
      )
    },
    { batch: { max: 20, wait: 10 } },
  ),
  ack(),
)

const styles = { anyOrder, byKey, inBatches }
const names = Object.keys(styles) as (keyof typeof styles)[]
const style = names[job.style % names.length] as keyof typeof styles
ledger.write('style', style)

const kafka = kafkajs(
  new Kafka({ clientId: 'ours', brokers: [job.broker], logLevel: logLevel.NOTHING, requestTimeout: 10_000 }),
)
const read: Observable<Message<unknown>> = fromTopic(
  kafka,
  job.topics.map((name) => topic(name, tombstones(text))),
  { groupId: job.groupId, sessionTimeout: job.sessionTimeout, maxInFlight: 200, onOutOfRange: 'earliest' },
)
const running = run(
  kafka,
  read.pipe(
    map((message) => message.with(placeOf(message))),
    styles[style],
  ),
)
running.events.subscribe((event) => {
  const { type, ...rest } = event
  ledger.write(
    type,
    JSON.stringify(rest, (_, value) => (value instanceof Error ? String(value) : value)),
  )
})
await running.closed
// Fires only where something keeps the process from its end.
setTimeout(() => console.error(`kept alive by ${process.getActiveResourcesInfo()}`), 5000).unref()

function placeOf({ topic, partition, offset, key }: Message<unknown>): Handled {
  return { topic, partition, offset, key: Buffer.from(key ?? '').toString() }
}
