import { Observable, type OperatorFunction } from 'rxjs'
import { TransientError } from '../../lib/errors.ts'
import type { Message } from '../../lib/message.ts'
import { type Outcome, type PerBatchOptions, perBatch } from '../../lib/perBatch.ts'

/** A request that waits for an answer. */
interface Asked<A> {
  readonly values: readonly A[]
  answer(outcomes: readonly Outcome<A>[]): void
  fail(error: unknown): void
}

/** A server that answers only when a spec tells it to, or fails at once while it is down. */
export class HandServer<A = number> {
  isDown = false
  /** The values of each request, in order. */
  readonly requests: (readonly A[])[] = []
  /** Those that wait for an answer. */
  readonly asked: Asked<A>[] = []

  /** Asks it, and tries again after a second. */
  operator(options: PerBatchOptions = {}): OperatorFunction<Message<A>, Message<A>> {
    const retry = { delay: 1000, factor: 1, jitter: 'none' } as const
    return perBatch<A, A, A>(
      (value) => value,
      (values) => this.send(values),
      { retry, timeout: 1e9, ...options },
    )
  }

  /** Answers the oldest request that waits: each of its values is done. */
  answer(outcomes?: readonly Outcome<A>[]): void {
    const asked = this.asked.shift()
    asked?.answer(outcomes ?? asked.values.map((value) => ({ value })))
  }

  /** Fails the oldest request that waits, in a way that may pass. */
  fail(error: unknown = new TransientError('busy')): void {
    this.asked.shift()?.fail(error)
  }

  private send(values: readonly A[]): Observable<readonly Outcome<A>[]> {
    return new Observable((subscriber) => {
      this.requests.push(values)
      if (this.isDown) return subscriber.error(new TransientError('down'))
      this.asked.push({
        values,
        answer: (outcomes) => {
          subscriber.next(outcomes)
          subscriber.complete()
        },
        fail: (error) => subscriber.error(error),
      })
    })
  }
}
