import type { Kafka } from 'kafkajs'
import type { Meter } from '../meter.ts'

/** What a variant reads. */
export interface Input {
  readonly kafka: Kafka
  readonly topic: string
  readonly groupId: string
  /** Messages in the topic: warm-up and measured. */
  readonly messages: number
}

/** One way to do the work of a case. Resolves once all is committed and the group is left. */
export type Variant = (input: Input, meter: Meter) => Promise<void>
