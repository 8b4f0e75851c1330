import { map } from 'rxjs'
import type { Message } from '../../lib/index.ts'
import { overKafka } from './ours.ts'
import type { Variant } from './variant.ts'

/** Holds so many messages as the row says, half of them or more, and acks the older half in a shuffled order. */
export const held: Variant = (input, meter) => {
  const holder = new Holder(Math.max(1, input.setting / 2), input.messages)
  const pipe = map((message: Message<unknown>) => {
    meter.count()
    holder.take(message)
  })
  // All of them may be of one partition.
  return overKafka(() => pipe, { maxInFlight: 10_000 })(input, meter)
}

class Holder {
  private readonly half: number
  private readonly order: readonly number[]
  private older: Message<unknown>[] = []
  private younger: Message<unknown>[] = []
  private left: number

  constructor(half: number, messages: number) {
    this.half = half
    this.order = shuffled(half)
    this.left = messages
  }

  take(message: Message<unknown>): void {
    this.younger.push(message)
    this.left--
    if (this.younger.length === this.half || this.left === 0) this.turn()
    if (this.left === 0) this.turn()
  }

  /** Acks the older half; the younger is the older one now. */
  private turn(): void {
    if (this.older.length === this.half) for (const i of this.order) this.older[i]?.ack()
    else for (const message of this.older) message.ack()
    this.older = this.younger
    this.younger = []
  }
}

/** The numbers below `count`, in an order that is the same in every run. */
function shuffled(count: number): readonly number[] {
  const all = Array.from({ length: count }, (_, i) => i)
  let seed = 1
  for (let i = count - 1; i > 0; i--) {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
    const j = seed % (i + 1)
    ;[all[i], all[j]] = [all[j] as number, all[i] as number]
  }
  return all
}
