import type { Lane } from './lanes.ts'
import type { AllPerBatchOptions, Outcome } from './perBatch.ts'
import { type Entry, retryAfterOf } from './request.ts'

/** Of the entries of one answered request, those that wait for their next try; they are tried together. */
export class Again<A, R> {
  readonly entries: Entry<A, R>[] = []
  /** How long the server asks to be left alone, in ms. */
  retryAfter = 0
  private readonly options: AllPerBatchOptions
  private readonly lanes = new Set<Lane>()

  constructor(options: AllPerBatchOptions) {
    this.options = options
  }

  /**
   * Takes an entry whose failure may pass, or one that would otherwise come before such an entry of its lane. False
   * when the outcome stands.
   */
  takes(entry: Entry<A, R>, outcome: Outcome<unknown>): boolean {
    const { classify, retry } = this.options
    const { lane } = entry
    if (outcome !== 'drop' && 'error' in outcome) {
      if (classify(outcome.error) !== 'transient') return false
      if (++entry.failures >= (retry.attempts ?? Number.POSITIVE_INFINITY)) return false
      this.retryAfter = Math.max(this.retryAfter, retryAfterOf(outcome.error))
      if (lane !== undefined) this.lanes.add(lane)
    } else if (lane === undefined || !this.lanes.has(lane)) return false
    this.entries.push(entry)
    return true
  }
}
