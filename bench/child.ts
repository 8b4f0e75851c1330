import { kafkaClient } from './client.ts'
import { Meter } from './meter.ts'
import type { Input } from './variants/variant.ts'
import { type VariantName, variants } from './variants/variants.ts'

/** What the parent asks of a child process. */
export interface Job extends Omit<Input, 'kafka'> {
  readonly variant: VariantName
  readonly warmUp: number
}

/** Runs one variant, in a process of its own, and prints its figures. */
const job: Job = JSON.parse(process.argv[2] as string)
const meter = new Meter(job.warmUp, job.messages - job.warmUp)
await variants[job.variant]({ ...job, kafka: kafkaClient(job.brokers) }, meter)
console.log(JSON.stringify(meter.figures()))
