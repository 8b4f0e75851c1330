import { Child, type Logged } from './child.ts'
import type { RealKafka } from './kafka.ts'
import type { Job } from './pipelines.ts'
import { writeTopic } from './topicLog.ts'
import { until } from './until.ts'
import { type Example, type UseCase, useCase } from './useCase.ts'

export const COUNT = 10_000
export const PARTITIONS = 4
/** Few in flight, so that the work takes long enough to be killed in the middle. */
const SOURCE = { maxInFlight: 10, commitInterval: 100, sessionTimeout: 3000, maxWaitTimeInMs: 100 }
/** ms that a commit may be late: its own way to the broker and back, on a busy machine. */
const COMMIT_LATE = 300

/** How often each message took effect. */
export type Effects = ReadonlyMap<string, number>

/** Processes that run one example over one topic of 10,000 messages, as members of one group. */
export class Processes {
  private readonly real: RealKafka
  private readonly made: UseCase
  private readonly job: Job
  private readonly children: Child[] = []

  private constructor(real: RealKafka, made: UseCase, job: Job) {
    this.real = real
    this.made = made
    this.job = job
  }

  static async make(real: RealKafka, example: Example, seed: number, latency: number): Promise<Processes> {
    const made = await useCase(real, example, { seed, count: COUNT, partitions: PARTITIONS, latency })
    await writeTopic(real, made.input, made.messages)
    const options = { ...SOURCE, prefix: made.prefix }
    return new Processes(real, made, { example, place: made.place, options, latency })
  }

  /** Begins another process. */
  start(more: Partial<Job> = {}): Child {
    const child = new Child({ ...this.job, ...more })
    this.children.push(child)
    return child
  }

  /** Messages that each process has acked. */
  get acked(): readonly number[] {
    return this.children.map((child) => child.logged('acked').length)
  }

  /** Resolves when a part of all is acked. */
  async reach(part: number): Promise<void> {
    await until(`${part} of ${COUNT} are acked`, () => sum(this.acked) >= part * COUNT)
  }

  effects(): Promise<Effects> {
    return this.made.effects(this.children.flatMap((child) => child.logged('sent').map(({ detail }) => detail)))
  }

  /** The effects once no more come: what was on its way when a process was killed still arrives. */
  async settledEffects(): Promise<Effects> {
    let last: Effects = new Map()
    await until('nothing is on its way', async () => {
      const before = last.size
      last = await this.effects()
      return before === last.size
    })
    return last
  }

  /** How many messages are committed. */
  async committed(): Promise<number> {
    return sum([...(await this.real.committed(this.made.groupId, this.made.input)).values()])
  }

  async allCommitted(): Promise<void> {
    await until('all is committed', async () => (await this.committed()) === COUNT, 60_000)
  }

  /** What came out, and what has to. */
  async results() {
    return { actual: await this.made.actual(), expected: this.made.expected }
  }

  /** The last of what happened in each, for whoever looks for the cause of a failure. */
  get lastWords(): string {
    return this.children.map((child) => child.lastWords).join('\n\n')
  }

  async close(): Promise<void> {
    await Promise.all(this.children.map((child) => child.close()))
    await this.made.close()
  }
}

/**
 * How many effects a kill may cost at most: what can be in flight, and what was acked after a commit that left in time
 * would have taken it.
 */
export function costOfKill(log: readonly Logged[]): number {
  const end = log.at(-1)?.at ?? 0
  const begin = end - SOURCE.commitInterval - COMMIT_LATE
  return PARTITIONS * SOURCE.maxInFlight + log.filter(({ what, at }) => what === 'acked' && at >= begin).length
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0)
}
