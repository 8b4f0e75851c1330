import { Observable, type OperatorFunction, Subscriber } from 'rxjs'
import { FatalError } from './errors.ts'
import { isMessage, type Message } from './message.ts'

/**
 * Makes an operator over messages of one synchronous step: no inner subscription, no closure for each message.
 *
 * The only file that makes an RxJS `Subscriber`: an own observer costs the same, but would let messages through after
 * a synchronous `take(1)`. What `step` throws nacks its message, and the stream lives on.
 */
export function operate<A, R>(
  step: (message: Message<A>, destination: Subscriber<R>) => void,
): OperatorFunction<Message<A>, R> {
  return (source) => new Observable((destination) => source.subscribe(new Step(destination, step)))
}

class Step<A, R> extends Subscriber<Message<A>> {
  private readonly out: Subscriber<R>
  private readonly step: (message: Message<A>, destination: Subscriber<R>) => void

  constructor(out: Subscriber<R>, step: (message: Message<A>, destination: Subscriber<R>) => void) {
    super(out)
    this.out = out
    this.step = step
  }

  protected override _next(message: Message<A>): void {
    try {
      this.step(message, this.out)
    } catch (error) {
      if (!isMessage(message)) this.out.error(new FatalError(noMessageText(message)))
      else if (!message.isSpent) message.nack(error)
      // Settled or handed on before it came here: the pipe is wrong, not the message, and a nack would say nothing.
      else this.out.error(error)
    }
  }
}

function noMessageText(value: unknown): string {
  return `Expected a message of fromTopic, got ${String(value)} (${typeof value}); keep the message through the pipe: mapValue(f), or map((m) => m.with(f(m.value)))`
}
