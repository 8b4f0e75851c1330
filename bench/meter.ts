import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import type { Figures } from './metrics.ts'
import { quantileOf, spreadOf } from './statistics.ts'

/** How often the event loop is looked at, in ms; `monitorEventLoopDelay` counts it in. */
const LOOK = 10

/** The instant, in ms since 1970, more finely than `Date.now()`. */
export const now = (): number => performance.timeOrigin + performance.now()

/**
 * Measures from the message after the warm-up to the last one. All variants of a case count a message at the same place
 * of its way.
 */
export class Meter {
  /** Resolves when all messages were counted. */
  readonly done: Promise<void>
  private readonly from: number
  private readonly to: number
  /** After so many messages the memory is looked at: so that each fifth has eight looks, of which the median counts. */
  private readonly fortieth: number
  private readonly memory: number[] = []
  private readonly latencies: number[] = []
  private readonly noted: { -readonly [K in keyof Figures]: number } = {}
  private readonly loop: IntervalHistogram
  private counted = 0
  private startedAt = 0
  private cpuAtStart = process.cpuUsage()
  private ms = 0
  private cpu = process.cpuUsage()
  private finish!: () => void

  constructor(warmUp: number, messages: number) {
    this.from = warmUp + 1
    this.to = warmUp + messages
    this.fortieth = Math.ceil(this.to / 40)
    this.loop = monitorEventLoopDelay({ resolution: LOOK })
    this.done = new Promise((resolve) => {
      this.finish = resolve
    })
  }

  /** @param due when the message was to be sent, where latency is measured */
  count(due?: number): void {
    this.counted++
    if (this.counted === 1) this.note('first', performance.now())
    if (this.counted === this.from) this.start()
    if (due !== undefined && this.counted >= this.from) this.latencies.push(now() - due)
    if (this.counted % this.fortieth === 0) this.memory.push(process.memoryUsage.rss())
    if (this.counted === this.to) this.end()
  }

  /** Keeps a figure that a variant has measured itself. */
  note(name: keyof Figures, value: number): void {
    this.noted[name] = value
  }

  figures(): Figures {
    const messages = this.to - this.from + 1
    const us = this.cpu.user + this.cpu.system
    return {
      rate: Math.round((messages / this.ms) * 1000),
      cpu: us / messages,
      core: us / this.ms / 10,
      rss: process.resourceUsage().maxRSS / 1024,
      loop: Math.max(0, this.loop.percentile(99) / 1e6 - LOOK),
      loopMost: Math.max(0, this.loop.max / 1e6 - LOOK),
      ...this.latency(),
      ...this.growth(),
      ...this.noted,
    }
  }

  private latency(): Figures {
    if (this.latencies.length === 0) return {}
    const sorted = this.latencies.toSorted((a, b) => a - b)
    return { p50: quantileOf(sorted, 0.5), p99: quantileOf(sorted, 0.99), longest: sorted.at(-1) as number }
  }

  private growth(): Figures {
    if (this.memory.length < 40) return {}
    return { growth: spreadOf(this.memory.slice(-8)).median / spreadOf(this.memory.slice(8, 16)).median }
  }

  private start(): void {
    this.loop.enable()
    this.startedAt = performance.now()
    this.cpuAtStart = process.cpuUsage()
  }

  private end(): void {
    this.ms = performance.now() - this.startedAt
    this.cpu = process.cpuUsage(this.cpuAtStart)
    this.loop.disable()
    this.finish()
  }
}
