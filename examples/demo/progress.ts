import type { Running, SourceHealth } from 'rxjs-kafka-toolkit'
import { type PipelineDescription, pipelines } from './pipelines.ts'

/** How a pipeline stands. */
export interface PipelineProgress extends PipelineDescription {
  /** Messages acked, with those dead-lettered. */
  readonly done: number
  readonly total: number
  /** Messages a second, over the last second or so. */
  readonly rate: number
  readonly inFlight: number
  /** Messages in its topic that are not committed. */
  readonly lag: number
  readonly commits: number
  readonly errors: number
}

/** How the run stands. */
export interface Progress {
  readonly seconds: number
  /** From 0 to 1. */
  readonly share: number
  readonly pipelines: readonly PipelineProgress[]
}

/** Rates are taken over so long, in ms. */
const WINDOW = 1000

/** Measures a run: call {@link Meter.read} a few times a second. */
export class Meter {
  private readonly running: Running
  private readonly prefix: string
  private readonly total: number
  private readonly start = performance.now()
  private readonly looks: { readonly at: number; readonly done: ReadonlyMap<string, number> }[] = []

  /** @param total messages that each pipeline will get */
  constructor(running: Running, prefix: string, total: number) {
    this.running = running
    this.prefix = prefix
    this.total = total
  }

  read(): Progress {
    const at = performance.now()
    const health = new Map(this.running.health().map((source) => [source.groupId, source]))
    const all = pipelines.map((one) => this.readOne(one, health.get(this.prefix + one.groupId), at))
    this.looks.push({ at, done: new Map(all.map(({ name, done }) => [name, done])) })
    while ((this.looks[1]?.at ?? at) < at - WINDOW) this.looks.shift()
    const done = all.reduce((sum, one) => sum + one.done, 0)
    return { seconds: (at - this.start) / 1000, share: done / (this.total * all.length), pipelines: all }
  }

  private readOne(description: PipelineDescription, source: SourceHealth | undefined, at: number): PipelineProgress {
    const { partitions = [], delivered = 0, deadLettered = 0, skipped = 0, commits = 0 } = source ?? {}
    const inFlight = partitions.reduce((sum, one) => sum + one.inFlight, 0)
    const done = delivered - inFlight
    const first = this.looks[0]
    const since = first === undefined ? 0 : done - (first.done.get(description.name) ?? 0)
    return {
      ...description,
      done,
      total: this.total,
      rate: first === undefined ? 0 : (since * 1000) / Math.max(1, at - first.at),
      inFlight,
      lag: partitions.reduce((sum, one) => sum + one.lag, 0),
      commits,
      errors: deadLettered + skipped,
    }
  }
}
