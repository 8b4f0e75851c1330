import { fetch as crossFetch } from 'cross-fetch'
import type { FetchLike } from './exchange.ts'

/**
 * The controllers that requests are aborted with. To make one and its signal costs a tenth of a small request, so one
 * that has aborted nothing serves the next; only with cross-fetch, which lets go of the signal when an answer is read:
 * undici would keep a listener of each request until it is collected.
 */
export class Controllers {
  private readonly spare: AbortController[] = []
  private readonly isReused: boolean

  constructor(fetch: FetchLike) {
    this.isReused = fetch === (crossFetch as FetchLike)
  }

  take(): AbortController {
    return this.spare.pop() ?? new AbortController()
  }

  /** Takes one back whose request has been answered; it may have been aborted in that moment. */
  giveBack(controller: AbortController): void {
    if (this.isReused && !controller.signal.aborted) this.spare.push(controller)
  }
}
