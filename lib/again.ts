import type { Entry } from './entry.ts'
import type { Lane } from './lanes.ts'
import type { Outcome } from './perBatch.ts'
import type { RequestHost } from './requestHost.ts'
import { retryAfterOf } from './tries.ts'

/** Of the entries of one answered request, those that wait for their next try; they are tried together. */
export class Again<A, R> {
  readonly entries: Entry<A, R>[] = []
  /** How long the server asks to be left alone, in ms. */
  retryAfter = 0
  private readonly host: Pick<RequestHost<A, R, unknown>, 'options' | 'tries'>
  private readonly lanes = new Set<Lane>()

  constructor(host: Pick<RequestHost<A, R, unknown>, 'options' | 'tries'>) {
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
      if (this.host.tries.isOver(entry)) return false
      this.retryAfter = Math.max(this.retryAfter, retryAfterOf(outcome.error))
      if (lane !== undefined) this.lanes.add(lane)
    } else if (!this.isBehind(entry)) return false
    // It has not failed: its time begins with its next try.
    else entry.deadline = undefined
    this.entries.push(entry)
    return true
  }

  /** Takes those that were to be tried after the request, and come behind such an entry of their lane. */
  takeBehind(entries: readonly Entry<A, R>[]): readonly Entry<A, R>[] {
    const behind = entries.filter((entry) => this.isBehind(entry))
    this.entries.push(...behind)
    return behind
  }

  private isBehind({ lane }: Entry<A, R>): boolean {
    return lane !== undefined && this.lanes.has(lane)
  }
}
