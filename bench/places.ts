import type { Run } from '../services/run.ts'
import type { Case, Row } from './cases/case.ts'
import { type Load, quickly, totalOf } from './load.ts'
import { SPAN } from './messages.ts'
import { type Stage, stages } from './stages/stages.ts'
import type { Topic, Topics } from './topics.ts'

/** Where a row is measured: what is read, and what stands behind it. */
export interface Place {
  readonly load: Load
  readonly topic: Topic
  readonly stage: Stage | undefined
}

/** The topics of a case's rows, each with its stage. */
export class Places {
  private readonly which: Case
  private readonly run: Run
  private readonly topics: Topics | undefined
  private readonly isQuick: boolean
  private readonly open = new Map<string, Place>()

  /** @param topics undefined where nothing is read from Kafka */
  constructor(which: Case, run: Run, topics: Topics | undefined, isQuick: boolean) {
    this.which = which
    this.run = run
    this.topics = topics
    this.isQuick = isQuick
  }

  async of(row: Row): Promise<Place> {
    const { topics } = this
    const whole = { ...this.which.load, ...row.load }
    const load = this.isQuick ? quickly(whole) : whole
    if (topics === undefined) return { load, topic: { prefix: '', name: 'bench' }, stage: undefined }
    const topic = await topics.of(load)
    const found = this.open.get(topic.name)
    if (found !== undefined) return found
    const open = this.which.stage === undefined ? undefined : stages[this.which.stage]
    const place = {
      load,
      topic,
      stage: await open?.({ run: this.run, topics, topic, instants: load.times === undefined ? totalOf(load) : SPAN }),
    }
    this.open.set(topic.name, place)
    return place
  }

  async close(): Promise<void> {
    for (const { stage } of this.open.values()) await stage?.close()
  }
}
