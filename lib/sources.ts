import type { Clock } from './clock.ts'
import type { Holder, Holders } from './holders.ts'
import type { Origin } from './message.ts'

/** The sources that an operator has messages of; more than one where sources are merged. */
export class Sources {
  private readonly holder: Holder
  private readonly all = new Set<Holders>()
  private latest: Holders | undefined
  private first: Clock | undefined

  constructor(holder: Holder) {
    this.holder = holder
  }

  /** That of the first: there is none before a message has come. */
  get clock(): Clock {
    return this.first as Clock
  }

  /** Lets the source of a message know that the operator has messages of it. */
  meet({ holders, clock }: Origin): void {
    // Most often it is the source of the message before, which costs no look-up.
    if (holders === this.latest) return
    this.first ??= clock
    this.latest = holders
    this.all.add(holders)
    holders.add(this.holder)
  }

  /** Tells all of them that some messages have begun to wait. */
  waits(): void {
    for (const source of this.all) source.waits()
  }

  leave(): void {
    for (const source of this.all) source.remove(this.holder)
  }
}
