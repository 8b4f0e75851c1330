/** What one run of a variant took. */
export interface Figures {
  /** messages per second */
  readonly rate: number
  /** µs of CPU a message, user and system, all threads of the process */
  readonly cpu: number
  /** MB, the highest of the whole run */
  readonly rss: number
}

/**
 * Measures from the message after the warm-up to the last one. Each variant counts a message where its own work on it
 * begins, so that all count at the same place.
 */
export class Meter {
  /** Resolves when all messages were counted. */
  readonly done: Promise<void>
  private readonly from: number
  private readonly to: number
  private counted = 0
  private startedAt = 0
  private cpuAtStart = process.cpuUsage()
  private ms = 0
  private cpu = process.cpuUsage()
  private finish!: () => void

  constructor(warmUp: number, messages: number) {
    this.from = warmUp + 1
    this.to = warmUp + messages
    this.done = new Promise((resolve) => {
      this.finish = resolve
    })
  }

  count(): void {
    this.counted++
    if (this.counted === this.from) this.start()
    else if (this.counted === this.to) this.end()
  }

  figures(): Figures {
    const messages = this.to - this.from + 1
    return {
      rate: Math.round((messages / this.ms) * 1000),
      cpu: (this.cpu.user + this.cpu.system) / messages,
      rss: process.resourceUsage().maxRSS / 1024,
    }
  }

  private start(): void {
    this.startedAt = performance.now()
    this.cpuAtStart = process.cpuUsage()
  }

  private end(): void {
    this.ms = performance.now() - this.startedAt
    this.cpu = process.cpuUsage(this.cpuAtStart)
    this.finish()
  }
}
