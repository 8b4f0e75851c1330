import type { PartitionBook } from './books.ts'
import { commitsOf } from './commitLog.ts'
import { act, endInOrder } from './faults.ts'
import { Load } from './load.ts'
import { readLog } from './log.ts'
import { type Verdict, verdictOf } from './oracles.ts'
import type { OwnBroker } from './ownBroker.ts'
import type { Fault } from './plan.ts'
import { violationsOf } from './report.ts'
import { GROUP, Stage, type StageOptions } from './stage.ts'
import { Watch } from './watch.ts'

export interface ChaosOptions extends StageOptions {
  readonly plan: readonly Fault[]
  /** ms */
  readonly length: number
  /** messages a second */
  readonly rate: number
}

export interface Outcome extends Verdict {
  /** What was seen while it ran. */
  readonly violations: readonly string[]
}

/** How long a group that nothing disturbs any more may need for what is left, without progress, in ms. */
const PATIENCE = 45_000

/** Runs a load through the faults of a plan, and judges. */
export async function chaos(broker: OwnBroker, options: ChaosOptions): Promise<Outcome> {
  const stage = new Stage(broker, options)
  try {
    await stage.open()
    const load = new Load(broker.kafka, stage.books, stage.topics, options.rate, options.seed)
    for (let slot = 0; slot < options.members; slot++) stage.start(slot)
    const watch = new Watch(stage)
    try {
      await faults(stage, options)
      await load.stop()
      await finish(stage, watch)
    } finally {
      await load.stop()
      watch.stop()
    }
    await Promise.all(stage.living.map((member) => endInOrder(stage, member)))
    watch.read()
    return await judge(stage)
  } finally {
    await stage.close()
  }
}

/** The members begin while the load does; the first fault may hit them as they join. */
async function faults(stage: Stage, { plan, length, say }: ChaosOptions): Promise<void> {
  const begun = Date.now()
  const since = () => ((Date.now() - begun) / 1000).toFixed(1)
  const running: Promise<unknown>[] = []
  try {
    for (const fault of plan) {
      await stage.sleep(begun + fault.at - Date.now())
      const { name, slot, lasts } = fault
      say(`${since()} s: ${name}, slot ${slot}, ${lasts} ms`)
      const fails = (error: unknown) => say(`${since()} s: ${name} failed: ${error}`)
      running.push(act(stage, fault).catch(fails))
    }
    await stage.sleep(begun + length - Date.now())
  } finally {
    await Promise.all(running)
  }
}

async function finish(stage: Stage, watch: Watch): Promise<void> {
  const { say } = stage.options
  say('no more faults; the group does what is left')
  if (!(await isAllDone(stage, watch))) {
    stage.violate(`what is left is not done ${PATIENCE} ms after the last progress: ${await leftOf(stage)}`)
    for (const member of stage.living) {
      await member.kill()
      stage.outages.end(stage.outages.begin('kill', member.slot))
      stage.start(member.slot)
    }
    await isAllDone(stage, watch)
  }
}

async function isAllDone(stage: Stage, watch: Watch): Promise<boolean> {
  const begun = Date.now()
  while (Date.now() - Math.max(begun, watch.progressAt) < PATIENCE) {
    await stage.sleep(500)
    if (await isFinished(stage)) return true
  }
  return false
}

/** Others stop before the markers at the end of a topic's transactions: that is no lag of messages. */
async function isFinished(stage: Stage): Promise<boolean> {
  if (stage.options.consumer.name === 'ours') return (await lagOf(stage)) === 0
  return [...stage.books].every((book) => book.topic === 'compacted' || undoneOf(book).length === 0)
}

function undoneOf(book: PartitionBook): readonly number[] {
  return [...book.produced.keys()].filter((offset) => offset >= book.deletedBelow && !book.isDone(offset))
}

/** Offsets that are not committed, control records among them. */
async function lagOf({ admin, topics }: Stage): Promise<number> {
  const names = topics.map(({ name }) => name)
  const committed = await admin.fetchOffsets({ groupId: GROUP, topics: names })
  let lag = 0
  for (const name of names) {
    const offsets = committed.find(({ topic }) => topic === name)?.partitions ?? []
    for (const { partition, high } of await admin.fetchTopicOffsets(name)) {
      const offset = Number(offsets.find((one) => one.partition === partition)?.offset ?? 0)
      lag += Number(high) - Math.max(0, offset)
    }
  }
  return lag
}

async function leftOf(stage: Stage): Promise<string> {
  const undone = [...stage.books].map((book) => {
    const left = undoneOf(book)
    return left.length === 0 ? [] : [`${left.length} of ${book.place} from ${left[0]}`]
  })
  return `lag ${await lagOf(stage)}; ${undone.flat().join(', ') || 'all is done'}`
}

async function judge(stage: Stage): Promise<Outcome> {
  const { broker, books, outages, members } = stage
  const commits = await commitsOf(broker.kafka, GROUP)
  const lying = new Set<string>()
  await readLog(broker.kafka, 'compacted', (partition, { offset }) => lying.add(`${partition}@${offset}`))
  const isGone = (topic: string, partition: number, offset: number) =>
    topic === 'compacted' && !lying.has(`${partition}@${offset}`)
  const outcome = { ...verdictOf({ books, outages, members, commits, isGone }), violations: stage.violations }
  stage.isEvidence = violationsOf(outcome).length > 0
  return outcome
}
