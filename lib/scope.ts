import type { RawMessage } from './broker.ts'
import { Message, type Origin, type Token, type Verdict } from './message.ts'

/**
 * Many made of one: the parent settles when the scope is closed and its last child has settled. One nack nacks it,
 * at the last settlement, so that no retry begins while a sibling still runs.
 */
export class Scope implements Token {
  readonly origin: Origin
  private readonly parent: Token
  private readonly slot: number
  private readonly raw: RawMessage
  private children = 0
  /** Children not yet settled, and one for the scope itself until it is closed. */
  private open = 1
  private verdict: Verdict = 'acked'
  private error: unknown

  /** Takes the obligation of `message` over. */
  constructor(message: Message<unknown>) {
    this.parent = message.token
    this.origin = message.token.origin
    this.raw = message.raw
    this.slot = message.spend()
  }

  child<T>(value: T): Message<T> {
    this.open++
    return new Message(value, this.raw, this, this.children++)
  }

  /** No more children will come. */
  close(verdict: Verdict = 'acked', error?: unknown): void {
    this.count(verdict, error)
  }

  settle(_slot: number, verdict: Verdict, error: unknown): void {
    this.count(verdict, error)
  }

  idOf(slot: number, raw: RawMessage): string {
    return `${this.parent.idOf(this.slot, raw)}.${slot}`
  }

  attemptOf(): number {
    return this.parent.attemptOf(this.slot)
  }

  rootOf(): number {
    return this.parent.rootOf(this.slot)
  }

  private count(verdict: Verdict, error: unknown): void {
    if (verdict !== 'acked' && this.verdict !== 'nacked') {
      this.verdict = verdict
      this.error = error
    }
    if (--this.open === 0) this.parent.settle(this.slot, this.verdict, this.error, this.raw)
  }
}
