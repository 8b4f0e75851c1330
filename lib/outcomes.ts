import type { Subscriber } from 'rxjs'
import type { Entry } from './entry.ts'
import { FatalError, fatalAt, messageOf, PermanentError } from './errors.ts'
import { type Message, spentText } from './message.ts'
import type { Counts } from './operatorHealth.ts'
import type { AllPerBatchOptions, Outcome } from './perBatch.ts'
import { isLate } from './tries.ts'

/** Settles messages by their outcomes, and counts them. */
export class Outcomes<A, R, B> {
  readonly counts: Counts = { done: 0, failed: 0, lastError: null }
  private readonly options: AllPerBatchOptions<R>
  private readonly out: Subscriber<Message<B>>

  constructor(options: AllPerBatchOptions<R>, out: Subscriber<Message<B>>) {
    this.options = options
    this.out = out
  }

  settle(entry: Entry<A, R>, outcome: Outcome<B>): void {
    if (outcome !== 'drop' && 'error' in outcome) this.refuse(entry, outcome.error)
    else this.succeed(entry.message, outcome)
  }

  succeed(message: Message<A>, outcome: { readonly value: B } | 'drop'): void {
    this.counts.done++
    if (outcome === 'drop') message.ack()
    // A view that was spent before it came here: the pipe is wrong, not the message.
    else if (message.isSpent) this.out.error(new FatalError(spentText(message)))
    else this.out.next(message.with(outcome.value))
  }

  /** No message can succeed; this one is the first that met it. */
  fatal(error: unknown, message: Message<A>): void {
    this.out.error(fatalAt(message, error))
  }

  private refuse(entry: Entry<A, R>, error: unknown): void {
    const { message } = entry
    const kind = this.options.classify(error)
    this.counts.failed++
    if (kind === 'fatal') {
      this.fatal(error, message)
      message.abandon()
    } else if (kind === 'permanent') message.nack(error)
    else message.nack(this.gaveUp(entry, error))
  }

  private gaveUp(entry: Entry<A, R>, cause: unknown): PermanentError {
    const { name, totalTimeout } = this.options
    const late = isLate(entry) ? ` in ${totalTimeout} ms` : ''
    return new PermanentError(`${name} gave up after ${entry.failures} tries${late}: ${messageOf(cause)}`, { cause })
  }
}
