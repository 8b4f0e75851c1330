import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Run } from '../services/run.ts'
import type { Case, Row } from './cases/case.ts'
import type { Job } from './child.ts'
import { type Load, quickly, totalOf } from './load.ts'
import type { Figures } from './metrics.ts'
import { type CaseFigures, figuresOf } from './results.ts'
import { type Stage, stages } from './stages/stages.ts'
import type { Topic, Topics } from './topics.ts'

/** How the children are started. */
export interface Children {
  readonly program: string
  /** Flags of Node, such as `--cpu-prof`. */
  readonly flags: readonly string[]
  readonly run: Run
  /** Undefined where no case needs Kafka. */
  readonly topics: Topics | undefined
  readonly rounds: number
  /** Whether a tenth of the messages is enough. */
  readonly isQuick: boolean
  readonly say: (line: string) => void
}

/** Runs a case's variants one after the other, round by round: what disturbs the machine disturbs them all. */
export async function runCase(which: Case, rows: readonly Row[], children: Children): Promise<CaseFigures> {
  const { rounds, say } = children
  const places = new Places(which, children)
  const found: Figures[][] = []
  try {
    for (let round = 1; round <= rounds; round++) {
      const figures: Figures[] = []
      for (const row of rows) {
        figures.push(await measure(which, row, places, children))
        say(`${which.name} ${round}/${rounds} ${row.under ?? ''} ${row.title}: ${inWords(figures.at(-1) as Figures)}`)
      }
      found.push(figures)
    }
  } finally {
    await places.close()
  }
  return figuresOf(which, rows, found)
}

interface Place {
  readonly load: Load
  readonly topic: Topic
  readonly stage: Stage | undefined
}

/** The topics of a case's rows, each with its stage. */
class Places {
  private readonly which: Case
  private readonly children: Children
  private readonly open = new Map<string, Place>()

  constructor(which: Case, children: Children) {
    this.which = which
    this.children = children
  }

  async of(row: Row): Promise<Place> {
    const { run, topics, isQuick } = this.children
    const whole = { ...this.which.load, ...row.load }
    const load = isQuick ? quickly(whole) : whole
    if (topics === undefined) return { load, topic: { prefix: '', name: 'bench' }, stage: undefined }
    const topic = await topics.of(load)
    const found = this.open.get(topic.name)
    if (found !== undefined) return found
    const open = this.which.stage === undefined ? undefined : stages[this.which.stage]
    const place = { load, topic, stage: await open?.({ run, topics, topic }) }
    this.open.set(topic.name, place)
    return place
  }

  async close(): Promise<void> {
    for (const { stage } of this.open.values()) await stage?.close()
  }
}

let runs = 0

async function measure(which: Case, row: Row, places: Places, { program, flags, topics }: Children): Promise<Figures> {
  const { load, topic, stage } = await places.of(row)
  const { variant, setting = 0 } = row
  const job: Job = {
    variant,
    setting,
    brokers: topics?.brokers ?? [],
    topic: topic.name,
    prefix: topic.prefix,
    groupId: `${topic.name}-${variant}-${++runs}`,
    warmUp: load.warmUp,
    messages: totalOf(load),
    place: { redisUrl: '', outs: [], ...stage?.place },
  }
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, program, JSON.stringify(job)])
  if (which.overKafka) await expectCommitted(topics as Topics, job, topic)
  await stage?.expectDone(job.messages)
  return JSON.parse(stdout)
}

/** A run that left something uncommitted has done less work than the others. */
async function expectCommitted(topics: Topics, { groupId, messages }: Job, topic: Topic): Promise<void> {
  const committed = await topics.committed(groupId, topic)
  if (committed !== messages)
    throw new Error(`Expected ${groupId} to have committed ${messages} messages, got ${committed}`)
}

function inWords({ rate = 0, cpu = 0, rss = 0 }: Figures): string {
  return `${Math.round(rate).toLocaleString('en')} messages/s, ${cpu.toFixed(2)} µs CPU a message, ${Math.round(rss)} MB`
}
