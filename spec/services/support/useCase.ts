import type { RealKafka } from './kafka.ts'
import { drawFrom } from './seeded.ts'
import type { Written } from './topicLog.ts'
import { answerSearchesCase } from './useCases/answerSearches.ts'
import { checkOrderQualityCase } from './useCases/checkOrderQuality.ts'
import { confirmOrdersCase } from './useCases/confirmOrders.ts'
import { saveActivitiesCase } from './useCases/saveActivities.ts'

/** What there is to know of one example on real servers: what goes in, and what has to come out. */
export interface UseCase {
  /** Goes before every name. */
  readonly prefix: string
  readonly input: string
  readonly groupId: string
  readonly messages: readonly Written[]
  /** Where the pipeline finds what it needs beside the servers. */
  readonly place: Place
  /** What has to come out, worked out from the data alone. */
  readonly expected: ReadonlyMap<string, unknown>
  /** What came out. */
  actual(): Promise<ReadonlyMap<string, unknown>>
  /**
   * How often each message took effect.
   *
   * @param sent what the processes say that they sent; for servers that do not tell what was done twice
   */
  effects(sent: readonly string[]): Promise<ReadonlyMap<string, number>>
  close(): Promise<void>
}

/** Where a pipeline finds what belongs to its use case alone. */
export interface Place {
  readonly mailUrl?: string
  readonly bucket?: string
}

/** How a use case is made. */
export interface UseCaseOptions {
  readonly seed: number
  readonly count: number
  readonly partitions: number
  /** ms that its server takes at least, where it is ours. */
  readonly latency: number
}

export type Example = keyof typeof makers

const makers = {
  saveActivities: saveActivitiesCase,
  confirmOrders: confirmOrdersCase,
  checkOrderQuality: checkOrderQualityCase,
  answerSearches: answerSearchesCase,
}

/** Makes topics, buckets and indexes of its own, and loads them. The input topic stays empty. */
export function useCase(real: RealKafka, example: Example, options: UseCaseOptions): Promise<UseCase> {
  return makers[example](real, drawFrom(options.seed), options)
}
