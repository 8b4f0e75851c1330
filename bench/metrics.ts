/** What can be measured of a run. */
export interface Metric {
  /** The head of its column. */
  readonly title: string
  readonly digits: number
  /** The head of a column with the ratio against the reference, for a figure that is compared. */
  readonly ratio?: string
}

/** All figures, by the names that the cases and the runs use. */
export const metrics = {
  rate: { title: 'messages/s', digits: 0, ratio: 'ratio' },
  /** User and system, all threads of the process. */
  cpu: { title: 'CPU µs a message', digits: 2, ratio: 'CPU ratio' },
  /** The highest of the whole run. */
  rss: { title: 'peak RSS MB', digits: 0 },
  /** CPU time over time. */
  core: { title: '% of a core', digits: 1, ratio: 'ratio' },
  /** From the instant that a message was due to be sent to the end of the work on it. */
  p50: { title: 'p50 ms', digits: 1 },
  p99: { title: 'p99 ms', digits: 1 },
  longest: { title: 'longest ms', digits: 0 },
  /** Messages sent and not yet committed, the most that were found: what a crash would have repeated. */
  lag: { title: 'commit lag', digits: 0 },
  /** By how much the event loop came late. */
  loop: { title: 'loop p99 ms', digits: 1 },
  loopMost: { title: 'loop longest ms', digits: 0 },
  /** From the start of the process. */
  first: { title: 'ms to first message', digits: 0 },
  /** From the request to end to the end. */
  drain: { title: 'ms to drain', digits: 0 },
  /** Messages whose work was done when the end was asked for in the middle of it; all else was read to its end. */
  handled: { title: 'messages handled', digits: 0 },
  /** RSS over the last fifth of the messages against that over the second fifth. */
  growth: { title: 'RSS, end / begin', digits: 2 },
  /** CPU time of one operation. */
  ns: { title: 'CPU ns', digits: 0, ratio: 'ratio' },
} as const satisfies Record<string, Metric>

export type MetricName = keyof typeof metrics

/** The figures of one run. */
export type Figures = Readonly<Partial<Record<MetricName, number>>>
