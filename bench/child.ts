import { Kafka, logLevel } from 'kafkajs'
import { Meter } from './meter.ts'
import { type VariantName, variants } from './variants/variants.ts'

/** What the parent asks of a child process. */
export interface Job {
  readonly variant: VariantName
  readonly brokers: readonly string[]
  readonly topic: string
  readonly groupId: string
  readonly warmUp: number
  readonly messages: number
}

/** Runs one variant, in a process of its own, and prints its figures. */
const job: Job = JSON.parse(process.argv[2] as string)
const meter = new Meter(job.warmUp, job.messages)
const kafka = new Kafka({ brokers: [...job.brokers], logLevel: logLevel.NOTHING })
await variants[job.variant]({ ...job, kafka, messages: job.warmUp + job.messages }, meter)
console.log(JSON.stringify(meter.figures()))
