import { Subject } from 'rxjs'
import type { RawMessage } from '../../lib/broker.ts'
import { systemClock } from '../../lib/clock.ts'
import { Holders } from '../../lib/holders.ts'
import { Message, type Origin } from '../../lib/message.ts'
import { Tracker, type TrackerOwner } from '../../lib/tracker.ts'
import { type Order, orderMessage } from '../messages.ts'

/** Messages that come without a break; as many as a fetched batch has slots for. */
const SLICE = 1000

const [key, value] = [orderMessage(0).key, orderMessage(0).value].map((text) => Buffer.from(text)) as [Buffer, Buffer]
export const raw: RawMessage = { offset: 0, timestamp: 0, key, value }
export const order: Order = JSON.parse(value.toString())

/** A partition without a broker: it counts nothing and commits nothing. */
export class Feed implements TrackerOwner {
  readonly topic = 'orders'
  readonly partition = 0
  readonly groupId = 'bench'
  readonly clock = systemClock
  readonly maxInFlight = SLICE
  readonly isEnded = false
  readonly signal: Origin['signal'] = new AbortController().signal
  readonly holders = new Holders()
  readonly messages = new Subject<Message<Order>>()
  readonly tracker = new Tracker(this, 0)
  private quiet: (() => void)[] = []
  private offset = 0

  /** Sends messages down the pipe, one after the other. */
  send(count: number): void {
    for (let i = 1; i <= count; i++) {
      this.messages.next(new Message(order, raw, this.tracker, this.tracker.track(this.offset++)))
      if (i % SLICE === 0 || i === count) this.flush()
    }
    if (this.tracker.pending > 0) throw new Error(`Expected all messages to be acked, ${this.tracker.pending} are not`)
  }

  acked(): void {}
  refused(): void {}
  cameLate(): void {}
  isOpen(slot: number): boolean {
    return this.tracker.isOpen(slot)
  }
  random(): number {
    return 0
  }
  onQuiet(flush: () => void): boolean {
    this.quiet.push(flush)
    return true
  }
  slice(work: () => void): void {
    work()
  }

  private flush(): void {
    const all = this.quiet
    this.quiet = []
    for (const flush of all) flush()
  }
}
