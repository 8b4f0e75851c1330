import { expectMs } from '../expect.ts'
import { exhaust } from './exhaust.ts'
import type { Kit } from './kit.ts'
import { kitOn } from './kitOn.ts'
import { Stage } from './stage.ts'
import { turn } from './turn.ts'
import { VirtualTime } from './virtualTime.ts'

/** How a test runs. */
export interface KafkaTestOptions {
  /** When the test ends, in ms, though something is still to be done: where it is tried again for ever. @default Infinity */
  readonly until?: number
}

/** A kit in a test of {@link kafkaTest}. */
export interface SyncKit extends Kit {
  /** Lets all happen that was drawn; what comes after can look at what became of it. */
  flush(): void
}

/** A kit in a test of `kafkaTest.async`. */
export interface AsyncKit extends Kit {
  /** As {@link SyncKit.flush}. */
  flush(): Promise<void>
}

/** Makes tests of {@link Kit}s. */
export interface KafkaTest {
  (test: (kit: SyncKit) => void, options?: KafkaTestOptions): () => void
  /**
   * As `kafkaTest`, for pipes with promises: between two actions in virtual time all promises go on that can. They may
   * wait for each other, not for real time. A plain `delay(5)`, without the scheduler `time.clock`, waits for that.
   */
  async(test: (kit: AsyncKit) => Promise<void> | void, options?: KafkaTestOptions): () => Promise<void>
}

/**
 * Makes a test whose partitions, acks, commits, crashes and rebalances are drawn as marbles, in virtual time: for vitest,
 * jest and node:test. The pipeline is the one that runs on Kafka.
 *
 * ```ts
 * it('holds back the commit of a slow message, in its own partition only', kafkaTest(({ topic, kafka, … }) => {
 *   topic(orders, `
 *     0: a-b-c
 *     1: -x-y
 *   `, values)
 *   expectOutput(confirmOrders(kafka, server)).toBe('--xby(ac)')
 *   expectCommittable(`
 *     0: -----(23)
 *     1: --1-2
 *   `)
 * }))
 * ```
 *
 * @throws Error, when the test runs, with a drawing of each lane that is not as expected
 */
export const kafkaTest: KafkaTest = Object.assign(
  (test: (kit: SyncKit) => void, options: KafkaTestOptions = {}) => {
    const until = untilOf(options)
    return () => {
      const time = new VirtualTime()
      time.run(() => {
        const stage = new Stage(time, until)
        const { kit, topics } = kitOn(stage)
        const flush = () => exhaust(stage.play())
        const result: unknown = test(Object.assign(kit, { flush }))
        if (result instanceof Promise) throw new TypeError(PROMISE)
        flush()
        exhaust(stage.end())
        stage.check((place) => topics.nameOf(place))
      })
    }
  },
  {
    async: (test: (kit: AsyncKit) => Promise<void> | void, options: KafkaTestOptions = {}) => {
      const until = untilOf(options)
      return async () => {
        const stage = new Stage(new VirtualTime(), until)
        const { kit, topics } = kitOn(stage)
        const flush = () => exhaustAsync(stage.play())
        await test(Object.assign(kit, { flush }))
        await flush()
        await exhaustAsync(stage.end())
        stage.check((place) => topics.nameOf(place))
      }
    },
  },
)

const PROMISE = 'Expected a test that returns nothing, got a promise; a test that awaits needs kafkaTest.async'

function untilOf({ until = Number.POSITIVE_INFINITY }: KafkaTestOptions): number {
  expectMs('until', until)
  return until
}

async function exhaustAsync(steps: Iterator<void>): Promise<void> {
  while (!steps.next().done) await turn()
}
