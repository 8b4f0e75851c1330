import type { Lane } from './lanes.ts'
import type { Outcome } from './perBatch.ts'
import { type Entry, type RequestHost, retryAfterOf } from './request.ts'

/** Of the entries of one answered request, those that wait for their next try; they are tried together. */
export class Again<A, R> {
  readonly entries: Entry<A, R>[] = []
  /** How long the server asks to be left alone, in ms. */
  retryAfter = 0
  private readonly host: Pick<RequestHost<A, R, unknown>, 'options' | 'isOver'>
  private readonly lanes = new Set<Lane>()

  constructor(host: Pick<RequestHost<A, R, unknown>, 'options' | 'isOver'>) {
    this.host = host
  }

  /**
   * Takes an entry whose failure may pass, or one that would otherwise come before such an entry of its lane. False
   * when the outcome stands.
   */
  takes(entry: Entry<A, R>, outcome: Outcome<unknown>): boolean {
    const { lane } = entry
    if (outcome !== 'drop' && 'error' in outcome) {
      if (this.host.options.classify(outcome.error) !== 'transient') return false
      entry.failures++
      entry.error = outcome.error
      if (this.host.isOver(entry)) return false
      this.retryAfter = Math.max(this.retryAfter, retryAfterOf(outcome.error))
      if (lane !== undefined) this.lanes.add(lane)
    } else if (lane === undefined || !this.lanes.has(lane)) return false
    // It has not failed: its time begins with its next try.
    else entry.deadline = undefined
    this.entries.push(entry)
    return true
  }
}
