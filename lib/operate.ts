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

/** An operator that keeps messages for a while. */
export interface Keeper<A> {
  /** What it throws nacks the message. */
  add(message: Message<A>): void
  /** No more come. */
  complete(): void
  /** Torn down: gives up what it keeps. */
  close(): void
}

/**
 * Feeds the messages of a source to an operator that keeps them. What is kept is given up before the source ends, whose
 * end aborts the signals of its messages: work under way would take that for a failure of its own.
 */
export function feedKeeper<A>(source: Observable<Message<A>>, out: Subscriber<unknown>, keeper: Keeper<A>): void {
  const add = operate<A, never>((message) => keeper.add(message))
  out.add(() => keeper.close())
  out.add(add(source).subscribe({ error: (error) => out.error(error), complete: () => keeper.complete() }))
}

function noMessageText(value: unknown): string {
  return `Expected a message of fromTopic, got ${String(value)} (${typeof value}); keep the message through the pipe: mapValue(f), or map((m) => m.with(f(m.value)))`
}
