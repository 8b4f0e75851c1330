import type { Timer } from './clock.ts'
import type { Entry } from './entry.ts'
import type { Message } from './message.ts'
import type { Outcome } from './perBatch.ts'
import type { Request } from './request.ts'
import type { Tries } from './tries.ts'
import type { Asker } from './try.ts'

/** Whom a request tells. */
export interface RequestHost<A, R, B> extends Asker<A, R, B> {
  readonly tries: Tries
  /**
   * Each entry has its outcome. Gives those of `behind` that have to wait, as one before them in their lane does: they
   * are the host's from now on.
   */
  settle(
    entries: readonly Entry<A, R>[],
    outcomes: readonly Outcome<B>[],
    behind: readonly Entry<A, R>[],
  ): readonly Entry<A, R>[]
  /** Their partitions are gone: another member has these entries now. */
  drop(entries: readonly Entry<A, R>[]): void
  /** No message can succeed; this one is the first that met it. */
  fatal(error: unknown, message: Message<A>): void
  /** Some entries begin to wait for their next try. */
  waits(): void
  /** The request is through with all its entries. */
  done(request: Request<A, R, B>): void
  /** Takes note of a failure. */
  failed(error: unknown): void
  /** Lets go of entries that have had all their tries, or all their time. */
  giveUp(entries: readonly Entry<A, R>[]): void
  /** Undefined when a request may go off now; otherwise `go` is called when it may. */
  admit(go: () => void): Timer | undefined
  /** Whether entries that wait do so without a place. */
  readonly parks: boolean
  /** Tries entries again after `ms`. */
  park(entries: readonly Entry<A, R>[], ms: number): void
}
