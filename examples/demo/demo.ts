import { type Running, run } from 'rxjs-kafka-toolkit'
import { type Account, accountOf, type Offsets } from './accounting.ts'
import { type DemoData, firstOf } from './data.ts'
import { observedResults } from './observed.ts'
import { demoPipelines, type PipelineName, pipelines } from './pipelines.ts'
import { produce } from './produce.ts'
import { Meter } from './progress.ts'
import type { DemoServers } from './servers.ts'
import type { View } from './view.ts'

/** One run of the demo. */
export interface Demo {
  readonly servers: DemoServers
  readonly data: DemoData
  /** How long the messages take to arrive. */
  readonly seconds: number
  readonly view: View
  /** Ends the run early: what was produced until then is still worked through. */
  readonly signal: AbortSignal
}

/** How long the pipelines may commit nothing once the last message was sent, in ms; less when someone waits for the end. */
const PATIENCE = 30_000
const LITTLE_PATIENCE = 5000
const BEAT = 50

/**
 * Runs the four pipelines until they have committed all that was produced, and draws up the books.
 *
 * @throws what a pipeline failed with
 */
export async function runDemo(demo: Demo): Promise<Account> {
  const { servers, data, view } = demo
  const running = run(servers.kafka, demoPipelines(servers), { signals: false })
  const meter = new Meter(running, servers.prefix, data.orders.length)
  const show = () => view.show(meter.read())
  const timer = setInterval(show, view.every)
  const ended = new AbortController()
  let produced = 0
  try {
    await Promise.race([
      running.closed,
      workThrough(demo, running, ended.signal).then((count) => {
        produced = count
      }),
    ])
    show()
    await running.drain()
  } finally {
    clearInterval(timer)
    ended.abort()
    // When it was producing that failed, the pipelines still run.
    await running.drain().catch(() => {})
  }
  const sent = firstOf(data, produced)
  return accountOf(sent, await observedResults(servers, sent), await offsetsOf(servers))
}

/** Produces, and waits until all is done. Gives the number of messages of each topic. */
async function workThrough(demo: Demo, running: Running, ended: AbortSignal): Promise<number> {
  const { servers, signal } = demo
  const { kafka, prefix } = servers
  const produced = await produce({ ...demo, kafka, prefix, signal: AbortSignal.any([signal, ended]) })
  const ends = await Promise.all(pipelines.map(({ input }) => servers.endOffsets(prefix + input)))
  const isDone = () => pipelines.every(({ groupId }, i) => hasCommitted(running, prefix + groupId, ends[i]))
  let commits = 0
  let since = performance.now()
  while (!isDone() && !ended.aborted && performance.now() - since < (signal.aborted ? LITTLE_PATIENCE : PATIENCE)) {
    await pause(BEAT)
    const now = running.health().reduce((sum, source) => sum + source.commits, 0)
    if (now > commits && !signal.aborted) since = performance.now()
    commits = now
  }
  return produced
}

/** Whether a group's source has committed up to these offsets. */
function hasCommitted(running: Running, groupId: string, ends: ReadonlyMap<number, number> = new Map()): boolean {
  const source = running.health().find((one) => one.groupId === groupId)
  return [...ends].every(([partition, offset]) =>
    source?.partitions.some((one) => one.partition === partition && one.committed === offset),
  )
}

/** Asks the servers, not the pipelines, what was committed. */
async function offsetsOf(servers: DemoServers): Promise<Readonly<Record<PipelineName, Offsets>>> {
  const { prefix } = servers
  const each = pipelines.map(async ({ name, groupId, input }) => {
    const committed = await servers.committed(prefix + groupId, prefix + input)
    return [name, { committed, end: await servers.endOffsets(prefix + input) }] as const
  })
  return Object.fromEntries(await Promise.all(each)) as Record<PipelineName, Offsets>
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}
