import type { Order } from '../messages.ts'
import type { Meter } from '../meter.ts'

/** A server that takes many at once. */
export type Sink = (orders: readonly Order[]) => Promise<void>

/** A sink that answers at once: with a real one the work of both sides would hide behind its latency. */
export function sinkOf(meter: Meter): Sink {
  return async (orders) => {
    for (const _ of orders) meter.count()
  }
}
