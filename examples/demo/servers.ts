import type { Broker } from 'rxjs-kafka-toolkit'
import type { PipelineClients } from './pipelines.ts'

/** A message as it lies in a topic. */
export interface StoredMessage {
  readonly key: string | null
  readonly value: string
  readonly headers: Readonly<Record<string, string>>
}

/** An e-mail that the mail service was asked to send. */
export interface Mail {
  readonly user: string
  readonly subject: string
  readonly body: string
}

/** The servers of one run of the demo: the clients that pipelines get, and a look at what they brought about. */
export interface DemoServers extends PipelineClients {
  readonly kafka: Broker
  /** What they are, for the headline. */
  readonly title: string
  endOffsets(topic: string): Promise<ReadonlyMap<number, number>>
  committed(groupId: string, topic: string): Promise<ReadonlyMap<number, number>>
  /** All messages of a topic. */
  read(topic: string): Promise<readonly StoredMessage[]>
  /** A sorted set's members and scores. */
  sortedSet(key: string): Promise<readonly (readonly [member: string, score: number])[]>
  mails(): readonly Mail[]
}

/** Partitions of each topic. */
export const PARTITIONS = 4
