import { expectMs } from '../expect.ts'
import { type Kit, kitOn } from './kit.ts'
import { Stage } from './stage.ts'
import { VirtualTime } from './virtualTime.ts'

/** How a test runs. */
export interface KafkaTestOptions {
  /** When the test ends, in ms, whatever is still to be done: where something is tried again for ever. @default when nothing is left to do */
  readonly until?: number
}

/**
 * Makes a test whose partitions, acks, commits, crashes and rebalances are drawn as marbles, in virtual time: for vitest,
 * jest and node:test. The pipeline is the one that runs on Kafka.
 *
 * ```ts
 * it('a slow message holds back the commit of its own partition only', kafkaTest(({ topic, kafka, … }) => {
 *   topic(orders, `
 *     0: a-b-c
 *     1: -x-y
 *   `, values)
 *   expectOutput(confirmOrders(kafka, server)).toBe('--xby(ac)')
 *   expectCommits(`
 *     0: -----3
 *     1: --1-2
 *   `)
 * }))
 * ```
 *
 * @throws Error, when the test runs, with a drawing of each lane that is not as expected
 */
export function kafkaTest(test: (kit: Kit) => void, options: KafkaTestOptions = {}): () => void {
  const { until = Number.POSITIVE_INFINITY } = options
  expectMs('until', until)
  return () => {
    const time = new VirtualTime()
    time.run(() => {
      const stage = new Stage(time, until)
      test(kitOn(stage))
      stage.play()
      time.clear()
      stage.check()
    })
  }
}
