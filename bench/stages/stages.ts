import type { Run } from '../../services/run.ts'
import type { Topic, Topics } from '../topics.ts'
import { redisStage } from './redis.ts'
import { topicsStage } from './topics.ts'

/** Where the work of a run goes: what a child has to know. */
export interface Place {
  readonly redisUrl: string
  /** Topics that are written. */
  readonly outs: readonly string[]
}

/** What stands behind a case, for all its runs on one topic. */
export interface Stage {
  readonly place: Partial<Place>
  /** @throws Error when a run did not do all the work, once for each message */
  expectDone(messages: number): Promise<void>
  close(): Promise<void>
}

/** What a stage is made with. */
export interface StageSet {
  readonly run: Run
  readonly topics: Topics
  readonly topic: Topic
}

/** The stages by the names that the cases use. */
export const stages = {
  redis: redisStage,
  topic: (set: StageSet) => topicsStage(set, 1),
  topics: (set: StageSet) => topicsStage(set, 3),
} satisfies Record<string, (set: StageSet) => Promise<Stage>>

export type StageName = keyof typeof stages
