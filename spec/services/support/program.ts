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
const file = openSync(log, 'a')
const write = (what: string, detail: string | number = '') => writeSync(file, `${Date.now()} ${what} ${detail}\n`)

const broker = kafkajs(kafkaClient())
const { pipeline, close } = realPipeline(broker, job, (id) => write('sent', id))
const running = run(broker, pipeline.pipe(tap(() => write('acked'))))
running.events.subscribe((event) => {
  if (event.type === 'assigned') write('assigned', event.partitions.length)
  else if (event.type === 'committed') write('committed', event.offsets.length)
  else if ('error' in event) write(event.type, String(event.error).split('\n')[0])
})
await running.closed
await close()
