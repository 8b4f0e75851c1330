import type { Kafka } from 'kafkajs'
import type { Meter } from '../meter.ts'
import type { Place } from '../stages/stages.ts'

/** What a variant reads, and where its work goes. */
export interface Input {
  readonly kafka: Kafka
  readonly brokers: readonly string[]
  /** Goes before all names of the run's topic. */
  readonly prefix: string
  readonly topic: string
  readonly groupId: string
  /** Messages in the topic: warm-up and measured. */
  readonly messages: number
  /** What the row of the case says. */
  readonly setting: number
  readonly place: Place
}

/** One way to do the work of a case. Resolves once all is committed and the group is left. */
export type Variant = (input: Input, meter: Meter) => Promise<void>
