import { Subscriber, Subscription, type TeardownLogic } from 'rxjs'
import type { Lane } from './lanes.ts'
import type { Message, Verdict } from './message.ts'
import { Scope } from './scope.ts'

/** Whom a run tells. */
export interface ChainHost<B> {
  readonly out: Subscriber<Message<B>>
  /** A run that outlived its synchronous part has ended. */
  ended(lane: Lane | undefined): void
}

/** One message's run of the chain. Holds a first output back until it is known whether it is the only one. */
export class ChainRun<A, B> extends Subscriber<B> {
  lane: Lane | undefined
  private readonly message: Message<A>
  private readonly host: ChainHost<B>
  private chain: Subscription | undefined
  private scope: Scope | undefined
  private first: B | undefined
  private hasFirst = false
  private inSlice = true
  private settled = false

  constructor(message: Message<A>, host: ChainHost<B>) {
    super()
    this.message = message
    this.host = host
  }

  /** The synchronous part is over: what comes from now on comes alone. */
  endSlice(): void {
    if (!this.closed && this.hasFirst && this.scope === undefined) this.spread()
    this.inSlice = false
  }

  /** The first is the chain's own subscription, as a rule the only one: a list for it would cost as much as the chain. */
  override add(teardown: TeardownLogic): void {
    if (this.chain === undefined && !this.closed && teardown instanceof Subscription) this.chain = teardown
    else if (teardown !== this.chain) super.add(teardown)
  }

  override unsubscribe(): void {
    if (this.closed) return
    super.unsubscribe()
    this.chain?.unsubscribe()
    if (!this.settled) this.close('abandoned')
    if (!this.inSlice) this.host.ended(this.lane)
  }

  protected override _next(value: B): void {
    if (this.scope === undefined && this.inSlice && !this.hasFirst) {
      this.first = value
      this.hasFirst = true
      return
    }
    this.host.out.next((this.scope ?? this.spread()).child(value))
    // Until its synchronous part is over nobody else would tell the chain.
    if (this.host.out.closed) this.unsubscribe()
  }

  protected override _error(error: unknown): void {
    this.close('nacked', error)
    this.unsubscribe()
  }

  protected override _complete(): void {
    if (this.scope === undefined && this.hasFirst) {
      this.settled = true
      this.host.out.next(this.message.with(this.first as B))
    } else this.close('acked')
    this.unsubscribe()
  }

  /** More than one output, or one of its own time: the message settles with the last of them. */
  private spread(): Scope {
    this.scope = new Scope(this.message)
    if (this.hasFirst) this.host.out.next(this.scope.child(this.first as B))
    return this.scope
  }

  private close(verdict: Verdict, error?: unknown): void {
    this.settled = true
    if (this.scope !== undefined) this.scope.close(verdict, error)
    else if (verdict === 'acked') this.message.ack()
    else if (verdict === 'nacked') this.message.nack(error)
    else this.message.abandon()
  }
}
