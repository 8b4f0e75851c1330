import { Observable, type OperatorFunction, Subscriber } from 'rxjs'
import { expectInteger, expectOneOf } from './expect.ts'
import { laneOf, ORDERS, type Order } from './lanes.ts'
import type { Message } from './message.ts'
import { operate } from './operate.ts'
import { Queue } from './queue.ts'
import { Scope } from './scope.ts'

/** How the runs of {@link perMessage} relate. */
export interface PerMessageOptions {
  /** Messages worked on at the same time. @default 16 */
  readonly concurrency?: number
  /** Which messages may not overtake each other. @default 'key' */
  readonly order?: Order
}

/**
 * Makes an operator over messages of any RxJS chain over values: `of(value).pipe(op)` for each message. Holds the law
 * of acks: *a message is acked when everything made from it is acked: from nothing, at once; from one, with it; from
 * many, with the last.* An error inside nacks that one message, and the stream lives on.
 *
 *     source                                a--b--c
 *     perMessage(filter(isLarge))           a-----c      acked: b, at once
 *     perMessage(mergeMap(lines))           (xyz)(uv)…   acked: a, with the last of x, y, z
 *     perMessage(mergeMap(() => throwError  -------      nacked: a, b, c
 *
 * For a synchronous step, {@link mapValue} and its like cost a fraction.
 *
 * @throws TypeError for a wrong option, at once
 */
export function perMessage<A, B>(
  op: OperatorFunction<A, B>,
  options: PerMessageOptions = {},
): OperatorFunction<Message<A>, Message<B>> {
  const { concurrency = 16, order = 'key' } = options
  expectInteger('concurrency', concurrency, 1)
  expectOneOf('order', order, ORDERS)
  return (source) => new Observable((out) => new Runs(op, concurrency, order, out).subscribe(source))
}

/** The runs of one subscription: which are under way, and which messages wait for a place or for their lane. */
class Runs<A, B> {
  private readonly op: OperatorFunction<A, B>
  private readonly concurrency: number
  private readonly order: Order
  private readonly out: Subscriber<Message<B>>
  private readonly waiting = new Queue<Message<A>>()
  /** Messages that wait for the one of their lane that is under way. */
  private readonly lanes = new Map<string, Queue<Message<A>>>()
  private active = 0
  private sourceDone = false

  constructor(op: OperatorFunction<A, B>, concurrency: number, order: Order, out: Subscriber<Message<B>>) {
    this.op = op
    this.concurrency = concurrency
    this.order = order
    this.out = out
  }

  subscribe(source: Observable<Message<A>>): void {
    const messages = operate<A, never>((message) => this.add(message))(source)
    this.out.add(
      messages.subscribe({
        error: (error) => this.out.error(error),
        complete: () => {
          this.sourceDone = true
          this.completeIfDone()
        },
      }),
    )
  }

  private add(message: Message<A>): void {
    if (this.active === 0) return this.start(message)
    const lane = laneOf(message, this.order)
    const queue = lane === undefined ? undefined : this.lanes.get(lane)
    if (queue !== undefined) queue.push(message)
    else if (this.active < this.concurrency) this.start(message)
    else this.waiting.push(message)
  }

  private start(message: Message<A>): void {
    this.active++
    const run = new Run<A, B>(message, this.out)
    single(message.value).pipe(this.op).subscribe(run)
    run.endSlice()
    if (run.closed) this.end(undefined)
    else this.register(run, message)
  }

  /** Only a run that outlives its synchronous part holds its lane. */
  private register(run: Run<A, B>, message: Message<A>): void {
    const lane = laneOf(message, this.order)
    if (lane !== undefined) this.lanes.set(lane, new Queue())
    this.out.add(run)
    run.add(() => {
      this.out.remove(run)
      if (!this.out.closed) this.end(lane)
    })
  }

  private end(lane: string | undefined): void {
    this.active--
    const behind = lane === undefined ? undefined : this.lanes.get(lane)
    if (behind !== undefined && lane !== undefined) {
      this.lanes.delete(lane)
      this.restart(behind)
    }
    if (this.active < this.concurrency) {
      const next = this.waiting.shift()
      if (next !== undefined) this.add(next)
    }
    this.completeIfDone()
  }

  /** The first goes ahead; the others line up behind it again, if it is still under way by then. */
  private restart(behind: Queue<Message<A>>): void {
    for (let next = behind.shift(); next !== undefined; next = behind.shift()) this.add(next)
  }

  private completeIfDone(): void {
    if (this.sourceDone && this.active === 0 && this.waiting.length === 0) this.out.complete()
  }
}

/** One message's run of the chain. Holds a first output back until it is known whether it is the only one. */
class Run<A, B> extends Subscriber<B> {
  private readonly message: Message<A>
  private readonly out: Subscriber<Message<B>>
  private scope: Scope | undefined
  private held: { readonly value: B } | undefined
  private inSlice = true

  constructor(message: Message<A>, out: Subscriber<Message<B>>) {
    super()
    this.message = message
    this.out = out
  }
}

/** The chain's source. Not `of`, which makes an array and a scheduler check for each value. */
function single<A>(value: A): Observable<A> {
  return new Observable((subscriber) => {
    subscriber.next(value)
    subscriber.complete()
  })
}
