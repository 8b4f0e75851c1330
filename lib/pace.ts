import { type MonoTypeOperatorFunction, Observable, type Subscriber } from 'rxjs'
import type { Timer } from './clock.ts'
import type { Message } from './message.ts'
import { feedKeeper } from './operate.ts'
import { Queue } from './queue.ts'

/** Timers come late by a millisecond or so: at high rates several messages go together, each so many ms. */
const TICK = 10

/**
 * Lets at most `rate` messages a second through, in their order.
 *
 *     source         (abc)-----
 *     pace(500)      a-b-c-----
 */
export function pace<A>(rate: number): MonoTypeOperatorFunction<Message<A>> {
  return (source) => new Observable((out) => new Pace<A>(rate, out).subscribe(source))
}

class Pace<A> {
  private readonly out: Subscriber<Message<A>>
  private readonly waiting = new Queue<Message<A>>()
  /** Messages that go together. */
  private readonly together: number
  private readonly wait: number
  private timer: Timer | undefined
  private sourceDone = false

  constructor(rate: number, out: Subscriber<Message<A>>) {
    this.out = out
    this.together = Math.max(1, Math.floor((rate * TICK) / 1000))
    this.wait = (this.together * 1000) / rate
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

  private add(message: Message<A>): void {
    this.waiting.push(message)
    if (this.timer === undefined) this.arm(message, 0)
  }

  private arm(message: Message<A>, ms: number): void {
    this.timer = message.origin.clock.schedule(() => this.release(), ms)
  }

  private release(): void {
    this.timer = undefined
    const first = this.next()
    if (first === undefined) return this.completeIfDone()
    // Before it is passed on: what follows may bring the next.
    this.arm(first, this.wait)
    first.origin.slice(() => {
      this.out.next(first)
      for (let i = 1; i < this.together; i++) {
        const message = this.next()
        if (message !== undefined) this.out.next(message)
      }
    })
  }

  /** The next that is still ours: one whose partition was taken away is with another member now. */
  private next(): Message<A> | undefined {
    let message = this.waiting.shift()
    while (message?.origin.isEnded) message = this.waiting.shift()
    return message
  }

  private completeIfDone(): void {
    if (this.sourceDone && this.timer === undefined && this.waiting.length === 0) this.out.complete()
  }

  private close(): void {
    this.timer?.unsubscribe()
    for (let message = this.waiting.shift(); message !== undefined; message = this.waiting.shift()) message.abandon()
  }
}
