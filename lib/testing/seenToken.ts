import type { RawMessage } from '../broker.ts'
import { Message, type Origin, type Token, type Verdict } from '../message.ts'

/** Whom a seen token tells. */
export interface TokenWatcher {
  /** A message is about to settle; `isLate`, when that changes nothing any more. */
  settled(raw: RawMessage, origin: Origin, verdict: Verdict, error: unknown, isLate: boolean): void
}

/** Stands between messages and their tracker, and sees them settle. */
export class SeenToken implements Token {
  /** Messages that were delivered and are not settled, by their slots. */
  readonly open = new Map<number, RawMessage>()
  private readonly token: Token
  private readonly watcher: TokenWatcher

  constructor(token: Token, watcher: TokenWatcher) {
    this.token = token
    this.watcher = watcher
  }

  get origin(): Origin {
    return this.token.origin
  }

  /** Takes a message's obligation over. */
  adopt<A>(message: Message<A>): Message<A> {
    const slot = message.spend()
    this.open.set(slot, message.raw)
    return new Message(message.value, message.raw, this, slot)
  }

  settle(slot: number, verdict: Verdict, error: unknown, raw: RawMessage): void {
    // An operator lets go of what it holds when the assignment has ended: nobody has settled that.
    const isGivenUp = verdict === 'abandoned' && this.origin.isEnded
    if (isGivenUp) return this.token.settle(slot, verdict, error, raw)
    this.open.delete(slot)
    this.watcher.settled(raw, this.origin, verdict, error, !this.origin.isOpen(slot))
    this.token.settle(slot, verdict, error, raw)
  }

  idOf(slot: number, raw: RawMessage): string {
    return this.token.idOf(slot, raw)
  }

  attemptOf(slot: number): number {
    return this.token.attemptOf(slot)
  }

  rootOf(slot: number): number {
    return this.token.rootOf(slot)
  }
}
