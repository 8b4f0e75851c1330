import { openSync, writeSync } from 'node:fs'
import { tap } from 'rxjs'
import { kafkajs, run } from 'rxjs-kafka-toolkit'
import { kafkaClient } from './kafka.ts'
import { type Job, realPipeline } from './pipelines.ts'

/**
 * What a child process runs: one example, as an application would. It keeps a log of what happens, which is written at
 * once and so outlives `kill -9`.
 */
const { job, log } = JSON.parse(process.argv[2] as string) as { readonly job: Job; readonly log: string }
const { dieAfter = Number.POSITIVE_INFINITY } = job
const file = openSync(log, 'a')
const write = (what: string, detail: string | number = '') => writeSync(file, `${Date.now()} ${what} ${detail}\n`)

const broker = kafkajs(kafkaClient())
const { pipeline, close } = realPipeline(broker, job, (id) => write('sent', id))
let acked = 0
const count = () => {
  acked++
  write('acked')
}
const running = run(broker, pipeline.pipe(tap(count)))
running.events.subscribe((event) => {
  const partitions = 'partitions' in event ? event.partitions.length : ''
  write(event.type, 'error' in event ? String(event.error).replaceAll('\n', ' ') : partitions)
  if (event.type === 'committed' && acked >= dieAfter) process.kill(process.pid, 'SIGKILL')
})
await running.closed
await close()
