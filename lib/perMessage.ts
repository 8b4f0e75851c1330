import { Observable, type OperatorFunction, type Subscriber, Subscription } from 'rxjs'
import { type ChainHost, ChainRun } from './chainRun.ts'
import { expectInteger, expectOneOf } from './expect.ts'
import type { Holders, Worker } from './holders.ts'
import { type Lane, Lanes, ORDERS, type Order } from './lanes.ts'
import type { Message } from './message.ts'
import { feedKeeper } from './operate.ts'
import { Queue } from './queue.ts'

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
 *     perMessage(mergeMap(fails))           -------      nacked: a, b, c
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
class Runs<A, B> implements ChainHost<B>, Worker {
  readonly out: Subscriber<Message<B>>
  private readonly op: OperatorFunction<A, B>
  private readonly concurrency: number
  private readonly lanes: Lanes
  /** Messages for which there was no place. */
  private readonly waiting = new Queue<Message<A>>()
  /** For each lane with a run under way, the messages that wait for its end. */
  private readonly queues = new Map<Lane, Queue<Message<A>>>()
  /** The sources of the messages of runs that outlived their synchronous part. */
  private readonly sources = new Set<Holders>()
  /** The runs that outlived their synchronous part. */
  private readonly runs = new Subscription()
  private active = 0
  private sourceDone = false

  constructor(op: OperatorFunction<A, B>, concurrency: number, order: Order, out: Subscriber<Message<B>>) {
    this.op = op
    this.concurrency = concurrency
    this.lanes = new Lanes(order)
    this.out = out
  }

  subscribe(source: Observable<Message<A>>): void {
    feedKeeper(source, this.out, {
      add: (message) => this.add(message),
      complete: () => {
        this.sourceDone = true
        this.completeIfDone()
      },
      close: () => this.close(),
    })
  }

  get isBusy(): boolean {
    return this.active > 0
  }

  /** A run that outlived its synchronous part has ended: its place and its lane are free. */
  ended(lane: Lane | undefined): void {
    if (this.out.closed) return
    this.active--
    const behind = lane === undefined ? undefined : this.queues.get(lane)
    if (behind !== undefined) this.follow(lane as Lane, behind)
    while (this.active < this.concurrency && this.waiting.length > 0 && !this.out.closed)
      this.admit(this.waiting.shift() as Message<A>)
    this.completeIfDone()
  }

  private add(message: Message<A>): void {
    // Whoever waits was there first, and may be of the same lane.
    if (this.waiting.length > 0 || !this.admit(message)) this.waiting.push(message)
    if (this.sourceDone) this.completeIfDone()
  }

  /** Starts a message, or lets it wait in its lane; false when there is no place. */
  private admit(message: Message<A>): boolean {
    const lane = this.queues.size === 0 ? undefined : this.lanes.of(message)
    const queue = lane === undefined ? undefined : this.queues.get(lane)
    if (queue === undefined && this.active >= this.concurrency) return false
    if (queue !== undefined) queue.push(message)
    else this.start(message)
    return true
  }

  /** Starts the next of a lane; those that end at once hold up nobody. */
  private follow(lane: Lane, behind: Queue<Message<A>>): void {
    while (behind.length > 0 && !this.out.closed) if (this.start(behind.shift() as Message<A>, behind)) return
    this.queues.delete(lane)
  }

  /** Starts a message's run; true when it outlives its synchronous part. Only then it holds its lane. */
  private start(message: Message<A>, behind?: Queue<Message<A>>): boolean {
    const run = new ChainRun<A, B>(message, this)
    // From here on: what it does synchronously may end other runs, and it is not the last of them.
    this.active++
    try {
      this.op(single(message.value)).subscribe(run)
    } catch (error) {
      run.error(error)
    }
    run.endSlice()
    // The chain itself may have ended the pipe.
    if (this.out.closed) run.unsubscribe()
    if (run.closed) {
      this.active--
      return false
    }
    this.meet(message.origin.holders)
    run.lane = this.lanes.of(message)
    if (run.lane !== undefined) this.queues.set(run.lane, behind ?? new Queue())
    this.runs.add(run)
    return true
  }

  /** Lets a source know that its messages are worked on here. */
  private meet(source: Holders): void {
    if (this.sources.has(source)) return
    this.sources.add(source)
    source.workers.add(this)
  }

  private completeIfDone(): void {
    if (this.sourceDone && this.active === 0) this.out.complete()
  }

  /** Torn down: what is under way and what waits is given up. */
  private close(): void {
    this.runs.unsubscribe()
    for (const source of this.sources) source.workers.delete(this)
    for (const queue of [this.waiting, ...this.queues.values()])
      while (queue.length > 0) (queue.shift() as Message<A>).abandon()
  }
}

/** The chain's source. Not `of`, which looks for a scheduler and makes an array for each value. */
function single<A>(value: A): Observable<A> {
  return new Observable((subscriber) => {
    subscriber.next(value)
    subscriber.complete()
  })
}
